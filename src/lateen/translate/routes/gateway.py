"""Route configurations of gateways: `http.8080`, `https.443.https.main.istio-system`.

    servers that share a route name  x  VirtualServices bound to their Gateways  ->  hosts
    host  ->  one virtual host: the routes of all its VirtualServices, oldest first, those that
              take every request last

Nothing bound answers 404. A server with `httpsRedirect` redirects its hosts, bound or not.
"""

from dataclasses import dataclass
from typing import NamedTuple

from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.envoy import messages, types, wire
from lateen.translate.listeners import gateway_quic
from lateen.translate.routes.headers import PEER_HEADERS
from lateen.translate.routes.http import http_routes
from lateen.translate.routes.match import is_catch_all
from lateen.view import gateway, scope, virtual_service
from lateen.view.gateway import GatewayServer
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import OutboundScope

MAX_DIRECT_RESPONSE_BYTES = 1 << 20
VIRTUAL_HOSTS = 2  # field of RouteConfiguration
ROUTES = 3  # field of VirtualHost


@dataclass(frozen=True, slots=True)
class RouteSource:
    """A VirtualService that has routes for a host, and the server it is bound through."""

    virtual_service: Key
    gateway: Key
    port: int
    is_tls: bool


@dataclass(frozen=True, slots=True)
class GatewayHost:
    host: str
    number: int  # the port of the first server that has it, as its Gateway writes it
    requires_tls: bool = False
    alt_svc: str = ""  # what its answers tell of HTTP/3
    sources: tuple[RouteSource, ...] = ()


class BoundRoutes(NamedTuple):
    """Of one VirtualService through one server, as fields of a serialized VirtualHost."""

    plain: bytes = b""
    catch_all: bytes = b""  # those that take every request


@derived
def route_configuration(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    """None when no server has routes of that name."""
    servers = gateway.route_servers(mesh, proxy_class, name)
    if not servers:
        return None
    outbound = scope.outbound_scope(mesh, proxy_class)
    found = hosts(mesh, proxy_class, name)
    parts = [_frame(name)]
    parts += [virtual_host(mesh, outbound, host) for host in found]
    if not found:
        parts.append(_black_hole(servers[0].number))
    return b"".join(parts)


def _frame(name: str) -> bytes:
    made = types.RouteConfiguration(name=name, ignore_port_in_host_matching=True)
    made.validate_clusters.value = False
    made.max_direct_response_body_size_bytes.value = MAX_DIRECT_RESPONSE_BYTES
    made.request_headers_to_remove.extend(PEER_HEADERS)
    return messages.serialize(made)


def _black_hole(number: int) -> bytes:
    made = types.RouteConfiguration()
    made.virtual_hosts.add(name=f"blackhole:{number}", domains=["*"])
    return messages.serialize(made)


@derived
def hosts(mesh: Mesh, proxy_class: ProxyClass, name: str) -> tuple[GatewayHost, ...]:
    """Which hosts the route configuration has, by name, and where their routes come from."""
    numbers: dict[str, int] = {}
    sources: dict[str, dict[RouteSource, None]] = {}
    redirected: set[str] = set()
    quic = gateway_quic.is_wanted(proxy_class) and name.startswith("https.")
    for server in gateway.route_servers(mesh, proxy_class, name):
        bound = _bound(mesh, proxy_class, server)
        for host, source in bound:
            numbers.setdefault(host, server.number)
            sources.setdefault(host, {})[source] = None
        if server.server.tls is not None and server.server.tls.https_redirect:
            for host in (*_own_hosts(server), *(host for host, _ in bound)):
                numbers.setdefault(host, server.number)
                redirected.add(host)
    return tuple(
        GatewayHost(
            host,
            numbers[host],
            host in redirected,
            gateway_quic.alt_svc(numbers[host]) if quic else "",
            tuple(sources.get(host, ())),
        )
        for host in sorted(numbers, key=lambda host: f"{host}:")
    )


def _bound(
    mesh: Mesh, proxy_class: ProxyClass, server: GatewayServer
) -> list[tuple[str, RouteSource]]:
    found = []
    for each in virtual_service.gateway_virtual_services(
        mesh, server.gateway, proxy_class.namespace
    ):
        if each.http:
            source = RouteSource(each.key, server.gateway, server.number, server.is_tls)
            found += [(host.lower(), source) for host in gateway.routed_hosts(server, each)]
    return found


def _own_hosts(server: GatewayServer) -> list[str]:
    return [host.rpartition("/")[2].lower() for host in server.hosts]


@derived
def virtual_host(mesh: Mesh, outbound: OutboundScope, host: GatewayHost) -> bytes:
    """A RouteConfiguration of nothing but this virtual host: such parts join by concatenation."""
    bound = [bound_routes(mesh, outbound, source) for source in host.sources]
    made = types.VirtualHost(name=f"{host.host}:{host.number}", domains=[host.host])
    made.include_request_attempt_count = not outbound.traits.hides_attempts
    if host.requires_tls:
        made.require_tls = made.ALL
    if host.alt_svc:
        added = made.response_headers_to_add.add(append_action="OVERWRITE_IF_EXISTS_OR_ADD")
        added.header.key, added.header.value = "alt-svc", host.alt_svc
    parts = [messages.serialize(made)]
    parts += [routes.plain for routes in bound]
    parts += [routes.catch_all for routes in bound]
    return wire.embedded(VIRTUAL_HOSTS, b"".join(parts))


@derived
def bound_routes(mesh: Mesh, outbound: OutboundScope, source: RouteSource) -> BoundRoutes:
    """The same for all hosts of the VirtualService."""
    bound = virtual_service.routed(mesh, source.virtual_service)
    if bound is None:
        return BoundRoutes()
    plain: list[bytes] = []
    catch_all: list[bytes] = []
    for route in http_routes(
        mesh,
        outbound,
        bound,
        port=source.port,
        gateways=frozenset((f"{source.gateway.namespace}/{source.gateway.name}",)),
        is_tls=source.is_tls,
    ):
        kind = catch_all if is_catch_all(route.match) else plain
        kind.append(wire.embedded(ROUTES, messages.serialize(route)))
    return BoundRoutes(b"".join(plain), b"".join(catch_all))
