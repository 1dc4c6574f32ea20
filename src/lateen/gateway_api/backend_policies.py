"""Policies of services as DestinationRules: BackendTLSPolicy, XBackendTrafficPolicy and XBackend.

    policies of a namespace, oldest first  ->  one DestinationRule for each service that they target

Of several policies that set the same thing for a service or a port the oldest counts.
"""

from dataclasses import dataclass, field
from typing import Any

from lateen.api.destination_rule import (
    ClientTLSSettings,
    DestinationRule,
    PortTrafficPolicy,
    RetryBudget,
    TrafficPolicy,
)
from lateen.api.gateway_api.backend import XBackendSpec, XBackendTrafficPolicySpec
from lateen.api.gateway_api.policy import PolicyTargetReference
from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.api.virtual_service import PortSelector
from lateen.base.incremental import derived
from lateen.gateway_api import sources
from lateen.gateway_api.backend_tls import BackendTLS, backend_tls
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.sources import Sources, service_host

KINDS = ("BackendTLSPolicy", "XBackendTrafficPolicy")
MIN_RETRIES = 10  # of a retry constraint that says none
CLIENT_CERTIFICATE = (
    "unsupported ClientAndServer TLS mode: Istio does not support client certificates on backend"
)


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
    services: dict[str, Merged] = {}
    for policy in sorted(policies, key=lambda each: each.age):
        if sources.is_ignored(policy):
            continue
        for target in policy.spec.target_refs:
            if target_fault(mesh, policy, target) is None:
                merged = services.setdefault(target.name, Merged(policy))
                _merge(mesh, merged, policy, target)
    return tuple(_rule(mesh, namespace, name, each) for name, each in sorted(services.items()))


def target_fault(
    mesh: Sources, policy: Resource[Any], target: PolicyTargetReference
) -> Fault | None:
    """Why a policy cannot be applied to what it targets."""
    if (target.group, target.kind) != ("", "Service"):
        known = (target.group, target.kind) in (("", "ConfigMap"), ("", "Secret"))
        why = "unsupported reference kind:" if known else "unsupported kind"
        return Fault("TargetNotFound", f"targetRefs invalid: {why} {target.kind}")
    found = mesh.resource(Key("Service", policy.namespace, target.name))
    if found is None:
        why = f"reference {policy.namespace}/{target.name} (of kind Service) not found"
        return Fault("TargetNotFound", f"targetRefs invalid: {why}")
    section = target.section_name if policy.kind == "BackendTLSPolicy" else ""
    if section and all(each.name != section for each in found.spec.ports):
        why = f'sectionName "{section}" does not exist in Service '
        why += f"{policy.namespace}/{target.name}"
        return Fault("TargetNotFound", f"targetRefs invalid: {why}")
    return None


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
        found = mesh.resource(Key("Service", policy.namespace, target.name))
        ports = found.spec.ports if found is not None else ()
        number = next((each.port for each in ports if each.name == target.section_name), 0)
        merged.ports.setdefault(number, settings)
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


def _rule(mesh: Sources, namespace: str, service: str, merged: Merged) -> Resource[DestinationRule]:
    ports = tuple(
        PortTrafficPolicy(port=PortSelector(number=number), tls=settings)
        for number, settings in sorted(merged.ports.items())
    )
    policy = TrafficPolicy(tls=merged.tls, port_level_settings=ports, retry_budget=merged.budget)
    host = service_host(service, namespace, mesh.domain)
    return _resource(merged.first, service, tuple(merged.parents), host, policy)


@derived
def external_rule(mesh: Sources, key: Key) -> tuple[Resource[DestinationRule], ...]:
    """How an XBackend's TLS is spoken, on its port alone."""
    found = mesh.resource(key)
    if found is None or found.spec.external_hostname is None or found.spec.port is None:
        return ()
    tls = found.spec.tls
    if tls is None or tls.mode in ("", "None") or external_fault(found.spec) is not None:
        return ()
    host = found.spec.external_hostname.hostname
    settings = backend_tls(mesh, key.namespace, tls.validation, host).settings
    port = PortTrafficPolicy(port=PortSelector(number=found.spec.port.port), tls=settings)
    name = f"{found.name}~{host.replace('.', '-')}"
    parents = (f"XBackend/{key.namespace}.{key.name}",)
    return (_resource(found, name, parents, host, TrafficPolicy(port_level_settings=(port,))),)


def external_fault(spec: XBackendSpec) -> Fault | None:
    if spec.tls is not None and spec.tls.mode == "ClientAndServer":
        return Fault("Invalid", CLIENT_CERTIFICATE)
    if spec.type != "ExternalHostname":
        return Fault("Invalid", f'unsupported XBackend type "{spec.type}"')
    if spec.protocol == "MCP":
        return Fault("Invalid", 'unsupported XBackend protocol "MCP"')
    return None


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
