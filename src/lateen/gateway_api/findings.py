"""What is not in force of the Gateway API objects and Ingresses of a mesh, as problems.

    the judgements behind the statuses  ->  one derived list for each object  ->  all of them

Statuses say the same to whoever can read them; these stand where every other problem stands. A
change costs the objects that it touches.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from lateen.api.gateway_api.references import ParentReference
from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.base.object_problems import ObjectProblems
from lateen.base.problem import Problem, Severity
from lateen.gateway_api import (
    backend_policies,
    classes,
    deployment,
    ingress,
    policy_status,
    routes,
    sources,
    status,
)
from lateen.gateway_api.attachment import LISTENING
from lateen.gateway_api.sources import Sources

KINDS = frozenset(
    (
        sources.GATEWAY, "ListenerSet", *routes.KINDS, *backend_policies.KINDS, "XBackend",
        "Ingress", "UDPRoute",
    )
)  # fmt: skip
CODE = "gateway-api"
NEGATIVE = "Conflicted"  # the condition that is bad when it holds; others say the same
NOT_YET = "AddressNotAssigned"  # pods that start, load balancers that are being made
Told = tuple[str, str, str]  # path, message, hint


def of_all(mesh: Sources) -> ObjectProblems[Key]:
    """Those of every object, to be kept up to date with its changes."""
    return ObjectProblems(
        mesh.graph,
        partial(findings.node, mesh),
        concerns=lambda key: key.kind in KINDS,
        exists=lambda key: mesh.resource(key) is not None,
    )


@derived
def findings(mesh: Sources, key: Key) -> tuple[Problem, ...]:
    resource = mesh.resource(key)
    if resource is None:
        return ()
    origin = mesh.origin(key)
    return tuple(
        Problem(
            code=CODE,
            message=message,
            severity=Severity.WARNING,
            resource=f"{sources.kind_of(resource)} {resource.namespace}/{resource.name}",
            path=path,
            file=origin.file,
            line=origin.line,
            hint=hint,
        )
        for path, message, hint in _told(mesh, resource)
    )


def _told(mesh: Sources, resource: Resource[Any]) -> Iterator[Told]:
    if resource.key.kind == sources.GATEWAY:
        return _of_gateway(mesh, resource)
    if resource.kind == "ListenerSet":
        return _of_listeners(status.listener_set_status(mesh, resource, {}))
    if resource.kind == "Ingress":
        return _of_ingress(mesh, resource)
    if resource.kind == "UDPRoute":
        return iter((("spec", "is not served: UDP is not supported", ""),))
    if resource.kind in routes.KINDS:
        return _of_route(mesh, resource)
    return _of_policy(mesh, resource)


def _of_gateway(mesh: Sources, gateway: Resource[Any]) -> Iterator[Told]:
    of_class = classes.class_of(mesh, gateway.spec)
    name = gateway.spec.gateway_class_name
    if of_class is None:
        if mesh.resource(Key("GatewayClass", "", name)) is None:
            known = f"known are {', '.join(sorted(classes.BY_NAME))}, and GatewayClasses"
            yield "spec.gatewayClassName", f'there is no GatewayClass "{name}"', known
        return
    fault = deployment.deployment_fault(mesh, gateway)
    if fault:
        yield "spec.infrastructure.parametersRef", f"is not deployed: {fault}", ""
    if of_class.is_programmed:
        yield from _of_listeners(status.gateway_status(mesh, gateway, {}))


def _of_listeners(written: dict[str, Any]) -> Iterator[Told]:
    """Out of a status: of the object, then of each listener."""
    for condition in _bad(written.get("conditions") or ()):
        yield "status", _shown(condition), ""
    for index, listener in enumerate(written.get("listeners") or ()):
        for condition in _bad(listener["conditions"]):
            yield f"spec.listeners[{index}]", _shown(condition), ""


def _bad(conditions: Iterable[dict[str, str]]) -> Iterator[dict[str, str]]:
    """One for each message: conditions repeat what is wrong. What comes with time is none."""
    told: set[str] = set()
    for condition in conditions:
        message = condition["message"]
        if condition["type"] == NEGATIVE or condition["reason"] == NOT_YET:
            continue
        if condition["status"] == "False" and message not in told:
            told.add(message)
            yield condition


def _shown(condition: dict[str, str]) -> str:
    return f"is not {_plain(condition['type'])}: {condition['message']} ({condition['reason']})"


def _plain(kind: str) -> str:
    return {"Accepted": "accepted", "Programmed": "programmed"}.get(kind, "resolved")


def _of_route(mesh: Sources, route: Resource[Any]) -> Iterator[Told]:
    made = routes.contribution(mesh, route.key)
    for index, parent in enumerate(route.spec.parent_refs):
        places = [each for each in made.attachments if each.parent is parent]
        path = f"spec.parentRefs[{index}]"
        if not places and _is_absent(mesh, route, parent):
            yield path, f"there is no {_named(parent, route.namespace)}", ""
        elif places and not places[0].accepted:
            messages = "; ".join(each.message for each in places)
            shown = f"{_named(parent, route.namespace)}: {messages} ({places[0].reason})"
            yield path, f"is not attached to {shown}", ""
    faults = dict.fromkeys(each for each in (made.fault, made.mesh_fault) if each is not None)
    for fault in faults:
        yield "spec.rules", f"{fault.message} ({fault.reason})", ""


def _is_absent(mesh: Sources, route: Resource[Any], parent: ParentReference) -> bool:
    if (parent.of_group, parent.of_kind) not in LISTENING:
        return False
    kind = sources.GATEWAY if parent.of_kind == "Gateway" else parent.of_kind
    return mesh.resource(Key(kind, parent.namespace or route.namespace, parent.name)) is None


def _named(parent: ParentReference, namespace: str) -> str:
    return f"{parent.of_kind} {parent.namespace or namespace}/{parent.name}"


def _of_policy(mesh: Sources, policy: Resource[Any]) -> Iterator[Told]:
    written = policy_status.status(mesh, policy, {})
    parts = written.get("ancestors") or written.get("parents") or ()
    ours = [part for part in parts if part["controllerName"] in policy_status.OURS]
    for index, part in enumerate(ours):
        path = f"spec.targetRefs[{index}]" if "ancestorRef" in part else "status"
        for condition in _bad(part["conditions"]):
            if condition["reason"] != "IgnoredByIstio":
                yield path, _shown(condition), ""


def _of_ingress(mesh: Sources, found: Resource[Any]) -> Iterator[Told]:
    if not ingress.is_ours(mesh, found, mesh.config):
        return
    for path, backend in ingress.backends(found.spec):
        message = ingress.backend_fault(mesh, found.namespace, backend)
        if message:
            yield path, message, ""
