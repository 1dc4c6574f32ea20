"""What a sidecar listens on for its own workload's calls.

    0.0.0.0_80, 10.0.0.3_5432, ...   see `outbound_plan`
    127.0.0.1_15007                  the HTTP proxy port, when the mesh or the proxy has one
    virtualOutbound                  takes all that is captured; what no other listener is for
                                     passes through, or not, as the outbound traffic policy says

Each listener is a cell made from its plan alone, so proxies of one scope share it.
"""

from typing import Any

from lateen.base.incremental import Node, derived
from lateen.envoy import messages, types
from lateen.translate import names, unknown_hosts
from lateen.translate.families import add_twins, anywhere, localhost
from lateen.translate.filters import access_log, http, network, proxy_settings, tcp
from lateen.translate.filters.http_connection_manager import (
    Edge,
    http_chain,
    http_connection_manager,
)
from lateen.translate.listeners import build, outbound_plan
from lateen.translate.listeners.outbound_plan import ListenerPlan
from lateen.translate.listeners.outbound_stream import stream_chains, stream_filter_chain
from lateen.translate.routes.action import set_timeout
from lateen.translate.routes.on_demand import ANYWHERE, switch_on
from lateen.translate.routes.virtual_host import ALLOW_ANY
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass
from lateen.view.scope import OutboundScope, outbound_scope

VIRTUAL_OUTBOUND = names.VIRTUAL_OUTBOUND
BLACK_HOLE_CHAIN = "virtualOutbound-blackhole"
CATCH_ALL_CHAIN = "virtualOutbound-catchall-tcp"
CATCH_ALL_HTTP_CHAIN = "virtualOutbound-catchall-http"
PASSTHROUGH_CHAIN = "PassthroughFilterChain"


@derived
def listener_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    """Sorted; `virtualOutbound` last."""
    scope = outbound_scope(mesh, proxy_class).anywhere()
    return _names(mesh, scope, outbound_plan.narrowed(proxy_class))


def cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    """The memo that all proxies of the class's scope share: ask again when the scope changes."""
    scope = outbound_scope(mesh, proxy_class).anywhere()
    return _listener.node(mesh, scope, outbound_plan.narrowed(proxy_class), name)


@derived
def listener(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    """None when the sidecar has no outbound listener of that name."""
    scope = outbound_scope(mesh, proxy_class).anywhere()
    return _listener(mesh, scope, outbound_plan.narrowed(proxy_class), name)


@derived
def _names(mesh: Mesh, scope: OutboundScope, client: ProxyClass) -> tuple[str, ...]:
    planned = list(outbound_plan.plans(mesh, scope, client))
    port = _http_proxy_port(mesh, client)
    proxy = _http_proxy_name(client, port)
    if port and proxy not in planned:
        planned.append(proxy)
    if client.interception is not Interception.NONE:
        planned.append(VIRTUAL_OUTBOUND)
    return tuple(planned)


@derived
def _listener(mesh: Mesh, scope: OutboundScope, client: ProxyClass, name: str) -> bytes | None:
    if name == VIRTUAL_OUTBOUND:
        if client.interception is Interception.NONE:
            return None
        return messages.serialize(_virtual_outbound(mesh, scope, client))
    planned = outbound_plan.plan(mesh, scope, client, name)
    if planned is not None:
        return messages.serialize(_planned(mesh, scope, client, planned))
    port = _http_proxy_port(mesh, client)
    if port and name == _http_proxy_name(client, port):
        return messages.serialize(_http_proxy(mesh, scope, client, name, port))
    return None


def _planned(mesh: Mesh, scope: OutboundScope, client: ProxyClass, plan: ListenerPlan) -> Any:
    made = build.listener(
        mesh,
        plan.name,
        address=plan.address,
        port=plan.port,
        direction="OUTBOUND",
        is_bound=plan.is_bound,
    )
    falls_through = plan.is_wildcard and not plan.is_bound
    detects = bool(plan.route) and (falls_through or bool(plan.streams))
    if plan.route:
        chain = _http(mesh, scope, client, plan)
        if detects:
            build.match_plaintext_http(chain)
        made.filter_chains.append(chain)
    for stream in stream_chains(mesh, scope, client, plan.streams):
        chain = stream_filter_chain(mesh, stream)
        if plan.route and stream.takes_all:
            made.default_filter_chain.CopyFrom(chain)
        else:
            made.filter_chains.append(chain)
    if falls_through and not _takes_all(made):
        made.default_filter_chain.CopyFrom(_passthrough(mesh, scope, PASSTHROUGH_CHAIN))
    _add_inspectors(made, detects_http=detects)
    add_twins(made, client.families)
    proxy_settings.apply_to_listener(made, mesh, client)
    return made


def _http(
    mesh: Mesh,
    scope: OutboundScope,
    client: ProxyClass,
    plan: ListenerPlan,
    *,
    is_forward_proxy: bool = False,
) -> Any:
    captured = unknown_hosts.is_captured(client)
    manager = http_connection_manager(
        mesh,
        stat_prefix=f"outbound_{plan.name}",
        route_name=plan.route,
        http_filters=http.http_filters(
            http.Direction.OUTBOUND,
            is_grpc_web=plan.is_grpc_web,
            resolves=unknown_hosts.needs_resolver(mesh, scope, captured),
            hides_debug_headers=proxy_settings.hides_debug_headers(mesh, client),
            families=client.families,
        ),
        edge=Edge(accept_http10=client.http10, is_forward_proxy=is_forward_proxy),
        scope=scope,
        proxy=client,
    )
    return build.filter_chain((http_chain(manager),))


def _takes_all(listener: Any) -> bool:
    """Whether every connection finds a chain."""
    return listener.HasField("default_filter_chain") or any(
        not chain.HasField("filter_chain_match") for chain in listener.filter_chains
    )


def _add_inspectors(listener: Any, *, detects_http: bool) -> None:
    if any(chain.filter_chain_match.server_names for chain in listener.filter_chains):
        listener.listener_filters.append(network.listener_filter(network.TLS_INSPECTOR))
    if detects_http:
        listener.listener_filters.append(network.listener_filter(network.HTTP_INSPECTOR))


def _http_proxy_port(mesh: Mesh, client: ProxyClass) -> int:
    return client.http_proxy_port or mesh.config.proxy_http_port


def _http_proxy_name(client: ProxyClass, port: int) -> str:
    return f"{localhost(client.families)}_{port}"


def _http_proxy(mesh: Mesh, scope: OutboundScope, client: ProxyClass, name: str, port: int) -> Any:
    made = build.listener(
        mesh,
        name,
        address=localhost(client.families),
        port=port,
        direction="OUTBOUND",
        is_bound=True,
    )
    place = localhost(client.families)
    plan = ListenerPlan(place, port, is_bound=True, route=names.HTTP_PROXY_ROUTE)
    made.filter_chains.append(_http(mesh, scope, client, plan, is_forward_proxy=True))
    add_twins(made, client.families)
    proxy_settings.apply_to_listener(made, mesh, client)
    return made


# -- what is captured and has no listener of its own --------------------------------------------


def _virtual_outbound(mesh: Mesh, scope: OutboundScope, client: ProxyClass) -> Any:
    port = mesh.config.proxy_listen_port
    made = types.Listener(name=VIRTUAL_OUTBOUND, traffic_direction="OUTBOUND")
    made.address.CopyFrom(build.socket_address(anywhere(client.families), port))
    made.use_original_dst.value = True
    made.max_connections_to_accept_per_socket_event.value = 1
    if client.interception is Interception.TPROXY:
        made.transparent.value = True
    loop = made.filter_chains.add(name=BLACK_HOLE_CHAIN)
    loop.filter_chain_match.destination_port.value = port  # connecting to the proxy itself
    proxy = tcp.tcp_proxy(mesh, ((names.BLACK_HOLE_CLUSTER, 0),), logged=False)
    loop.filters.append(tcp.tcp_chain(proxy))
    if unknown_hosts.resolves(mesh, scope, captured=True):
        made.filter_chains.append(_http_by_name(mesh, client))
        _add_inspectors(made, detects_http=True)
        made.default_filter_chain.CopyFrom(_passthrough(mesh, scope, CATCH_ALL_CHAIN))
    else:
        made.filter_chains.append(_passthrough(mesh, scope, CATCH_ALL_CHAIN))
    add_twins(made, client.families)
    proxy_settings.apply_to_listener(made, mesh, client)
    access_log.add_listener_log(made, mesh)
    return made


def _http_by_name(mesh: Mesh, client: ProxyClass) -> Any:
    """HTTP on ports that no service has, to the host that the request names."""
    routes = types.RouteConfiguration(name=CATCH_ALL_HTTP_CHAIN)
    host = routes.virtual_hosts.add(name=ALLOW_ANY, domains=["*"])
    host.include_request_attempt_count = True
    route = host.routes.add(name=ALLOW_ANY)
    route.match.prefix = "/"
    route.route.cluster = names.DYNAMIC_DNS_CLUSTER
    set_timeout(route.route, None)
    switch_on(route, ANYWHERE)
    manager = http_connection_manager(
        mesh,
        stat_prefix=CATCH_ALL_HTTP_CHAIN,
        route_configuration=routes,
        http_filters=http.http_filters(
            http.Direction.OUTBOUND,
            resolves=True,
            hides_debug_headers=proxy_settings.hides_debug_headers(mesh, client),
            families=client.families,
        ),
        edge=Edge(accept_http10=client.http10),
        proxy=client,
    )
    chain = build.filter_chain((http_chain(manager),), name=CATCH_ALL_HTTP_CHAIN)
    build.match_plaintext_http(chain)
    return chain


def _passthrough(mesh: Mesh, scope: OutboundScope, name: str) -> Any:
    """The chain for destinations that the proxy does not know."""
    made = types.FilterChain(name=name)
    proxy = tcp.tcp_proxy(mesh, ((unknown_hosts.tcp_cluster(mesh, scope), 0),))
    made.filters.append(tcp.tcp_chain(proxy))
    return made
