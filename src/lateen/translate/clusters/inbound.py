"""Inbound clusters: from a proxy to its own workload, one for each port that is served.

    captured traffic       ORIGINAL_DST: the pod's own address, coming from 127.0.0.6
    inboundTrafficPolicy LOCALHOST, or nothing captured
                           STATIC 127.0.0.1:port
    Sidecar ingress        its defaultEndpoint: loopback, the pod's address, or a unix socket

Of a DestinationRule only the connection pool applies on this side.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from lateen.api.destination_rule import ConnectionPoolSettings
from lateen.api.duration import SECOND
from lateen.api.mesh_config import InboundTrafficPolicyMode
from lateen.api.resource import Key
from lateen.api.sidecar import IstioIngressListener, Sidecar
from lateen.base.incremental import derived
from lateen.catalog import protocol
from lateen.catalog.service import Port, Service
from lateen.envoy import messages, types
from lateen.translate import metadata, names
from lateen.translate.clusters.policy.connection_pool import apply_connection_pool, upstream
from lateen.translate.clusters.policy.layers import effective_policy
from lateen.translate.clusters.protocol import apply_upstream
from lateen.translate.families import bind_inbound_source, localhost
from lateen.view.destination_rule import DestinationPolicy, inbound_destination_rule
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass
from lateen.view.scope import outbound_scope
from lateen.view.workload import ServiceInstance, ingress_listeners, workload_services

ANY_ADDRESSES = ("0.0.0.0", "::")
UNIX = "unix://"
APPLICATION_ADDRESS = "APPLICATION_ADDRESS"  # node metadata: where an uncaptured workload listens
# Never forget an original destination: its connections would break. Envoy's longest interval.
CLEANUP_INTERVAL = 9223372035 * SECOND


@dataclass(frozen=True, slots=True)
class InboundPort:
    """One port of the workload and what is known of it."""

    number: int
    port: Port
    services: tuple[Service, ...] = ()
    endpoint: str = ""  # of a Sidecar ingress listener: `host:port` or `unix://path`
    pool: ConnectionPoolSettings | None = None
    rule: Key | None = None  # the DestinationRule that the pool is from


@derived
def inbound_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    return tuple(names.inbound_cluster(port.number) for port in inbound_ports(mesh, proxy_class))


@derived
def inbound_cluster(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    for port in inbound_ports(mesh, proxy_class):
        if names.inbound_cluster(port.number) == name:
            return messages.serialize(build(mesh, proxy_class, port))
    return None


@derived
def inbound_ports(mesh: Mesh, proxy_class: ProxyClass) -> tuple[InboundPort, ...]:
    """By number; where services share a port the oldest decides its protocol."""
    by_number: dict[int, list[ServiceInstance]] = {}
    for instance in workload_services(mesh, proxy_class):
        by_number.setdefault(instance.target_port, []).append(instance)
    listeners = ingress_listeners(mesh, proxy_class)
    if listeners:
        found = [_of_listener(mesh, proxy_class, item, by_number) for item in listeners]
    else:
        found = [
            _of_instances(mesh, proxy_class, number, instances)
            for number, instances in by_number.items()
        ]
    return tuple(sorted(found, key=lambda port: port.number))


def _of_instances(
    mesh: Mesh, proxy_class: ProxyClass, number: int, instances: list[ServiceInstance]
) -> InboundPort:
    first = instances[0]
    services = tuple(dict.fromkeys(instance.service for instance in instances))
    pool, rule = _connection_pool(mesh, proxy_class, first)
    return InboundPort(
        number=number,
        port=first.port,
        services=services,
        pool=_sidecar_pool(mesh, proxy_class) or pool,
        rule=rule,
    )


def _of_listener(
    mesh: Mesh,
    proxy_class: ProxyClass,
    listener: IstioIngressListener,
    by_number: dict[int, list[ServiceInstance]],
) -> InboundPort:
    number = listener.port.number if listener.port else 0
    declared = listener.port.protocol if listener.port else ""
    port = Port(
        name=listener.port.name if listener.port else "",
        number=number,
        protocol=protocol.parse(declared),
    )
    known = by_number.get(number)
    base = _of_instances(mesh, proxy_class, number, known) if known else InboundPort(number, port)
    return InboundPort(
        number=number,
        port=port,
        services=base.services,
        endpoint=listener.default_endpoint,
        pool=listener.connection_pool or _sidecar_pool(mesh, proxy_class) or base.pool,
        rule=base.rule,
    )


def _connection_pool(
    mesh: Mesh, proxy_class: ProxyClass, instance: ServiceInstance
) -> tuple[ConnectionPoolSettings | None, Key | None]:
    rule = inbound_destination_rule(
        mesh, proxy_class.namespace, instance.service.hostname, instance.service.namespace
    )
    if rule is None:
        return None, None
    policy = effective_policy(rule.traffic_policy, None, port=instance.port.number)
    return policy.connection_pool, _source(rule)


def _source(rule: DestinationPolicy) -> Key | None:
    return rule.sources[0] if rule.sources else None


def _sidecar_pool(mesh: Mesh, proxy_class: ProxyClass) -> ConnectionPoolSettings | None:
    key = outbound_scope(mesh, proxy_class).sidecar
    resource = mesh.resource(key) if key else None
    if resource is None or not isinstance(resource.spec, Sidecar):
        return None
    return resource.spec.inbound_connection_pool


# -- building ----------------------------------------------------------------------------------


def build(mesh: Mesh, proxy_class: ProxyClass, port: InboundPort) -> Any:
    cluster = types.Cluster()
    cluster.CopyFrom(_template())
    cluster.name = names.inbound_cluster(port.number)
    cluster.alt_stat_name = _stat_name(mesh, port)
    apply_connection_pool(cluster, port.pool, mesh.config)
    _apply_destination(mesh, cluster, proxy_class, port)
    if port.rule is not None:
        metadata.set_config(cluster, port.rule)
    for service in port.services:
        metadata.add_service(cluster, service)
    http = upstream(port.pool, port=port.port, config=mesh.config, sniffs=True, upgrades=False)
    apply_upstream(cluster, http)
    return cluster


@cache
def _template() -> Any:
    cluster = types.Cluster()
    cluster.common_lb_config.SetInParent()
    return cluster


def _apply_destination(
    mesh: Mesh, cluster: Any, proxy_class: ProxyClass, port: InboundPort
) -> None:
    if port.endpoint.startswith(UNIX):
        _apply_static(cluster).pipe.path = port.endpoint.removeprefix(UNIX)
        return
    host, number = _host_and_port(port)
    if host in ANY_ADDRESSES and proxy_class.addresses and not _is_local(mesh, proxy_class):
        host = proxy_class.addresses[0]
        bind_inbound_source(cluster, proxy_class.families)
    if host in ("", *ANY_ADDRESSES) and not _is_local(mesh, proxy_class):
        cluster.type = "ORIGINAL_DST"
        cluster.lb_policy = "CLUSTER_PROVIDED"
        cluster.cleanup_interval.CopyFrom(messages.duration(CLEANUP_INTERVAL))
        bind_inbound_source(cluster, proxy_class.families)
        if number != port.number:
            cluster.original_dst_lb_config.upstream_port_override.value = number
        return
    address = _apply_static(cluster).socket_address
    address.address = _local_address(proxy_class) if host in ("", *ANY_ADDRESSES) else host
    address.port_value = number


def _apply_static(cluster: Any) -> Any:
    """Makes it a cluster of one fixed endpoint; returns the address to fill in."""
    cluster.type = "STATIC"
    cluster.load_assignment.cluster_name = cluster.name
    endpoint = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint
    return endpoint.address


def _host_and_port(port: InboundPort) -> tuple[str, int]:
    host, separator, number = port.endpoint.rpartition(":")
    if separator and number.isdecimal():
        return host.strip("[]"), int(number)
    return "", port.number


def _is_local(mesh: Mesh, proxy_class: ProxyClass) -> bool:
    """Whether the workload is reached on loopback rather than on its own address."""
    policy = mesh.config.inbound_traffic_policy
    return proxy_class.interception is Interception.NONE or (
        policy is not None and policy.mode is InboundTrafficPolicyMode.LOCALHOST
    )


def _local_address(proxy_class: ProxyClass) -> str:
    return dict(proxy_class.settings).get(APPLICATION_ADDRESS) or localhost(proxy_class.families)


def _stat_name(mesh: Mesh, port: InboundPort) -> str:
    pattern = mesh.config.inbound_cluster_stat_name
    if not pattern or not port.services:
        return names.stat_name(names.inbound_cluster(port.number))
    service = port.services[0]
    filled_in = names.format_stat_name(
        pattern,
        host=service.hostname,
        namespace=service.namespace,
        service=service.name,
        port=port.port.number,
        port_name=port.port.name,
        subset="",
    )
    return names.stat_name(filled_in)
