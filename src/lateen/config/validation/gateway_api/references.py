"""References from routes: to parents and to backends."""

from collections.abc import Sequence

from lateen.api.gateway_api.references import BackendObjectReference, ParentReference
from lateen.api.gateway_api.route import BackendRef, GRPCRouteRule, HTTPRouteRule
from lateen.config.validation.gateway_api import shapes
from lateen.config.validation.report import Report

MOST_PARENTS = 32
MOST_WEIGHT = 1_000_000


def check_parents(report: Report, parents: Sequence[ParentReference]) -> None:
    path = "spec.parentRefs"
    shapes.check_count(report, path, parents, most=MOST_PARENTS)
    for index, parent in enumerate(parents):
        check_parent(report, f"{path}[{index}]", parent)
    for index, parent in enumerate(parents):
        same = [other for other in parents[:index] if _target(other) == _target(parent)]
        if any(_place(other) == _place(parent) for other in same):
            report.error(f"{path}[{index}]", "refers to the same place as an earlier one")
        elif any(not all(_is_told(each) for each in (other, parent)) for other in same):
            hint = "say sectionName, or port, in each of them"
            report.error(f"{path}[{index}]", "refers to the same parent as an earlier one", hint)


def check_persistence(report: Report, path: str, rule: HTTPRouteRule | GRPCRouteRule) -> None:
    if rule.session_persistence is not None:
        hint = "a DestinationRule with loadBalancer.consistentHash keeps clients at one backend"
        report.warning(f"{path}.sessionPersistence", "is not supported, and has no effect", hint)


def check_parent(report: Report, path: str, parent: ParentReference) -> None:
    shapes.check_object_name(report, f"{path}.name", parent.name)
    if parent.group is not None:
        shapes.check_group(report, f"{path}.group", parent.group)
    if parent.kind is not None:
        shapes.check_kind(report, f"{path}.kind", parent.kind)
    if parent.namespace is not None:
        shapes.check_namespace(report, f"{path}.namespace", parent.namespace)
    if parent.section_name:
        shapes.check_subdomain(report, f"{path}.sectionName", parent.section_name)
    if parent.port is not None:
        shapes.check_port(report, f"{path}.port", parent.port)


def _target(parent: ParentReference) -> tuple[str, str, str, str]:
    return (parent.of_group, parent.of_kind, parent.namespace or "", parent.name)


def _place(parent: ParentReference) -> tuple[str, int]:
    return (parent.section_name, parent.port or 0)


def _is_told(parent: ParentReference) -> bool:
    return bool(parent.section_name or parent.port)


def check_backends(
    report: Report, path: str, backends: Sequence[BackendRef], *, least: int = 0
) -> None:
    shapes.check_count(report, path, backends, least=least, most=16)
    for index, backend in enumerate(backends):
        place = f"{path}[{index}]"
        check_backend(report, place, backend)
        if not 0 <= backend.weight <= MOST_WEIGHT:
            report.error(f"{place}.weight", f"{backend.weight} must be from 0 to {MOST_WEIGHT}")


def check_backend(report: Report, path: str, backend: BackendObjectReference) -> None:
    shapes.check_object_name(report, f"{path}.name", backend.name)
    shapes.check_group(report, f"{path}.group", backend.group)
    shapes.check_kind(report, f"{path}.kind", backend.kind)
    if backend.namespace is not None:
        shapes.check_namespace(report, f"{path}.namespace", backend.namespace)
    if backend.port is not None:
        shapes.check_port(report, f"{path}.port", backend.port)
    elif (backend.group, backend.kind) == ("", "Service"):
        report.error(f"{path}.port", "must be set for a Service")
