"""Statuses of Gateway API objects: what the control plane says about each, as Istio does.

    GatewayClass               Accepted
    Gateway, ListenerSet       Accepted, Programmed, ResolvedRefs; the same for each listener
    routes                     Accepted, ResolvedRefs for each parentRef
    BackendTLSPolicy           Accepted, ResolvedRefs for each target

Conditions carry no time here: whoever writes them knows when they changed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from lateen.api.gateway_api.gateway import GatewaySpec
from lateen.api.gateway_api.references import ParentReference
from lateen.api.resource import Key, Resource
from lateen.gateway_api import routes, sources
from lateen.gateway_api.attachment import Attachment
from lateen.gateway_api.listener_status import condition, listener_status, listeners_verdict
from lateen.gateway_api.listeners import (
    attached_sets,
    controller,
    has_known_addresses,
    is_ours,
    listeners,
    parent_of,
    refusal,
)
from lateen.gateway_api.programming import programming
from lateen.gateway_api.sources import Sources

Conditions = list[dict[str, str]]
NOT_ALLOWED = "The parent Gateway does not allow this reference; check the 'spec.allowedRoutes'"
NO_ADDRESS = "Failed to assign to any requested addresses"


@dataclass(frozen=True, slots=True)
class Status:
    key: Key
    status: dict[str, Any]


def statuses(mesh: Sources) -> Iterator[Status]:
    """Of all objects that carry one, by kind, namespace and name."""
    for found in mesh.all_of_kind("GatewayClass"):
        if found.spec.controller_name in sources.CLASSES.values():
            accepted = condition("Accepted", "Accepted", "Handled by Istio controller")
            yield Status(found.key, {"conditions": [accepted]})
    attached = attached_routes(mesh)
    for found in mesh.all_of_kind(sources.GATEWAY):
        if is_ours(mesh, found.spec):
            yield Status(found.key, gateway_status(mesh, found, attached))
    for found in mesh.all_of_kind("ListenerSet"):
        status = listener_set_status(mesh, found, attached)
        if status:
            yield Status(found.key, status)
    for kind in routes.KINDS:
        for found in mesh.all_of_kind(kind):
            parents = list(_parents(routes.contribution(mesh, found.key)))
            yield Status(found.key, {"parents": [*_others(found), *parents]})
    for found in mesh.all_of_kind("BackendTLSPolicy"):
        yield Status(found.key, {"ancestors": list(_ancestors(found))})


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
    if controller(mesh, gateway.spec.gateway_class_name) == sources.UNMANAGED_CONTROLLER:
        return _remote_status(gateway)
    if not has_known_addresses(gateway.spec):
        resolved = condition("ResolvedRefs", "ResolvedRefs", "All references resolved")
        return {"conditions": [*_unsupported(gateway.spec), resolved]}
    own = listeners(mesh, gateway.key)
    ports = [each.port for each in own]
    sets = attached_sets(mesh, gateway.key)
    for key in sets:
        ports += [each.port for each in listeners(mesh, key) if not each.conflict]
    programmed = programming(mesh, gateway, ports)
    status: dict[str, Any] = {
        "conditions": [
            _gateway_accepted(mesh, gateway) or listeners_verdict("Gateway", own),
            programmed.condition,
            condition("ResolvedRefs", "ResolvedRefs", "All references resolved"),
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


def _gateway_accepted(mesh: Sources, gateway: Resource[GatewaySpec]) -> dict[str, str] | None:
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


def _unsupported(spec: GatewaySpec) -> Conditions:
    ignored = " ".join(e.value for e in spec.addresses if e.type not in ("Hostname", "IPAddress"))
    return [
        condition(
            "Accepted",
            "UnsupportedAddress",
            f"only Hostname is supported, ignoring [{ignored}]",
            holds=False,
        ),
        condition("Programmed", "UnsupportedAddress", NO_ADDRESS, holds=False),
    ]


def listener_set_status(
    mesh: Sources, found: Resource[Any], attached: dict[str, int]
) -> dict[str, Any]:
    """Empty for one whose parent is not ours."""
    parent = parent_of(mesh, found)
    if parent is None:
        return {}
    class_name = parent.spec.gateway_class_name
    if class_name == "istio-waypoint":
        message = f'The "{class_name}" GatewayClass does not support ListenerSet'
        return {"conditions": _refused("NotAllowed", message)}
    if not is_ours(mesh, parent.spec):
        return {}
    if refusal(mesh, found, parent):
        return {"conditions": _refused("NotAllowed", NOT_ALLOWED)}
    if not has_known_addresses(parent.spec):
        accepted, programmed = _unsupported(parent.spec)
        message = f"Parent not accepted: {accepted['message']}"
        return {"conditions": [{**accepted, "message": message}, programmed]}
    own = listeners(mesh, found.key)
    verdict = listeners_verdict("ListenerSet", own)
    programmed = programming(mesh, parent, [each.port for each in own]).condition
    if verdict["status"] == "False":
        programmed = {**verdict, "type": "Programmed"}
    return {
        "conditions": [verdict, programmed],
        "listeners": [listener_status(each, attached) for each in own],
    }


def _refused(reason: str, message: str) -> Conditions:
    return [condition(kind, reason, message, holds=False) for kind in ("Accepted", "Programmed")]


# -- routes ------------------------------------------------------------------------------------


def _parents(contribution: routes.Contribution) -> Iterator[dict[str, Any]]:
    by_parent: dict[str, list[Attachment]] = {}
    for each in contribution.attachments:
        by_parent.setdefault(str(_written(each.parent)), []).append(each)
    fault = contribution.fault
    resolved = condition("ResolvedRefs", "ResolvedRefs", "All references resolved")
    if fault is not None:
        resolved = condition("ResolvedRefs", fault.reason, fault.message, holds=False)
    for _, places in sorted(by_parent.items(), key=lambda item: item[1][0].gateway):
        yield {
            "parentRef": _written(places[0].parent),
            "controllerName": sources.CONTROLLER,
            "conditions": [_route_accepted(places), resolved],
        }


def _others(route: Resource[Any]) -> Iterator[dict[str, Any]]:
    """What other controllers wrote stays."""
    written = route.status if isinstance(route.status, dict) else {}
    for parent in written.get("parents") or ():
        if parent.get("controllerName") not in sources.CLASSES.values():
            yield parent


def _ancestors(policy: Resource[Any]) -> Iterator[dict[str, Any]]:
    valid = "Configuration is valid"
    for target in policy.spec.target_refs:
        reference = {"group": target.group, "kind": target.kind, "name": target.name}
        yield {
            "ancestorRef": reference,
            "controllerName": sources.MESH_CONTROLLER,
            "conditions": [
                condition("Accepted", "Accepted", valid),
                condition("ResolvedRefs", "ResolvedRefs", valid),
            ],
        }


def _route_accepted(places: Iterable[Attachment]) -> dict[str, str]:
    refused = [each for each in places if not each.accepted]
    if not refused:
        return condition("Accepted", "Accepted", "Route was valid")
    return condition("Accepted", refused[0].reason, refused[0].message, holds=False)


def _written(parent: ParentReference) -> dict[str, Any]:
    fields = msgspec.to_builtins(parent)
    return {
        name: value
        for name, value in fields.items()
        if value not in (None, "") or (name == "group" and value is not None)
    }
