"""Where a connection goes, as tcp and tls routes say: clusters with weights, and the policy of it.

The policy is that of the first destination's DestinationRule. Of several destinations, its subset
does not count: a tunnel, say, is the connection's before there is a choice of destination.

A port that is declared as HTTP makes its cluster offer HTTP in ALPN (see `translate.alpn`). What a
tcp route carries there need not be the version that is offered, so its chain offers what Istio does
for bytes: the server then looks at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lateen.api.destination_rule import TLSmode, TrafficPolicy
from lateen.api.resource import Key
from lateen.api.virtual_service import RouteDestination
from lateen.envoy import types
from lateen.translate import alpn, names, tls
from lateen.translate.clusters.policy import load_balancer
from lateen.translate.clusters.policy.connection_pool import upstream
from lateen.translate.clusters.policy.resolve import destination_policy
from lateen.translate.filters import network, tcp
from lateen.translate.filters.tcp import ConnectionPolicy
from lateen.translate.routes.action import found_destination
from lateen.view.destination_rule import destination_rule
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyKind
from lateen.view.scope import OutboundScope, find_service

MESH_TLS = (None, TLSmode.ISTIO_MUTUAL)  # None: automatic


@dataclass(frozen=True, slots=True)
class StreamTarget:
    clusters: tuple[tuple[str, int], ...]
    stat_prefix: str
    policy: ConnectionPolicy = tcp.PLAIN
    offers_bytes: bool = False  # ALPN of bytes, whatever the cluster's port is declared as


def stream_target(
    mesh: Mesh, scope: OutboundScope, key: Key, routes: Sequence[RouteDestination], port: int
) -> StreamTarget | None:
    """None without a destination. `key` is the VirtualService's, `port` the listener's."""
    known = [(each.destination, each.weight) for each in routes if each.destination is not None]
    if len(known) > 1:
        known = [(to, weight) for to, weight in known if weight > 0] or known[:1]
    is_one = len(known) == 1
    clusters, policies, offers = [], [], []
    for destination, weight in known:
        hostname, namespace, number = found_destination(mesh, scope, destination, port)
        subset = destination.subset
        clusters.append((names.outbound_cluster(number, subset, hostname), weight))
        shaping = subset if is_one else ""
        policies.append(connection_policy(mesh, scope, hostname, namespace, shaping, number))
        offers.append(_offers_http(mesh, scope, hostname, subset, number))
    if not clusters:
        return None
    prefix = stat_prefix(mesh, scope, clusters[0][0]) if is_one else f"{key.name}.{key.namespace}"
    return StreamTarget(tuple(clusters), prefix, policies[0], offers_bytes=all(offers))


def stat_prefix(mesh: Mesh, scope: OutboundScope, cluster: str) -> str:
    """By MeshConfig.outboundClusterStatName, where the destination is a service; else its name."""
    pattern = mesh.config.outbound_cluster_stat_name
    target = names.parse_cluster(cluster)
    service = find_service(mesh, scope, target.host) if pattern and target is not None else None
    if target is None or service is None:
        return cluster
    port = service.port(target.port)
    return names.format_stat_name(
        pattern,
        host=service.hostname,
        namespace=service.namespace,
        service=service.name,
        port=target.port,
        port_name=port.name if port is not None else "",
        subset=target.subset,
    )


def connection_policy(
    mesh: Mesh, scope: OutboundScope, hostname: str, namespace: str, subset: str, port: int
) -> ConnectionPolicy:
    """What the DestinationRule of a host, else the proxy's own settings, say of connections."""
    otherwise = scope.traits.idle_timeout
    if destination_rule(mesh, scope, hostname, namespace) is None:
        return ConnectionPolicy(idle_timeout=otherwise) if otherwise is not None else tcp.PLAIN
    policy = destination_policy(mesh, scope, hostname, namespace, subset, port)
    pool = policy.connection_pool.tcp if policy.connection_pool is not None else None
    return ConnectionPolicy(
        idle_timeout=otherwise if pool is None or pool.idle_timeout is None else pool.idle_timeout,
        max_duration=pool.max_connection_duration if pool is not None else None,
        hashes_source=_hashes_source(policy),
        tunnel=policy.tunnel,
    )


@cache
def byte_offer() -> Any:
    """The network filter that makes the upstream's TLS offer bytes of the mesh."""
    config = types.NetworkSetFilterState()
    state = config.on_new_connection.add(object_key=alpn.STATE)
    state.shared_with_upstream = types.FilterStateValue.ONCE
    state.format_string.text_format_source.inline_string = ",".join(tls.MESH_ALPN)
    return network.network_filter(network.SET_FILTER_STATE, config)


def _hashes_source(policy: TrafficPolicy) -> bool:
    hashed = load_balancer.consistent_hash(policy)
    return hashed is not None and bool(hashed.use_source_ip)


def _offers_http(mesh: Mesh, scope: OutboundScope, hostname: str, subset: str, port: int) -> bool:
    """Whether the cluster's mutual TLS of the mesh offers a version of HTTP."""
    service = find_service(mesh, scope, hostname)
    found = service.port(port) if service is not None else None
    if service is None or found is None:
        return False
    policy = destination_policy(mesh, scope, hostname, service.namespace, subset, port)
    if (policy.tls.mode if policy.tls is not None else None) not in MESH_TLS:
        return False
    spoken = upstream(
        policy.connection_pool,
        port=found,
        config=mesh.config,
        sniffs=scope.kind is ProxyKind.SIDECAR,
        upgrades=True,
    ).protocol
    return alpn.offer(found, spoken) in (alpn.HTTP1_OFFER, alpn.HTTP2_OFFER)
