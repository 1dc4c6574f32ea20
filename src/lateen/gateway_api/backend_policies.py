"""Policies of services as DestinationRules: BackendTLSPolicy and XBackendTrafficPolicy.

    policies of a namespace, oldest first  ->  one DestinationRule for each host that they target

Of several policies that set the same thing for a service or a port the oldest counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lateen.api.destination_rule import (
    ClientTLSSettings,
    DestinationRule,
    PortTrafficPolicy,
    RetryBudget,
    TrafficPolicy,
)
from lateen.api.gateway_api.backend import XBackendTrafficPolicySpec
from lateen.api.gateway_api.policy import PolicyTargetReference
from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.api.virtual_service import PortSelector
from lateen.base.incremental import derived
from lateen.gateway_api import sources
from lateen.gateway_api.backend_tls import BackendTLS, backend_tls
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.sources import Sources, service_host

KINDS = ("BackendTLSPolicy", "XBackendTrafficPolicy")
TARGETS = (("", "Service"), ("networking.istio.io", "ServiceEntry"))
MIN_RETRIES = 10  # of a retry constraint that says none


@dataclass(slots=True)
class Merged:
    """What the policies of one service come to so far."""

    first: Resource[Any]
    parents: dict[str, None] = field(default_factory=dict)
    tls: ClientTLSSettings | None = None
    ports: dict[int, ClientTLSSettings] = field(default_factory=dict)
    budget: RetryBudget | None = None


@derived
def destination_rules(mesh: Sources, namespace: str) -> tuple[Resource[DestinationRule], ...]:
    """Of all policies of a namespace."""
    policies = [each for kind in KINDS for each in mesh.of_kind(kind, namespace)]
    targets: dict[tuple[str, str], Merged] = {}
    for policy in sorted(policies, key=lambda each: each.age):
        if sources.is_ignored(policy):
            continue
        for target in policy.spec.target_refs:
            if target_fault(mesh, policy, target) is None:
                merged = targets.setdefault((target.kind, target.name), Merged(policy))
                _merge(mesh, merged, policy, target)
    return tuple(
        rule
        for (kind, name), merged in sorted(targets.items())
        for rule in _rules(mesh, Key(kind, namespace, name), merged)
    )


def target_fault(
    mesh: Sources, policy: Resource[Any], target: PolicyTargetReference
) -> Fault | None:
    """Why a policy cannot be applied to what it targets."""
    if (target.group, target.kind) not in TARGETS:
        known = (target.group, target.kind) in (("", "ConfigMap"), ("", "Secret"))
        why = "unsupported reference kind:" if known else "unsupported kind"
        return Fault("TargetNotFound", f"targetRefs invalid: {why} {target.kind}")
    found = mesh.resource(Key(target.kind, policy.namespace, target.name))
    if found is None:
        why = f"reference {policy.namespace}/{target.name} (of kind {target.kind}) not found"
        return Fault("TargetNotFound", f"targetRefs invalid: {why}")
    section = target.section_name if policy.kind == "BackendTLSPolicy" else ""
    if section and section not in _ports(found):
        why = f'sectionName "{section}" does not exist in {target.kind} '
        why += f"{policy.namespace}/{target.name}"
        return Fault("TargetNotFound", f"targetRefs invalid: {why}")
    return None


def conflict(mesh: Sources, policy: Resource[Any], target: PolicyTargetReference) -> Fault | None:
    """Why another BackendTLSPolicy is followed instead, for what both target."""
    first = _first_policies(mesh, policy.namespace).get(_target(target), policy.name)
    if first == policy.name:
        return None
    what = f"{target.kind} {target.name}"
    if target.section_name:
        what += f", section {target.section_name}"
    why = f"conflicts with BackendTLSPolicy {policy.namespace}/{first}, which takes precedence"
    return Fault("Conflicted", f"{why} for {what}")


@derived
def _first_policies(mesh: Sources, namespace: str) -> dict[tuple[str, ...], str]:
    """Name of the BackendTLSPolicy that counts for each target."""
    found: dict[tuple[str, ...], str] = {}
    policies = mesh.of_kind("BackendTLSPolicy", namespace)
    for policy in sorted(policies, key=lambda each: each.age):
        for target in () if sources.is_ignored(policy) else policy.spec.target_refs:
            found.setdefault(_target(target), policy.name)
    return found


def _target(target: PolicyTargetReference) -> tuple[str, ...]:
    return (target.group, target.kind, target.name, target.section_name)


def _ports(target: Resource[Any]) -> dict[str, int]:
    """Numbers by name."""
    if target.kind == "Service":
        return {each.name: each.port for each in target.spec.ports}
    return {each.name: each.number for each in target.spec.ports}


def _merge(
    mesh: Sources, merged: Merged, policy: Resource[Any], target: PolicyTargetReference
) -> None:
    parent = f"{policy.kind}/{policy.namespace}.{policy.name}"
    if policy.kind == "XBackendTrafficPolicy":
        merged.budget = merged.budget or _budget(policy.spec)
        merged.parents[parent] = None
        return
    settings = policy_tls(mesh, policy).settings
    if target.section_name:
        found = mesh.resource(Key(target.kind, policy.namespace, target.name))
        ports = _ports(found) if found is not None else {}
        merged.ports.setdefault(ports.get(target.section_name, 0), settings)
    elif merged.tls is not None:
        return
    else:
        merged.tls = settings
    merged.parents[parent] = None


def policy_tls(mesh: Sources, policy: Resource[Any]) -> BackendTLS:
    return backend_tls(mesh, policy.namespace, policy.spec.validation, "")


def _budget(spec: XBackendTrafficPolicySpec) -> RetryBudget | None:
    constraint = spec.retry_constraint
    if constraint is None:
        return None
    budget, rate = constraint.budget, constraint.min_retry_rate
    return RetryBudget(
        percent=float(budget.percent) if budget is not None else None,
        min_retry_concurrency=rate.count if rate is not None else MIN_RETRIES,
        budget_interval=budget.interval if budget is not None else None,
    )


def unsupported_fields(spec: XBackendTrafficPolicySpec) -> tuple[str, ...]:
    return ("sessionPersistence",) if spec.session_persistence is not None else ()


def _rules(mesh: Sources, target: Key, merged: Merged) -> Iterator[Resource[DestinationRule]]:
    """One for the host of a Service, and for each of a ServiceEntry."""
    ports = tuple(
        PortTrafficPolicy(port=PortSelector(number=number), tls=settings)
        for number, settings in sorted(merged.ports.items())
    )
    policy = TrafficPolicy(tls=merged.tls, port_level_settings=ports, retry_budget=merged.budget)
    parents = tuple(merged.parents)
    if target.kind == "Service":
        host = service_host(target.name, target.namespace, mesh.domain)
        yield _resource(merged.first, target.name, parents, host, policy)
        return
    entry = mesh.resource(target)
    for host in entry.spec.hosts if entry is not None else ():
        yield _resource(merged.first, f"{target.name}~{_in_name(host)}", parents, host, policy)


def _in_name(host: str) -> str:
    return host.replace("*", "star").replace(".", "-")


def _resource(
    first: Resource[Any], name: str, parents: tuple[str, ...], host: str, policy: TrafficPolicy
) -> Resource[DestinationRule]:
    return Resource(
        kind="DestinationRule",
        api_version="networking.istio.io/v1",
        meta=ObjectMeta(
            name=f"{name}~{sources.OF_KUBERNETES_GATEWAY}",
            namespace=first.namespace,
            annotations={sources.PARENTS: ",".join(parents)},
            creation_timestamp=first.meta.creation_timestamp,
        ),
        spec=DestinationRule(host=host, traffic_policy=policy),
        origin=first.origin,
    )
