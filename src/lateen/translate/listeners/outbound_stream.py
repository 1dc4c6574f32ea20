"""Filter chains for connections that are not plain HTTP: which cluster takes them.

    TLS, HTTPS ports   VirtualService tls routes by SNI, else one chain to the service
    others             VirtualService tcp routes, up to the first without a subnet, else the service

Of chains that would match the same connections the oldest is kept: Envoy refuses two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lateen.api.resource import Key
from lateen.api.virtual_service import (
    L4MatchAttributes,
    TLSMatchAttributes,
)
from lateen.base.incremental import derived
from lateen.catalog.service import Protocol
from lateen.envoy import types
from lateen.translate import metadata, names
from lateen.translate.clusters.dns import dynamic_cache
from lateen.translate.families import DNS
from lateen.translate.filters import network, tcp
from lateen.translate.filters.tcp import ConnectionPolicy
from lateen.translate.listeners import build
from lateen.translate.listeners.outbound_plan import StreamService
from lateen.translate.listeners.stream_target import (
    StreamTarget,
    byte_offer,
    connection_policy,
    stat_prefix,
    stream_target,
)
from lateen.translate.routes import domains
from lateen.translate.routes.host_table import aliases
from lateen.view.hosts import matches
from lateen.view.mesh import Mesh
from lateen.view.proxy import Families, ProxyClass
from lateen.view.scope import OutboundScope
from lateen.view.selection import selects
from lateen.view.virtual_service import MESH, RoutedVirtualService, virtual_services


@dataclass(frozen=True, slots=True)
class StreamChain:
    """A chain before it is a message."""

    clusters: tuple[tuple[str, int], ...]
    stat_prefix: str
    server_names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    policy: ConnectionPolicy = tcp.PLAIN
    protocol: Protocol = Protocol.TCP
    source: Key | None = None
    resolved_port: int = 0  # the proxy resolves the server name; 0: it does not
    families: Families = Families.IPV4  # of the addresses that it may have
    offers_bytes: bool = False  # see StreamTarget

    @property
    def takes_all(self) -> bool:
        return not self.server_names and not self.prefixes


def stream_chains(
    mesh: Mesh, scope: OutboundScope, client: ProxyClass, services: Iterable[StreamService]
) -> list[StreamChain]:
    """Of all services of a listener, without those that could never be reached."""
    taken: set[tuple[str, str]] = set()
    kept = []
    for service in services:
        for chain in _chains(mesh, scope, client, service):
            left = _untaken(chain, taken)
            if left is not None:
                kept.append(left)
    return kept


def stream_filter_chain(mesh: Mesh, chain: StreamChain) -> Any:
    made = build.filter_chain(stream_filters(mesh, chain))
    if chain.source is not None:
        made.metadata.CopyFrom(metadata.config_metadata(chain.source))
    made.filter_chain_match.server_names.extend(chain.server_names)
    build.match_prefixes(made, chain.prefixes)
    if chain.takes_all:
        made.ClearField("filter_chain_match")
    return made


def stream_filters(mesh: Mesh, chain: StreamChain) -> list[Any]:
    filters = []
    if chain.protocol is Protocol.MONGO:
        mongo = types.MongoProxy(stat_prefix=chain.stat_prefix)
        filters.append(network.network_filter(network.MONGO_PROXY, mongo))
    if chain.resolved_port:
        resolver = types.SniDynamicForwardProxy(port_value=chain.resolved_port)
        resolver.dns_cache_config.CopyFrom(dynamic_cache(DNS[chain.families]))
        filters.append(network.network_filter(network.SNI_DYNAMIC_FORWARD_PROXY, resolver))
    if chain.offers_bytes:
        filters.append(byte_offer())
    proxy = tcp.tcp_proxy(mesh, chain.clusters, stat_prefix=chain.stat_prefix, policy=chain.policy)
    filters.append(tcp.tcp_chain(proxy))
    return filters


def _untaken(chain: StreamChain, taken: set[tuple[str, str]]) -> StreamChain | None:
    """The chain reduced to server names and prefixes that no older chain has."""
    prefixes = {str(build.parsed_prefix(prefix) or prefix) for prefix in chain.prefixes or ("",)}
    free = tuple(
        name
        for name in chain.server_names or ("",)
        if taken.isdisjoint((name, prefix) for prefix in prefixes)
    )
    if not free:
        return None
    taken.update((name, prefix) for name in free for prefix in prefixes)
    return replace(chain, server_names=free) if chain.server_names else chain


def _chains(
    mesh: Mesh, scope: OutboundScope, client: ProxyClass, service: StreamService
) -> list[StreamChain]:
    governing = stream_virtual_services(mesh, scope, service.index, service.hostname)
    if service.protocol.is_tls:
        return _tls_chains(mesh, scope, service, governing) or [
            replace(
                _to_service(mesh, scope, service),
                server_names=_server_names(mesh, scope, client, service),
            )
        ]
    return _tcp_chains(mesh, scope, service, governing)


@derived
def stream_virtual_services(
    mesh: Mesh, scope: OutboundScope, index: int, hostname: str
) -> tuple[RoutedVirtualService, ...]:
    """Those with tls or tcp routes that name the host, in age order."""
    return tuple(
        each
        for each in routing_streams(mesh, scope, index)
        if any(matches(host, hostname) for host in each.hosts)
    )


@derived
def routing_streams(
    mesh: Mesh, scope: OutboundScope, index: int
) -> tuple[RoutedVirtualService, ...]:
    return tuple(each for each in virtual_services(mesh, scope, index) if each.tls or each.tcp)


# -- VirtualService routes ---------------------------------------------------------------------


def _tls_chains(
    mesh: Mesh,
    scope: OutboundScope,
    service: StreamService,
    governing: Sequence[RoutedVirtualService],
) -> list[StreamChain]:
    return [
        replace(
            _to_target(service, each.key, target),
            server_names=_lower(match.sni_hosts),
            prefixes=_prefixes(service, match),
        )
        for each in governing
        for route in each.tls
        if (target := stream_target(mesh, scope, each.key, route.route, service.port)) is not None
        for match in route.match
        if _applies(match, scope, service.port)
    ]


def _tcp_chains(
    mesh: Mesh,
    scope: OutboundScope,
    service: StreamService,
    governing: Sequence[RoutedVirtualService],
) -> list[StreamChain]:
    made: list[StreamChain] = []
    for each in governing:
        for route in each.tcp:
            found = [match for match in route.match if _applies(match, scope, service.port)]
            target = stream_target(mesh, scope, each.key, route.route, service.port)
            if target is None or (route.match and not found):
                continue
            chain = _to_target(service, each.key, target)
            subnets = tuple(prefix for match in found for prefix in match.destination_subnets)
            if all(match.destination_subnets for match in found) and found and service.port:
                made.append(replace(chain, prefixes=subnets))
                continue
            made.append(chain)
            return made
    made.append(_to_service(mesh, scope, service))
    return made


def _applies(
    match: L4MatchAttributes | TLSMatchAttributes, scope: OutboundScope, port: int
) -> bool:
    if match.port and match.port != port:
        return False
    if match.gateways and MESH not in match.gateways:
        return False
    if match.source_namespace and match.source_namespace != scope.namespace:
        return False
    return selects(match.source_labels, scope.labels)


def _prefixes(service: StreamService, match: TLSMatchAttributes) -> tuple[str, ...]:
    """What the user says beats the service's own ranges; a unix socket has no address to match."""
    return (
        match.destination_subnets
        if match.destination_subnets and service.port
        else (service.prefixes)
    )


def _to_target(service: StreamService, key: Key, target: StreamTarget) -> StreamChain:
    return StreamChain(
        target.clusters,
        target.stat_prefix,
        prefixes=service.prefixes,
        policy=target.policy,
        protocol=service.protocol,
        source=key,
        offers_bytes=target.offers_bytes,
    )


# -- no VirtualService -------------------------------------------------------------------------


def _to_service(mesh: Mesh, scope: OutboundScope, service: StreamService) -> StreamChain:
    name = names.outbound_cluster(service.target_port, "", service.hostname)
    return StreamChain(
        ((name, 0),),
        stat_prefix(mesh, scope, name),
        prefixes=service.prefixes,
        policy=connection_policy(
            mesh, scope, service.hostname, service.namespace, "", service.target_port
        ),
        protocol=service.protocol,
        resolved_port=service.target_port if service.is_resolved else 0,
        families=scope.traits.families,
    )


def _server_names(
    mesh: Mesh, scope: OutboundScope, client: ProxyClass, service: StreamService
) -> tuple[str, ...]:
    if not service.by_name:
        return ()
    found = [service.hostname]
    for alias in aliases(mesh, scope, service.index).get(service.hostname, ()):
        found += [alias, *domains.short_forms(alias, client.dns_domain)]
    return _lower(found)


def _lower(names: Iterable[str]) -> tuple[str, ...]:
    """Each once: Envoy compares with the client's in lower case."""
    return tuple(dict.fromkeys(name.lower() for name in names))
