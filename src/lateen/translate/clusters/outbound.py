"""Outbound clusters: one for each port of each visible service, and one for each of its subsets.

    resolution of the service       captured sidecar        gateway, or nothing captured
    static, Kubernetes              EDS                     EDS
    none, headless                  ORIGINAL_DST            EDS
    DNS, DNS_ROUND_ROBIN            STRICT_DNS, LOGICAL_DNS
    DYNAMIC_DNS                     dynamic forward proxy
    ExternalName                    no cluster: routing uses the target's

The bytes depend on the service, its DestinationRule and the identities behind it, not on endpoints
that come and go; a scope's place counts only where the endpoints are part of the cluster.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from lateen.api.destination_rule import ClientTLSSettings, TLSmode, TrafficPolicy
from lateen.api.mesh_config import MeshConfig
from lateen.base.incremental import derived
from lateen.catalog.service import Port, Resolution, Service
from lateen.envoy import messages, types, wire
from lateen.translate import alpn, endpoints, metadata, names
from lateen.translate.clusters import dns
from lateen.translate.clusters.outbound_tls import USER_TLS, apply_outbound_tls
from lateen.translate.clusters.policy.connection_pool import (
    apply_connection_pool,
    apply_retry_budget,
    upstream,
)
from lateen.translate.clusters.policy.load_balancer import (
    apply_load_balancer,
    is_passthrough,
)
from lateen.translate.clusters.policy.locality import apply_spread, spread
from lateen.translate.clusters.policy.outlier import apply_outlier_detection
from lateen.translate.clusters.protocol import apply_upstream
from lateen.translate.clusters.target import Target, find_target, targets
from lateen.translate.families import DNS
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope, services

BUFFER_LIMIT, LOAD_ASSIGNMENT = 5, 33  # fields of Cluster

DNS_TYPES = {Resolution.DNS: "STRICT_DNS", Resolution.DNS_ROUND_ROBIN: "LOGICAL_DNS"}


@derived
def outbound_names(mesh: Mesh, scope: OutboundScope) -> tuple[str, ...]:
    """In the order of the services, then of their ports; each followed by its subsets."""
    found: list[str] = []
    for service in services(mesh, scope):
        found.extend(service_names(mesh, scope, service))
    return tuple(found)


def service_names(mesh: Mesh, scope: OutboundScope, service: Service) -> Iterator[str]:
    found = targets(mesh, scope, service.hostname)
    if service.resolution in DNS_TYPES:
        return (name for name in found if endpoints.exist(mesh, scope, name))
    return iter(found)


@derived
def server_names(mesh: Mesh, scope: OutboundScope) -> tuple[str, ...]:
    """The SNI-DNAT clusters of gateways that pass TLS through by its server name."""
    inside = {service.hostname for service in services(mesh, scope) if not service.mesh_external}
    parts = (names.parse_cluster(name) for name in outbound_names(mesh, scope))
    return tuple(
        names.server_name(part.port, part.subset, part.host)
        for part in parts
        if part is not None and part.host in inside
    )


@derived
def outbound_cluster(mesh: Mesh, scope: OutboundScope, name: str, captured: bool) -> bytes | None:
    """`captured`: the proxy sees where its client was going (not so in explicit mode)."""
    target = find_target(mesh, scope, name)
    if target is None:
        return None
    body = cluster_body(mesh, target, captured)
    content = body.content + _buffer_limit(scope)
    if target.service.resolution not in DNS_TYPES:
        return content
    if not endpoints.exist(mesh, scope, name):
        return None
    if not body.holds_endpoints:
        return content
    assignment = endpoints.assignment(mesh, scope, name)
    return content + wire.embedded(LOAD_ASSIGNMENT, assignment or b"")


def _buffer_limit(scope: OutboundScope) -> bytes:
    """The proxy's own, over the bytes that it shares with others."""
    limit = scope.traits.cluster_buffer_bytes
    return wire.uint32_value(BUFFER_LIMIT, limit) if limit else b""


class Body(NamedTuple):
    """A cluster without its endpoints, and whether they are to be put in."""

    content: bytes
    holds_endpoints: bool


@derived
def cluster_body(mesh: Mesh, target: Target, captured: bool) -> Body:
    """Shared by all scopes to which the name means the same."""
    cluster = build(mesh, target, captured)
    return Body(messages.serialize(cluster), cluster.dns_lookup_family != 0)


def build(mesh: Mesh, target: Target, captured: bool) -> Any:
    """The Cluster without its endpoints."""
    service, port = target.service, target.port
    config = mesh.config
    policy = target.policy(config)
    cluster = types.Cluster()
    cluster.CopyFrom(_template(mesh))
    cluster.name = target.name
    cluster.alt_stat_name = _stat_name(config, target)
    if policy.connection_pool is not None:
        apply_connection_pool(cluster, policy.connection_pool, config)
    apply_retry_budget(cluster, policy.retry_budget)
    apply_outlier_detection(cluster, policy.outlier_detection)
    if service.keeps_sessions:
        cluster.common_lb_config.override_host_status.CopyFrom(_session_statuses())
    keeps_address = _apply_discovery(config, cluster, target, policy, captured)
    _apply_metadata(cluster, target)
    http = upstream(
        policy.connection_pool,
        port=port,
        config=config,
        sniffs=target.is_sidecar,
        upgrades=True,
    )
    http = replace(http, preserves_case=target.preserves_case)
    if not names.is_server_name(target.name):
        http = apply_outbound_tls(
            mesh,
            cluster,
            service=service,
            port=port,
            subset=target.subset_name,
            policy=policy,
            upstream=http,
            keeps_address=keeps_address,
            uses_credentials=_uses_credentials(target),
            files=target.files,
            client_certificate=target.client_certificate,
        )
        apply_upstream(cluster, http)
        has_own_tls = policy.tls is not None and policy.tls.mode in USER_TLS
        if alpn.is_by_request(port, http.protocol) and not has_own_tls:
            alpn.say_protocol(cluster, http.protocol)
    return cluster


@derived
def _template(mesh: Mesh) -> Any:
    """Limits lifted, and no panic: endpoints that are not ready are sent too, marked so."""
    cluster = types.Cluster()
    apply_connection_pool(cluster, None, mesh.config)
    cluster.common_lb_config.healthy_panic_threshold.SetInParent()
    return cluster


def _stat_name(config: MeshConfig, target: Target) -> str:
    pattern = config.outbound_cluster_stat_name
    if not pattern:
        return names.stat_name(target.name)
    filled_in = names.format_stat_name(
        pattern,
        host=target.service.hostname,
        namespace=target.service.namespace,
        service=target.service.name,
        port=target.port.number,
        port_name=target.port.name,
        subset=target.subset_name,
    )
    return names.stat_name(filled_in)


def _apply_discovery(
    config: MeshConfig, cluster: Any, target: Target, policy: TrafficPolicy, captured: bool
) -> bool:
    """How endpoints are found and chosen; whether the client's address is kept instead."""
    service = target.service
    if service.resolution is Resolution.DYNAMIC_DNS:
        dns.apply_dynamic(
            cluster, checks_names=_checks_names(policy.tls), family=DNS[target.families]
        )
        return True
    is_unresolved = service.resolution is Resolution.PASSTHROUGH
    if (is_unresolved and target.is_sidecar and captured) or is_passthrough(policy):
        cluster.type = "ORIGINAL_DST"
        cluster.lb_policy = "CLUSTER_PROVIDED"
        if is_unresolved:  # a ClusterIP translates its port itself
            _override_port(cluster, target.port)
        return True
    if service.resolution in DNS_TYPES:
        cluster.type = DNS_TYPES[service.resolution]
        dns.apply_dns(cluster, config, family=DNS[target.families])
    else:
        cluster.type = "EDS"
        cluster.eds_cluster_config.CopyFrom(_eds_config())
        cluster.eds_cluster_config.service_name = target.name
    apply_spread(cluster, spread(config, policy, service))
    apply_load_balancer(cluster, policy)
    return False


@cache
def _session_statuses() -> Any:
    """Health in which an endpoint still serves its sessions."""
    made = types.HealthStatusSet()
    made.statuses.extend(["UNKNOWN", "HEALTHY", "DEGRADED", "DRAINING"])
    return made


@cache
def _eds_config() -> Any:
    made = types.EdsClusterConfig()
    made.eds_config.ads.SetInParent()
    made.eds_config.initial_fetch_timeout.SetInParent()
    made.eds_config.resource_api_version = "V3"
    return made


def _checks_names(tls: ClientTLSSettings | None) -> bool:
    if tls is None or tls.mode is TLSmode.DISABLE:
        return False
    return not tls.insecure_skip_verify


def _override_port(cluster: Any, port: Port) -> None:
    """A ServiceEntry without resolution can send a port to another one of the same address."""
    if isinstance(port.target_port, int) and port.target_port not in (0, port.number):
        cluster.original_dst_lb_config.upstream_port_override.value = port.target_port


def _apply_metadata(cluster: Any, target: Target) -> None:
    if target.rule is not None and target.rule.sources:
        metadata.set_config(cluster, target.rule.sources[0])
    fields = metadata.istio_struct(cluster).fields
    if target.subset:
        fields["subset"].string_value = target.subset.name
    if target.service.mesh_external:
        fields["external"].bool_value = True
    metadata.add_service(cluster, target.service)


def _uses_credentials(target: Target) -> bool:
    """A sidecar may use a credential only where a workloadSelector names it."""
    if not target.is_sidecar:
        return True
    return target.rule is not None and target.rule.has_workload_selector
