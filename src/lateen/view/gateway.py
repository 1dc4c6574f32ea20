"""The Gateways that select a router, merged per port.

Servers of one bind and port: plain HTTP servers share a route table; TLS servers coexist by SNI;
where they conflict the oldest Gateway wins, and `view.conflicts` tells what was left out.
"""

from dataclasses import dataclass

from lateen.api.gateway import Server
from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.catalog.service import Protocol
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.virtual_service import RoutedVirtualService


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
    is_tls: bool  # HTTPS, TLS, or any protocol with a `tls` block that terminates or passes through


@dataclass(frozen=True, slots=True)
class GatewayListener:
    """The servers of one bind and port. `is_http`: plain HTTP, one chain; else one chain each."""

    bind: str
    port: int
    is_http: bool
    servers: tuple[GatewayServer, ...]  # oldest Gateway first


@derived
def gateways(mesh: Mesh, proxy_class: ProxyClass) -> tuple[Key, ...]:
    """Which Gateways select the proxy, in age order."""
    raise NotImplementedError


@derived
def gateway_listeners(mesh: Mesh, proxy_class: ProxyClass) -> tuple[GatewayListener, ...]:
    """By port and bind."""
    raise NotImplementedError


@derived
def gateway_servers(mesh: Mesh, proxy_class: ProxyClass) -> tuple[GatewayServer, ...]:
    raise NotImplementedError


@derived
def route_servers(
    mesh: Mesh, proxy_class: ProxyClass, route_name: str
) -> tuple[GatewayServer, ...]:
    """The servers that share the route configuration of that name."""
    raise NotImplementedError


def routed_hosts(server: GatewayServer, virtual_service: RoutedVirtualService) -> tuple[str, ...]:
    """Hosts that the server serves by this VirtualService: the intersection of both, in order."""
    raise NotImplementedError
