"""Route configurations of sidecars.

    80                         all services with that port; also of an explicit Sidecar listener
    host:7000                  one service, whatever the Host header says (its own address is bound)
    http_proxy                 all services and ports, for clients that use the proxy as a proxy
    unix:///path               an egress listener on a socket: all that it imports

A configuration is its head followed by the bytes of its virtual hosts.
"""

from lateen.base.incremental import Node, derived
from lateen.catalog import protocol
from lateen.catalog.service import Protocol
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.routes import host_table, virtual_host
from lateen.translate.routes.host_table import HostEntry
from lateen.translate.unknown_hosts import is_captured
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import without_source_labels
from lateen.view.proxy import ProxyClass
from lateen.view.scope import EgressListener, OutboundScope, egress_listeners, outbound_scope

MAX_DIRECT_RESPONSE_BYTES = 1 << 20
EVERY_DOMAIN = ("*",)


def cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    """The memo that all proxies of the class's scope share: ask again when the scope changes."""
    scope = outbound_scope(mesh, proxy_class).anywhere()
    captured = is_captured(proxy_class)
    return _configuration.node(mesh, scope, host_table.narrowed(proxy_class), captured, name)


@derived
def route_configuration(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    """None for a name that no listener of a sidecar can ask for."""
    scope = outbound_scope(mesh, proxy_class).anywhere()
    captured = is_captured(proxy_class)
    return _configuration(mesh, scope, host_table.narrowed(proxy_class), captured, name)


@derived
def _configuration(
    mesh: Mesh, scope: OutboundScope, client: ProxyClass, captured: bool, name: str
) -> bytes | None:
    hostname, _, number = name.rpartition(":")
    if hostname and number.isdecimal():
        return _of_one_service(mesh, scope, hostname, int(number))
    listener = _egress_listener(mesh, scope, name)
    if listener is None:
        return None
    if name.isdecimal() and not is_http_proxy(listener):
        entries = host_table.hosts(mesh, scope, client, listener.index, int(name))
    else:
        entries = host_table.all_hosts(mesh, scope, client, listener.index)
    parts = [_head(name, by_port=not name.isdecimal() or is_http_proxy(listener))]
    plain = without_source_labels(mesh, scope)
    parts += [_part(mesh, scope, plain, listener.index, entry) for entry in entries]
    if not any("*" in entry.domains for entry in entries):
        parts.append(virtual_host.catch_all_host(mesh, scope, captured))
    return b"".join(parts)


def is_http_proxy(listener: EgressListener) -> bool:
    """A Sidecar's port of protocol HTTP_PROXY serves all services and ports."""
    port = listener.port
    return port is not None and protocol.parse(port.protocol) is Protocol.HTTP_PROXY


def _egress_listener(mesh: Mesh, scope: OutboundScope, name: str) -> EgressListener | None:
    """The egress listener whose services the routes of that name lead to."""
    listeners = egress_listeners(mesh, scope)
    catch_all = next((each for each in listeners if each.is_catch_all), None)
    if name == names.HTTP_PROXY_ROUTE:
        proxies = (each for each in listeners if is_http_proxy(each))
        return catch_all or next(proxies, listeners[-1])
    if name.isdecimal():
        explicit = (
            each for each in listeners if each.port is not None and each.port.number == int(name)
        )
        return next(explicit, catch_all)
    return next((each for each in listeners if each.bind == name), None)


def _of_one_service(mesh: Mesh, scope: OutboundScope, hostname: str, port: int) -> bytes | None:
    """The listener's address tells the service, so every Host means it."""
    for listener in reversed(egress_listeners(mesh, scope)):  # the catch-all is the last
        services = host_table.port_services(mesh, scope, listener.index, port)
        if any(service.hostname == hostname for service in services):
            part = virtual_host.service_host(
                mesh, scope, listener.index, hostname, port, EVERY_DOMAIN
            )
            return _head(f"{hostname}:{port}", by_port=False) + part
    return None


def _part(
    mesh: Mesh, scope: OutboundScope, plain: OutboundScope, index: int, entry: HostEntry
) -> bytes:
    """`plain` is the scope without source labels: most hosts are the same for all of these."""
    if entry.virtual_service is None:
        host, port = entry.hostname, entry.port
        if scope is not plain and not virtual_host.asks_source_labels(
            mesh, plain, index, host, port
        ):
            scope = plain
        return virtual_host.service_host(mesh, scope, index, host, port, entry.domains)
    return (
        virtual_host.unregistered_host(
            mesh, scope, entry.virtual_service, entry.hostname, entry.port, entry.domains
        )
        or b""
    )


def _head(name: str, *, by_port: bool) -> bytes:
    """`by_port`: domains carry ports, so the one in the Host header has to count."""
    made = types.RouteConfiguration(name=name, ignore_port_in_host_matching=not by_port)
    made.validate_clusters.value = False
    made.max_direct_response_body_size_bytes.value = MAX_DIRECT_RESPONSE_BYTES
    return messages.serialize(made)
