"""Statuses of policies of backends: for the mesh, and for each Gateway whose routes lead there."""

from typing import Any

from lateen.api.gateway_api.policy import PolicyTargetReference
from lateen.api.resource import Key, Resource
from lateen.gateway_api import inference_pool, routes, sources
from lateen.gateway_api.backend_policies import (
    conflict,
    policy_tls,
    target_fault,
    unsupported_fields,
)
from lateen.gateway_api.backend_tls import VALID, BackendTLS, backend_tls
from lateen.gateway_api.backends import group_kind
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.external_backends import external_fault
from lateen.gateway_api.listener_status import condition
from lateen.gateway_api.sources import Sources

KINDS = ("BackendTLSPolicy", "XBackendTrafficPolicy", "XBackend", inference_pool.KIND)
MOST_ANCESTORS = 16  # that a status may have
OURS = (sources.CONTROLLER, sources.MESH_CONTROLLER)
IGNORED = "Ignored by Istio due to annotation istio.io/ignore-policy-attachment=true"
Backend = tuple[str, str, str]  # kind, namespace, name


def gateways_of_backends(mesh: Sources) -> dict[Backend, set[Key]]:
    """Gateways that routes which refer to a backend name as their parents, accepted or not."""
    found: dict[Backend, set[Key]] = {}
    for kind in routes.KINDS:
        for route in mesh.all_of_kind(kind):
            gateways = {
                Key(sources.GATEWAY, parent.namespace or route.namespace, parent.name)
                for parent in route.spec.parent_refs
                if (parent.of_group, parent.of_kind) == (sources.GROUP, "Gateway")
            }
            for rule in route.spec.rules:
                for reference in rule.backend_refs:
                    _, of_kind = group_kind(reference)
                    namespace = reference.namespace or route.namespace
                    backend = (of_kind, namespace, reference.name)
                    found.setdefault(backend, set()).update(gateways)
    return found


def status(
    mesh: Sources, found: Resource[Any], gateways: dict[Backend, set[Key]]
) -> dict[str, Any]:
    if found.kind == "XBackend":
        return {"parents": _external(mesh, found, gateways)}
    if found.kind == inference_pool.KIND:
        return {}  # what it says is derived from the written statuses of routes
    if sources.is_ignored(found):
        refused = [condition("Accepted", "IgnoredByIstio", IGNORED, holds=False)]
        made = [_ancestor(each, refused) for each in found.spec.target_refs]
    elif found.kind == "XBackendTrafficPolicy":
        made = [_traffic(mesh, found, each) for each in found.spec.target_refs]
    else:
        made = _tls(mesh, found, gateways)
    return {"ancestors": [*_others(found), *made][:MOST_ANCESTORS]}


def _traffic(mesh: Sources, policy: Resource[Any], target: PolicyTargetReference) -> dict[str, Any]:
    unsupported = unsupported_fields(policy.spec)
    message = VALID
    if unsupported:
        message += ", but Istio does not support the following fields: "
        message += " and ".join(unsupported)
    fault = target_fault(mesh, policy, target)
    return _ancestor(target, [_condition("Accepted", message, fault)])


def _tls(
    mesh: Sources, policy: Resource[Any], gateways: dict[Backend, set[Key]]
) -> list[dict[str, Any]]:
    tls = policy_tls(mesh, policy)
    made = []
    fronts: dict[Key, Fault | None] = {}  # a Gateway has a fault when all its targets have it
    for target in policy.spec.target_refs:
        fault = target_fault(mesh, policy, target)
        made.append(_ancestor(target, _conditions(tls, fault)))
        if fault is None:
            other = conflict(mesh, policy, target)
            for front in gateways.get(("Service", policy.namespace, target.name), ()):
                fronts[front] = other and fronts.get(front, other)
    made += [
        {
            "ancestorRef": _gateway(each),
            "controllerName": sources.CONTROLLER,
            "conditions": _conditions(tls, fronts[each]),
        }
        for each in sorted(fronts)
    ]
    return made


def _external(
    mesh: Sources, backend: Resource[Any], gateways: dict[Backend, set[Key]]
) -> list[dict[str, Any]]:
    validation = backend.spec.tls.validation if backend.spec.tls is not None else None
    tls = backend_tls(mesh, backend.namespace, validation, "")
    conditions = _conditions(tls, external_fault(backend.spec))
    itself = {"group": sources.EXPERIMENTAL_GROUP, "kind": "XBackend", "name": backend.name}
    made = [
        {
            "parentRef": itself,
            "controllerName": sources.MESH_CONTROLLER,
            "conditions": conditions,
        }
    ]
    made += [
        {
            "parentRef": _gateway(each),
            "controllerName": sources.CONTROLLER,
            "conditions": conditions,
        }
        for each in sorted(gateways.get(("XBackend", backend.namespace, backend.name), ()))
    ]
    return made


def _conditions(tls: BackendTLS, fault: Fault | None) -> list[dict[str, str]]:
    return [
        _condition("Accepted", tls.accepted, fault or tls.refused),
        _condition("ResolvedRefs", VALID, tls.unresolved),
    ]


def _condition(kind: str, message: str, fault: Fault | None) -> dict[str, str]:
    if fault is not None:
        return condition(kind, fault.reason, fault.message, holds=False)
    return condition(kind, kind, message)


def _ancestor(target: PolicyTargetReference, conditions: list[dict[str, str]]) -> dict[str, Any]:
    reference = {"group": target.group, "kind": target.kind, "name": target.name}
    if target.section_name:
        reference["sectionName"] = target.section_name
    return {
        "ancestorRef": reference,
        "controllerName": sources.MESH_CONTROLLER,
        "conditions": conditions,
    }


def _gateway(key: Key) -> dict[str, str]:
    return {
        "group": sources.GROUP,
        "kind": "Gateway",
        "name": key.name,
        "namespace": key.namespace,
    }


def _others(policy: Resource[Any]) -> list[dict[str, Any]]:
    """What other controllers wrote stays."""
    written = policy.status if isinstance(policy.status, dict) else {}
    return [
        each for each in written.get("ancestors") or () if each.get("controllerName") not in OURS
    ]
