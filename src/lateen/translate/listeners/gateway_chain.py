"""The filter chains of a gateway's listener: HTTP, TLS by server name, TCP.

HTTP                        one chain, routes `http.<port>`
HTTPS that terminates       one chain for each server, by SNI, routes `https.<...>`
TLS that terminates, TCP    the first matching `tcp` route of the bound VirtualServices
PASSTHROUGH                 one chain for each match of their `tls` routes
AUTO_PASSTHROUGH            one chain for each port and subset of every mesh service
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lateen.api.gateway import TLSmode
from lateen.api.resource import Key
from lateen.api.virtual_service import L4MatchAttributes, RouteDestination, TLSMatchAttributes
from lateen.catalog.service import Protocol
from lateen.envoy import messages, types
from lateen.translate import metadata, names, tls
from lateen.translate.authorization import filters as authorization
from lateen.translate.filters import decision_log, proxy_settings, tcp
from lateen.translate.filters import http_connection_manager as hcm
from lateen.translate.filters.http import Direction, http_filters
from lateen.translate.listeners import gateway_tls
from lateen.translate.listeners.gateway_topology import edge
from lateen.translate.listeners.inbound_chain import trust_domains
from lateen.translate.listeners.inbound_match import MESH_ALPN
from lateen.translate.listeners.stream_target import byte_offer, stream_target
from lateen.translate.rate_limit import http as rate_limit
from lateen.view import destination_rule, gateway, hosts, scope, virtual_service
from lateen.view.gateway import GatewayServer
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.selection import selects
from lateen.view.virtual_service import RoutedVirtualService

CONNECT_TIMEOUT_SECONDS = 15  # a client that never finishes its handshake


def http_chain(mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer, name: str) -> Any:
    """Plain HTTP: one chain for all servers of the port."""
    return _chain([_http_filter(mesh, proxy_class, server, name)], ())


def chains(mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer, name: str) -> Iterator[Any]:
    """Of one server that is not plain HTTP; `name` is the listener's."""
    settings = server.server.tls
    if settings is not None and settings.mode is TLSmode.AUTO_PASSTHROUGH:
        yield from _auto_passthrough(mesh, proxy_class, server)
    elif server.is_tls and not gateway_tls.is_terminated(settings):
        yield from _passthrough(mesh, proxy_class, server)
    elif server.route_name:
        filters = [_http_filter(mesh, proxy_class, server, name)]
        yield _with_tls(mesh, proxy_class, server, filters, is_http=True)
    else:
        yield from _tcp(mesh, proxy_class, server)


def _chain(filters: Sequence[Any], server_names: Iterable[str], source: Key | None = None) -> Any:
    chain = types.FilterChain()
    chain.filter_chain_match.server_names.extend(server_names)
    if not chain.filter_chain_match.server_names:
        chain.ClearField("filter_chain_match")
    chain.filters.extend(filters)
    chain.transport_socket_connect_timeout.CopyFrom(messages.seconds(CONNECT_TIMEOUT_SECONDS))
    if source is not None:
        metadata.set_config(chain, source)
    return chain


def _with_tls(
    mesh: Mesh,
    proxy_class: ProxyClass,
    server: GatewayServer,
    filters: Sequence[Any],
    *,
    is_http: bool,
) -> Any:
    settings = server.server.tls
    assert settings is not None, "a server that terminates TLS has settings"
    chain = _chain(filters, server_names(server), server.gateway)
    context = gateway_tls.tls_context(
        mesh, proxy_class, settings, trust_domains=trust_domains(mesh), is_http=is_http
    )
    chain.transport_socket.CopyFrom(tls.transport_socket(context))
    return chain


def server_names(server: GatewayServer) -> tuple[str, ...]:
    """The SNI of a server's hosts; empty: any."""
    found = [host.rpartition("/")[2].lower() for host in server.hosts]
    return () if "*" in found else tuple(dict.fromkeys(found))


# -- HTTP --------------------------------------------------------------------------------------


def _http_filter(mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer, name: str) -> Any:
    is_web = server.protocol is Protocol.GRPC_WEB
    return hcm.http_chain(
        hcm.http_connection_manager(
            mesh,
            stat_prefix=f"outbound_{name}",
            http_filters=http_filters(
                Direction.GATEWAY,
                policy=(
                    *authorization.http_filters(mesh, proxy_class),
                    *rate_limit.http_filters(mesh, proxy_class),
                ),
                is_grpc_web=is_web,
                hides_debug_headers=proxy_settings.hides_debug_headers(mesh, proxy_class),
            ),
            route_name=server.route_name,
            edge=edge(mesh, proxy_class),
            scope=scope.outbound_scope(mesh, proxy_class),
            proxy=proxy_class,
        )
    )


# -- TCP and TLS -------------------------------------------------------------------------------


def _bound(
    mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer
) -> list[RoutedVirtualService]:
    """The VirtualServices that share a host with the server, oldest first."""
    found = virtual_service.gateway_virtual_services(mesh, server.gateway, proxy_class.namespace)
    return [each for each in found if gateway.routed_hosts(server, each)]


def _tcp(mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer) -> Iterator[Any]:
    for bound in _bound(mesh, proxy_class, server):
        for route in bound.tcp:
            if route.match and not any(
                _applies(match, proxy_class, server) for match in route.match
            ):
                continue
            filters = _tcp_filters(mesh, proxy_class, bound.key, route.route, server)
            if not filters:
                continue
            if gateway_tls.is_terminated(server.server.tls):
                yield _with_tls(mesh, proxy_class, server, filters, is_http=False)
            else:
                yield _chain(filters, (), bound.key)
            return


def _passthrough(mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer) -> Iterator[Any]:
    for bound in _bound(mesh, proxy_class, server):
        for route in bound.tls:
            for match in route.match:
                if not _applies(match, proxy_class, server):
                    continue
                filters = _tcp_filters(mesh, proxy_class, bound.key, route.route, server)
                if filters:
                    wanted = [name.lower() for name in match.sni_hosts]
                    yield _chain(filters, () if "*" in wanted else wanted, bound.key)


def _applies(
    match: L4MatchAttributes | TLSMatchAttributes, proxy_class: ProxyClass, server: GatewayServer
) -> bool:
    """Whether a match can hold at this server; what it says of connections is not asked here.

    The source is the gateway itself.
    """
    if match.port and match.port != server.number:
        return False
    if match.source_namespace and match.source_namespace != proxy_class.namespace:
        return False
    if not selects(match.source_labels, proxy_class.labels):
        return False
    own = f"{server.gateway.namespace}/{server.gateway.name}"
    return not match.gateways or own in match.gateways


def _tcp_filters(
    mesh: Mesh,
    proxy_class: ProxyClass,
    key: Key,
    routes: Sequence[RouteDestination],
    server: GatewayServer,
) -> list[Any]:
    """Policies, then the proxy; nothing without a destination."""
    outbound = scope.outbound_scope(mesh, proxy_class)
    target = stream_target(mesh, outbound, key, routes, server.number)
    if target is None:
        return []
    proxy = tcp.tcp_proxy(
        mesh, target.clusters, stat_prefix=target.stat_prefix, policy=target.policy
    )
    decision_log.add_tcp(proxy, mesh, proxy_class)
    return [
        *authorization.network_filters(mesh, proxy_class),
        *([byte_offer()] if target.offers_bytes else ()),
        tcp.tcp_chain(proxy),
    ]


# -- AUTO_PASSTHROUGH --------------------------------------------------------------------------


def _auto_passthrough(mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer) -> Iterator[Any]:
    """A mesh client of another network names service and subset in its SNI; TLS goes on inside."""
    policies = authorization.network_filters(mesh, proxy_class)
    for name in _passthrough_names(mesh, proxy_class, server):
        proxy = tcp.tcp_proxy(mesh, ((name, 1),))
        chain = _chain([*policies, tcp.tcp_chain(proxy)], (name,))
        chain.filter_chain_match.application_protocols.extend(MESH_ALPN)
        yield chain


def _passthrough_names(mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer) -> Iterator[str]:
    outbound = scope.outbound_scope(mesh, proxy_class)
    wanted = server_names(server)
    for service in scope.services(mesh, outbound):
        if service.mesh_external:
            continue
        if wanted and not any(hosts.is_subset(service.hostname, each) for each in wanted):
            continue
        policy = destination_rule.destination_rule(
            mesh, outbound, service.hostname, service.namespace
        )
        subsets = [subset.name for subset in policy.subsets] if policy else []
        for port in service.ports:
            if port.protocol is not Protocol.UDP:
                for subset in ("", *subsets):
                    yield names.server_name(port.number, subset, service.hostname)
