"""BackendTLSPolicies as DestinationRules: how proxies speak TLS to a service."""

from typing import Any

from lateen.api.destination_rule import (
    ClientTLSSettings,
    DestinationRule,
    PortTrafficPolicy,
    TLSmode,
    TrafficPolicy,
)
from lateen.api.gateway_api.policy import BackendTLSPolicyValidation
from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.api.virtual_service import PortSelector
from lateen.base.incremental import derived
from lateen.gateway_api import sources
from lateen.gateway_api.sources import Sources, service_host


@derived
def destination_rules(mesh: Sources, namespace: str) -> tuple[Resource[DestinationRule], ...]:
    """Of all policies of a namespace; for one service or port the oldest policy counts."""
    policies = sorted(mesh.of_kind("BackendTLSPolicy", namespace), key=lambda each: each.age)
    targets: dict[str, dict[str, Resource[Any]]] = {}
    for policy in policies:
        for target in policy.spec.target_refs:
            if (target.group, target.kind) == ("", "Service"):
                ports = targets.setdefault(target.name, {})
                ports.setdefault(target.section_name, policy)
    return tuple(
        _rule(mesh, namespace, service, ports) for service, ports in sorted(targets.items())
    )


def _rule(
    mesh: Sources, namespace: str, service: str, ports: dict[str, Resource[Any]]
) -> Resource[DestinationRule]:
    found = mesh.resource(Key("Service", namespace, service))
    numbers = {each.name: each.port for each in found.spec.ports} if found is not None else {}
    whole = ports.get("")
    policy = TrafficPolicy(
        tls=_settings(whole) if whole is not None else None,
        port_level_settings=tuple(
            PortTrafficPolicy(port=PortSelector(number=numbers[port]), tls=_settings(each))
            for port, each in sorted(ports.items())
            if port in numbers
        ),
    )
    parents = dict.fromkeys(f"BackendTLSPolicy/{namespace}.{each.name}" for each in ports.values())
    first = min(ports.values(), key=lambda each: each.age)
    return Resource(
        kind="DestinationRule",
        api_version="networking.istio.io/v1",
        meta=ObjectMeta(
            name=f"{service}~{sources.OF_KUBERNETES_GATEWAY}",
            namespace=namespace,
            annotations={sources.PARENTS: ",".join(parents)},
            creation_timestamp=first.meta.creation_timestamp,
        ),
        spec=DestinationRule(
            host=service_host(service, namespace, mesh.domain), traffic_policy=policy
        ),
        origin=first.origin,
    )


def _settings(policy: Resource[Any]) -> ClientTLSSettings | None:
    validation: BackendTLSPolicyValidation | None = policy.spec.validation
    if validation is None:
        return None
    authorities = next(
        (
            f"configmap://{policy.namespace}/{each.name}"
            for each in validation.ca_certificate_refs
            if each.kind == "ConfigMap" and not each.group
        ),
        "",
    )
    return ClientTLSSettings(
        mode=TLSmode.SIMPLE,
        credential_name=authorities,
        sni=validation.hostname,
        subject_alt_names=tuple(each.hostname or each.uri for each in validation.subject_alt_names),
    )
