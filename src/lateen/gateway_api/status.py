"""Statuses of Gateway API objects: what the control plane says about each, as Istio does.

    GatewayClass               Accepted
    Gateway, ListenerSet       Accepted, Programmed, ResolvedRefs; the same for each listener
    routes                     Accepted, ResolvedRefs for each parentRef
    policies, XBackend         Accepted, ResolvedRefs for each target and each Gateway in front
    Ingress                    addresses of the gateway that serves it

Conditions carry no time here: whoever writes them knows when they changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lateen.api.gateway_api.gateway import GatewaySpec
from lateen.api.resource import Key, Resource
from lateen.gateway_api import (
    classes,
    client_certificate,
    ingress_status,
    policy_status,
    route_status,
    routes,
    sources,
    status_merge,
)
from lateen.gateway_api.listener_status import condition, listener_status, listeners_verdict
from lateen.gateway_api.listeners import attached_sets, listeners, parent_of, refusal
from lateen.gateway_api.programming import programming
from lateen.gateway_api.sources import Sources

Conditions = list[dict[str, str]]
NO_ADDRESS = "Failed to assign to any requested addresses"
RESOLVED = condition("ResolvedRefs", "ResolvedRefs", "All references resolved")


@dataclass(frozen=True, slots=True)
class Status:
    key: Key
    status: dict[str, Any]


def statuses(mesh: Sources) -> Iterator[Status]:
    """Of all objects that carry one, by kind, namespace and name."""
    for found in _of_objects(mesh):
        resource = mesh.resource(found.key)
        assert resource is not None, "a status is of an object"
        status = found.status
        if resource.meta.generation:
            status = _observed(status, resource.meta.generation)
        yield replace(found, status=status_merge.merged(resource.status, status))


def _of_objects(mesh: Sources) -> Iterator[Status]:
    for found in mesh.all_of_kind("GatewayClass"):
        if found.spec.controller_name in classes.BY_CONTROLLER:
            accepted = condition("Accepted", "Accepted", "Handled by Istio controller")
            yield Status(found.key, {"conditions": [accepted]})
    attached = attached_routes(mesh)
    for found in mesh.all_of_kind(sources.GATEWAY):
        of_class = classes.class_of(mesh, found.spec)
        if of_class is not None and of_class.is_programmed:
            yield Status(found.key, gateway_status(mesh, found, attached))
    for found in mesh.all_of_kind("ListenerSet"):
        status = listener_set_status(mesh, found, attached)
        if status:
            yield Status(found.key, status)
    for kind in routes.KINDS:
        for found in mesh.all_of_kind(kind):
            yield Status(found.key, {"parents": route_status.parents(mesh, found)})
    gateways = policy_status.gateways_of_backends(mesh)
    for kind in policy_status.KINDS:
        for found in mesh.all_of_kind(kind):
            yield Status(found.key, policy_status.status(mesh, found, gateways))
    for found in mesh.all_of_kind("Ingress"):
        status = ingress_status.status(mesh, found)
        if status:
            yield Status(found.key, status)


def _observed(value: Any, generation: int) -> Any:
    """With the generation of the object in every condition; those of others have theirs."""
    if isinstance(value, list):
        return [_observed(each, generation) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: _observed(each, generation) for name, each in value.items()}
    if {"type", "status", "reason"} <= value.keys():
        made.setdefault("observedGeneration", generation)
    return made


def attached_routes(mesh: Sources) -> dict[str, int]:
    """How many routes each internal Gateway has."""
    found: dict[str, int] = {}
    for kind in routes.KINDS:
        for route in mesh.all_of_kind(kind):
            places = routes.contribution(mesh, route.key).attachments
            for gateway in {each.gateway for each in places if each.accepted}:
                found[gateway] = found.get(gateway, 0) + 1
    return found


# -- gateways ----------------------------------------------------------------------------------


def gateway_status(
    mesh: Sources, gateway: Resource[GatewaySpec], attached: dict[str, int]
) -> dict[str, Any]:
    if classes.class_of(mesh, gateway.spec) is classes.UNMANAGED:
        return _remote_status(gateway)
    if not classes.service_names(mesh, gateway):
        return {"conditions": [*_unsupported(gateway.spec), RESOLVED]}
    own = listeners(mesh, gateway.key)
    ports = [each.port for each in own]
    sets = attached_sets(mesh, gateway.key)
    for key in sets:
        ports += [each.port for each in listeners(mesh, key) if not each.conflict]
    programmed = programming(mesh, gateway, ports)
    accepted = _address_fault(gateway.spec) or _parameters_fault(mesh, gateway)
    status: dict[str, Any] = {
        "conditions": [
            accepted or listeners_verdict("Gateway", own),
            programmed.condition,
            _resolved(mesh, gateway),
        ],
        "listeners": [listener_status(each, attached) for each in own],
    }
    if programmed.addresses:
        status["addresses"] = list(programmed.addresses)
    if sets:
        status["attachedListenerSets"] = len(
            [key for key in sets if any(not each.conflict for each in listeners(mesh, key))]
        )
    return status


def _resolved(mesh: Sources, gateway: Resource[GatewaySpec]) -> dict[str, str]:
    fault = client_certificate.fault(mesh, gateway)
    if fault is None:
        return RESOLVED
    return condition("ResolvedRefs", fault.reason, fault.message, holds=False)


def _remote_status(gateway: Resource[GatewaySpec]) -> dict[str, Any]:
    remote = "This Gateway is remote; Istio will not program it"
    addresses = [{"type": each.type, "value": each.value} for each in gateway.spec.addresses]
    return {
        "addresses": addresses,
        "conditions": [
            condition("Accepted", "Accepted", "Resource accepted"),
            condition("Programmed", "Programmed", remote),
        ],
    }


def _parameters_fault(mesh: Sources, gateway: Resource[GatewaySpec]) -> dict[str, str] | None:
    """What is wrong with its parameters; None when nothing is."""
    infrastructure = gateway.spec.infrastructure
    reference = infrastructure.parameters_ref if infrastructure is not None else None
    if reference is None:
        return None
    if (reference.group, reference.kind) != ("", "ConfigMap"):
        message = f"Unsupported parametersRef group/kind {reference.group}/{reference.kind}, "
        message += "only ConfigMap is supported"
    elif mesh.resource(Key("ConfigMap", gateway.namespace, reference.name)) is None:
        message = f"parametersRef ConfigMap {gateway.namespace}/{reference.name} does not exist"
    else:
        return None
    return condition("Accepted", "InvalidParameters", message, holds=False)


def _address_fault(spec: GatewaySpec) -> dict[str, str] | None:
    ignored = " ".join(classes.ignored_addresses(spec))
    if not ignored:
        return None
    message = f"only Hostname is supported, ignoring [{ignored}]"
    return condition("Accepted", "UnsupportedAddress", message, holds=False)


def _unsupported(spec: GatewaySpec) -> Conditions:
    accepted = _address_fault(spec) or condition("Accepted", "Accepted", "Resource accepted")
    return [accepted, condition("Programmed", "UnsupportedAddress", NO_ADDRESS, holds=False)]


def listener_set_status(
    mesh: Sources, found: Resource[Any], attached: dict[str, int]
) -> dict[str, Any]:
    """Empty for one whose parent is not ours."""
    parent = parent_of(mesh, found)
    if parent is None:
        return {}
    of_class = classes.class_of(mesh, parent.spec)
    if of_class is None or not of_class.is_programmed:
        return {}
    refused = refusal(mesh, found, parent)
    if refused:
        return {
            "conditions": [
                condition(kind, "NotAllowed", refused, holds=False)
                for kind in ("Accepted", "Programmed")
            ]
        }
    address = _address_fault(parent.spec)
    if address is not None:
        address = {**address, "message": f"Parent not accepted: {address['message']}"}
    if not classes.service_names(mesh, parent):
        accepted, programmed = _unsupported(parent.spec)
        return {"conditions": [address or accepted, programmed]}
    own = listeners(mesh, found.key)
    verdict = listeners_verdict("ListenerSet", own)
    programmed = programming(mesh, parent, [each.port for each in own]).condition
    if verdict["status"] == "False":
        programmed = {**verdict, "type": "Programmed"}
    return {
        "conditions": [address or verdict, programmed],
        "listeners": [listener_status(each, attached) for each in own],
    }


def documents(mesh: Sources) -> Iterator[dict[str, Any]]:
    """All statuses, each with the identity of its object, as the Kubernetes API shows them."""
    for found in statuses(mesh):
        resource = mesh.resource(found.key)
        if resource is not None:
            metadata = {"name": resource.name, "namespace": resource.namespace}
            yield {
                "apiVersion": resource.api_version,
                "kind": sources.kind_of(resource),
                "metadata": {name: value for name, value in metadata.items() if value},
                "status": found.status,
            }
