"""Which outbound listeners a sidecar has, and what each serves, before any of them is built.

    service, port, protocol  ->  address to listen on  ->  one ListenerPlan per address and port

    HTTP       0.0.0.0, shared by all services of the port; told apart by the Host header
    TCP, TLS   the service's address; 0.0.0.0 when it has none or a range
    sniffed    as TCP, with an HTTP chain beside
    headless   TCP and sniffed: the address of each endpoint

Without capture (interception NONE) listeners bind 127.0.0.1. With a loopback index they bind the
service's own loopback address, HTTP too. A plan names routes and services; it changes only when
those do, so a service that joins an HTTP port leaves every listener as it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lateen.base.incremental import derived
from lateen.catalog import protocol
from lateen.catalog.service import Port, Protocol, Registry, Resolution, Service
from lateen.translate.addresses import is_address, service_addresses
from lateen.translate.families import anywhere, localhost
from lateen.translate.listeners.build import UNIX
from lateen.view import service as view_service
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass
from lateen.view.proxy_settings import relevant
from lateen.view.scope import EgressListener, OutboundScope, egress_listeners, listener_services

WILDCARDS = ("0.0.0.0", "::")
LOOPBACK_PREFIX = "127."
PRIVILEGED_BELOW = 1024
OWN_PORTS = frozenset((15021, 15090))  # Envoy's static listeners


@dataclass(frozen=True, slots=True)
class StreamService:
    """A service port that a listener forwards connection by connection."""

    index: int  # of the egress listener: which VirtualServices count
    hostname: str
    namespace: str
    port: int  # of the listener; 0 on a unix socket
    target_port: int  # of the service: names the cluster
    protocol: Protocol
    prefixes: tuple[str, ...] = ()  # the service's CIDRs, where the address does not tell it
    is_resolved: bool = False  # by the proxy, from the server name: DYNAMIC_DNS
    by_name: bool = False  # the listener's address does not tell the service; SNI does


@dataclass(frozen=True, slots=True)
class ListenerPlan:
    address: str  # an IP, or unix://PATH with port 0
    port: int
    is_bound: bool
    route: str = ""  # route configuration of the HTTP chain; "": no HTTP
    is_grpc_web: bool = False
    streams: tuple[StreamService, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.address}_{self.port}" if self.port else self.address

    @property
    def is_wildcard(self) -> bool:
        return self.address in WILDCARDS


@dataclass(frozen=True, slots=True)
class _Place:
    """Where listeners of one egress listener go."""

    listener: EgressListener
    is_bound: bool
    address: str  # "": each service's own


def narrowed(proxy_class: ProxyClass) -> ProxyClass:
    """The class reduced to what outbound listeners depend on, besides its scope."""
    return ProxyClass(
        interception=proxy_class.interception,
        dns_capture=proxy_class.dns_capture,
        dns_auto_allocate=proxy_class.dns_auto_allocate,
        http10=proxy_class.http10,
        http_proxy_port=proxy_class.http_proxy_port,
        unprivileged=proxy_class.unprivileged,
        ipv4=proxy_class.ipv4,
        ipv6=proxy_class.ipv6,
        dual_stack=proxy_class.dual_stack,
        addresses=proxy_class.addresses,
        loopback_index=proxy_class.loopback_index,
        dns_domain=proxy_class.dns_domain,
        settings=relevant(proxy_class),
    )


@derived
def plans(mesh: Mesh, scope: OutboundScope, client: ProxyClass) -> Mapping[str, ListenerPlan]:
    """By listener name, sorted. `client` is `narrowed`."""
    found: dict[tuple[str, int], ListenerPlan] = {}
    for listener in egress_listeners(mesh, scope):
        place = _place(listener, client)
        locked = frozenset(found) if listener.is_catch_all else frozenset()
        for each in _wanted(mesh, scope, client, place):
            key = (each.address, each.port)
            if key not in locked:  # ports that the user listed are not added to
                found[key] = _merged(found.get(key), each)
    return {plan.name: plan for plan in sorted(found.values(), key=lambda plan: plan.name)}


@derived
def plan(mesh: Mesh, scope: OutboundScope, client: ProxyClass, name: str) -> ListenerPlan | None:
    return plans(mesh, scope, client).get(name)


@derived
def headless_addresses(
    mesh: Mesh, hostname: str, namespace: str, port_name: str
) -> tuple[str, ...]:
    """Addresses of the endpoints of one port, sorted."""
    return tuple(
        sorted(
            {
                endpoint.address
                for endpoint in view_service.endpoints(mesh, hostname, namespace)
                if endpoint.service_port == port_name and is_address(endpoint.address)
            }
        )
    )


def _place(listener: EgressListener, client: ProxyClass) -> _Place:
    captured = client.interception is not Interception.NONE
    is_bound = not captured or listener.capture_mode == "NONE" or listener.bind.startswith(UNIX)
    if listener.bind:
        return _Place(listener, is_bound, listener.bind)
    if client.loopback_index and listener.is_catch_all:
        return _Place(listener, is_bound, "")
    if is_bound:
        return _Place(listener, is_bound, localhost(client.families))
    return _Place(listener, is_bound, "" if listener.is_catch_all else anywhere(client.families))


def _wanted(
    mesh: Mesh, scope: OutboundScope, client: ProxyClass, place: _Place
) -> Iterator[ListenerPlan]:
    """One plan for each service port and address, in age order of the services."""
    port = place.listener.port
    for service in listener_services(mesh, scope, place.listener.index):
        if service.resolution is Resolution.ALIAS:
            continue
        if port is not None:
            own = Port(port.name, port.number, protocol.parse(port.protocol))
            yield from _port_plans(mesh, client, place, service, own)
            continue
        for each in service.ports:
            yield from _port_plans(mesh, client, place, service, each)


def _port_plans(
    mesh: Mesh, client: ProxyClass, place: _Place, service: Service, port: Port
) -> Iterator[ListenerPlan]:
    if port.protocol is Protocol.UDP or not _can_bind(client, place, port.number):
        return
    if client.loopback_index and not place.address:
        yield from _loopback_plans(client, place, service, port)
    elif _is_http(port.protocol):
        yield _http(place, place.address or anywhere(client.families), port, str(port.number))
    else:
        for address, prefixes in _stream_addresses(mesh, client, place, service, port):
            yield _stream(client, place, address, service, port, prefixes)


def _loopback_plans(
    client: ProxyClass, place: _Place, service: Service, port: Port
) -> Iterator[ListenerPlan]:
    """Every service has an address of its own here, and it is this proxy's alone."""
    for address in service_addresses(service, client):
        if not address.startswith(LOOPBACK_PREFIX) or "/" in address:
            continue
        if _is_http(port.protocol):
            yield _http(place, address, port, f"{service.hostname}:{port.number}")
        else:
            yield _stream(client, place, address, service, port, ())


def _stream_addresses(
    mesh: Mesh, client: ProxyClass, place: _Place, service: Service, port: Port
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where to listen for a port that is not plain HTTP, and the CIDRs to take there."""
    if place.address:
        yield place.address, ()
        return
    addresses = [_without_full_length(each) for each in service_addresses(service, client)]
    if not addresses and service.resolution is Resolution.PASSTHROUGH:
        pods = headless_addresses(mesh, service.hostname, service.namespace, port.name)
        if pods or service.registry is Registry.KUBERNETES or service.selector:
            for address in pods:
                if address not in client.addresses[:1]:  # its own: calls do not pass here
                    yield address, ()
            return
    for address in addresses:
        if "/" not in address:
            yield address, ()
    prefixes = tuple(address for address in addresses if "/" in address)
    if prefixes or not addresses:
        yield anywhere(client.families), prefixes


def _http(place: _Place, address: str, port: Port, route: str) -> ListenerPlan:
    is_unix = address.startswith(UNIX)
    return ListenerPlan(
        address=address,
        port=0 if is_unix else port.number,
        is_bound=place.is_bound,
        route=address if is_unix else route,
        is_grpc_web=port.protocol is Protocol.GRPC_WEB,
    )


def _stream(
    client: ProxyClass,
    place: _Place,
    address: str,
    service: Service,
    port: Port,
    prefixes: tuple[str, ...],
) -> ListenerPlan:
    number = 0 if address.startswith(UNIX) else port.number
    only = service.ports[0].number if len(service.ports) == 1 else port.number
    shares_address = address == (place.address or anywhere(client.families))
    stream = StreamService(
        index=place.listener.index,
        hostname=service.hostname,
        namespace=service.namespace,
        port=number,
        target_port=only,
        protocol=port.protocol,
        prefixes=prefixes,
        is_resolved=service.resolution is Resolution.DYNAMIC_DNS and port.protocol.is_tls,
        by_name=bool(prefixes) or (shares_address and not service_addresses(service, client)),
    )
    made = ListenerPlan(address, number, place.is_bound, streams=(stream,))
    if not port.protocol.is_sniffed:
        return made
    is_own = not shares_address
    route = f"{service.hostname}:{port.number}" if is_own else str(port.number)
    return replace(made, route=route if number else address)


def _merged(first: ListenerPlan | None, other: ListenerPlan) -> ListenerPlan:
    """HTTP and streams share a listener; which of two equal chains stays is decided when built."""
    if first is None:
        return other
    if not other.streams and (first.route or not other.route):
        return first  # the common case: one more service of an HTTP port
    return replace(
        first,
        route=first.route or other.route,
        is_grpc_web=first.is_grpc_web or other.is_grpc_web,
        streams=first.streams + other.streams,
    )


def _is_http(wanted: Protocol) -> bool:
    return wanted.is_http or wanted is Protocol.HTTP_PROXY


def _can_bind(client: ProxyClass, place: _Place, port: int) -> bool:
    if not place.is_bound:
        return True
    if port in OWN_PORTS:
        return False
    return not (client.unprivileged and 0 < port < PRIVILEGED_BELOW)


def _without_full_length(address: str) -> str:
    """A range of one address is that address."""
    if ":" in address:
        return address.removesuffix("/128")
    return address.removesuffix("/32")
