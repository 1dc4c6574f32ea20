"""The Gateways that select a router, merged per port.

Servers of one bind and port: plain HTTP servers share a route table; TLS servers coexist by SNI;
where they conflict the oldest Gateway wins, and `rejected_servers` tells what was left out. The
port of a server is one of the gateway's service; the proxy listens on that port's target.
"""

from dataclasses import dataclass, field

from lateen.api.gateway import Gateway, Server, TLSmode
from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.catalog import protocol
from lateen.catalog.service import Protocol
from lateen.view import hosts, ownership
from lateen.view.mesh import Mesh
from lateen.view.names import split_host
from lateen.view.proxy import ProxyClass
from lateen.view.selection import Labels, selects
from lateen.view.virtual_service import RoutedVirtualService
from lateen.view.workload import ServiceInstance, workload_services

PASSTHROUGH = (TLSmode.PASSTHROUGH, TLSmode.AUTO_PASSTHROUGH)
# Gateways made from other kinds name their services instead of selecting pods by label.
GATEWAY_SERVICE = "internal.istio.io/gateway-service"
PARENT_NAMESPACE = "internal.istio.io/parent-namespace"  # where those services are, if elsewhere


@dataclass(frozen=True, slots=True)
class GatewayServer:
    gateway: Key
    index: int  # place in `spec.servers`
    server: Server
    number: int  # as the Gateway writes it: a port of the gateway's service
    port: int  # what the proxy listens on: the service's target port
    protocol: Protocol
    bind: str  # empty: all addresses
    hosts: tuple[str, ...]  # `namespace/host`, `.` resolved, `*/host` when no namespace was given
    route_name: str  # `http.80`, `https.443.https.gw.ns`; empty: no HTTP routes (TCP, passthrough)
    is_tls: bool  # terminates or passes through TLS

    @property
    def is_http(self) -> bool:
        """Requests are routed: plain HTTP, or HTTPS that ends here."""
        return bool(self.route_name)

    @property
    def is_passthrough(self) -> bool:
        return self.is_tls and self.server.tls is not None and self.server.tls.mode in PASSTHROUGH


@dataclass(frozen=True, slots=True)
class GatewayListener:
    """The servers of one bind and port. `is_http`: plain HTTP, one chain; else one chain each."""

    bind: str
    port: int
    is_http: bool
    servers: tuple[GatewayServer, ...]  # oldest Gateway first


@dataclass(frozen=True, slots=True)
class RejectedServer:
    server: GatewayServer
    reason: str
    winner: Key  # the Gateway whose server stays


@dataclass(slots=True)
class Merge:
    """Servers accepted so far. Owned by `_merged`, which adds them oldest Gateway first."""

    accepted: list[GatewayServer] = field(default_factory=list)
    rejected: list[RejectedServer] = field(default_factory=list)
    plain: dict[tuple[int, str], GatewayServer] = field(default_factory=dict)
    encrypted: dict[tuple[int, str], GatewayServer] = field(default_factory=dict)
    names: dict[tuple[int, str, str], GatewayServer] = field(  # port, bind, host of TLS servers
        default_factory=dict
    )

    def add(self, server: GatewayServer) -> None:
        conflict = self._conflict(server)
        if conflict is not None:
            winner, reason = conflict
            self.rejected.append(RejectedServer(server, reason, winner.gateway))
            return
        place = (server.port, server.bind)
        self.accepted.append(server)
        if server.is_tls:
            self.encrypted.setdefault(place, server)
        else:
            self.plain.setdefault(place, server)
        if server.server.tls is not None:
            self.names.update(((*place, host), server) for host in server.hosts)

    def _conflict(self, server: GatewayServer) -> tuple[GatewayServer, str] | None:
        """Which server leaves this one no room, and how."""
        place = (server.port, server.bind)
        if server.server.tls is not None:
            taken = [host for host in server.hosts if (*place, host) in self.names]
            if taken:
                host = taken[0].partition("/")[2]
                winner = self.names[(*place, taken[0])]
                return winner, f"host {host} is already served with TLS on this port"
        first = self.plain.get(place)
        if first is not None and not (first.is_http and server.is_http and not server.is_tls):
            return first, f"port {server.port} already serves {first.protocol}"
        if first is None and place in self.encrypted and not server.is_tls:
            return self.encrypted[place], f"port {server.port} already serves TLS"
        if server.is_tls and server.is_http:
            same = (item for item in self.accepted if item.route_name == server.route_name)
            twin = next(same, None)
            if twin is not None:
                name = server.route_name.split(".")[2]
                return twin, f"port name {name} is used twice in the Gateway"
        return None


@derived
def gateways(mesh: Mesh, proxy_class: ProxyClass) -> tuple[Key, ...]:
    """Which Gateways select the proxy by its labels, in age order."""
    return tuple(
        key
        for key in selecting(mesh, proxy_class.labels)
        if ownership.may_run_on(mesh, key, proxy_class.namespace)
    )


@derived
def selecting(mesh: Mesh, labels: Labels) -> tuple[Key, ...]:
    found: dict[Key, Resource[Gateway]] = {}
    for row in ((), *labels):
        for key in mesh.index.keys("gateway", *row):
            resource = mesh.resource(key)
            if resource is not None and selects(resource.spec.selector, labels):
                found[key] = resource
    return tuple(sorted(found, key=lambda key: found[key].age))


@derived
def gateway_listeners(mesh: Mesh, proxy_class: ProxyClass) -> tuple[GatewayListener, ...]:
    """By port and bind."""
    places: dict[tuple[int, str], list[GatewayServer]] = {}
    for server in gateway_servers(mesh, proxy_class):
        places.setdefault((server.port, server.bind), []).append(server)
    return tuple(
        GatewayListener(
            bind=bind,
            port=port,
            is_http=servers[0].is_http and not servers[0].is_tls,
            servers=tuple(servers),
        )
        for (port, bind), servers in sorted(places.items())
    )


@derived
def gateway_servers(mesh: Mesh, proxy_class: ProxyClass) -> tuple[GatewayServer, ...]:
    """Those that take effect, oldest Gateway first."""
    return _merged(mesh, proxy_class)[0]


@derived
def rejected_servers(mesh: Mesh, proxy_class: ProxyClass) -> tuple[RejectedServer, ...]:
    """Those that conflict with an older one."""
    return _merged(mesh, proxy_class)[1]


@derived
def route_servers(
    mesh: Mesh, proxy_class: ProxyClass, route_name: str
) -> tuple[GatewayServer, ...]:
    """The servers that share the route configuration of that name."""
    return _by_route(mesh, proxy_class).get(route_name, ())


@derived
def _by_route(mesh: Mesh, proxy_class: ProxyClass) -> dict[str, tuple[GatewayServer, ...]]:
    found: dict[str, list[GatewayServer]] = {}
    for server in gateway_servers(mesh, proxy_class):
        if server.route_name:
            found.setdefault(server.route_name, []).append(server)
    return {name: tuple(servers) for name, servers in found.items()}


def routed_hosts(server: GatewayServer, virtual_service: RoutedVirtualService) -> tuple[str, ...]:
    """Hosts that the server serves by this VirtualService: the intersection of both, in order."""
    found: dict[str, None] = {}
    for written in server.hosts:
        namespace, _, served = written.partition("/")
        if namespace not in ("*", virtual_service.key.namespace):
            continue
        for host in virtual_service.hosts:
            if hosts.is_subset(served, host):
                found[served] = None
            elif hosts.is_subset(host, served):
                found[host] = None
    return tuple(found)


@derived
def _merged(
    mesh: Mesh, proxy_class: ProxyClass
) -> tuple[tuple[GatewayServer, ...], tuple[RejectedServer, ...]]:
    instances = workload_services(mesh, proxy_class)
    merge = Merge()
    for key in gateways(mesh, proxy_class):
        resource = mesh.resource(key)
        if resource is None:
            continue
        for index, server in enumerate(resource.spec.servers):
            if server.port is None:
                continue
            for port in _target_ports(resource, server.port.number, instances):
                merge.add(server_of(resource, index, server, port))
    return tuple(merge.accepted), tuple(merge.rejected)


def _target_ports(
    resource: Resource[Gateway], number: int, instances: tuple[ServiceInstance, ...]
) -> tuple[int, ...]:
    """What the proxy listens on: the first service decides; without one, the number itself."""
    written = resource.meta.annotations.get(GATEWAY_SERVICE)
    if written is None:
        found = (item.target_port for item in instances if item.port.number == number)
        return (next(found, number),)
    named = frozenset(name.strip() for name in written.split(","))
    namespace = resource.meta.annotations.get(PARENT_NAMESPACE, resource.namespace)
    return tuple(
        sorted(
            {
                item.target_port
                for item in instances
                if item.port.number == number
                and item.service.hostname in named
                and item.service.namespace == namespace
            }
        )
    )


def server_of(resource: Resource[Gateway], index: int, server: Server, port: int) -> GatewayServer:
    """One server of a Gateway, listening on `port`."""
    assert server.port is not None
    speaks = protocol.parse(server.port.protocol)
    return GatewayServer(
        gateway=resource.key,
        index=index,
        server=server,
        number=server.port.number,
        port=port,
        protocol=speaks,
        bind=server.bind,
        hosts=tuple("/".join(split_host(host, resource.namespace)) for host in server.hosts),
        route_name=_route_name(resource, server, speaks, port),
        is_tls=server.tls is not None and not speaks.is_http,
    )


def _route_name(resource: Resource[Gateway], server: Server, speaks: Protocol, port: int) -> str:
    bind = f".{server.bind}" if server.bind else ""
    if speaks.is_http:
        return f"http.{port}{bind}"
    if speaks is not Protocol.HTTPS or server.tls is None or server.tls.mode in PASSTHROUGH:
        return ""
    assert server.port is not None
    number, name = server.port.number, server.port.name
    return f"https.{number}.{name}.{resource.name}.{resource.namespace}{bind}"
