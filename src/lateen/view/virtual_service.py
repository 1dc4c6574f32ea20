"""VirtualServices as routing needs them, and which of them owns a host.

Names are resolved here: hosts, destinations and mirrors are FQDNs, gateways `namespace/name` (or
`mesh`), delegates are merged into the routes of their parent.
"""

from dataclasses import dataclass

from lateen.api.resource import Key
from lateen.api.virtual_service import HTTPRoute, TCPRoute, TLSRoute
from lateen.base.incremental import derived
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope

MESH = "mesh"  # the gateway name that means all sidecars


@dataclass(frozen=True, slots=True)
class RoutedVirtualService:
    key: Key
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    export_to: frozenset[str]  # `*`, or namespaces (`.` resolved); empty: nobody
    http: tuple[HTTPRoute, ...] = ()
    tls: tuple[TLSRoute, ...] = ()
    tcp: tuple[TCPRoute, ...] = ()
    age: tuple[str, str, str] = ("", "", "")
    annotations: tuple[tuple[str, str], ...] = ()


@derived
def routed(mesh: Mesh, key: Key) -> RoutedVirtualService | None:
    """One VirtualService with names resolved and delegates merged; None: absent or a delegate."""
    raise NotImplementedError


@derived
def virtual_service_for(
    mesh: Mesh, scope: OutboundScope, index: int, hostname: str
) -> RoutedVirtualService | None:
    """The one that owns the hostname on sidecars: most specific host first, then the oldest.

    `index` is the egress listener's.
    """
    raise NotImplementedError


@derived
def virtual_services(
    mesh: Mesh, scope: OutboundScope, index: int
) -> tuple[RoutedVirtualService, ...]:
    """All that the egress listener imports for sidecars, in age order."""
    raise NotImplementedError


@derived
def gateway_virtual_services(
    mesh: Mesh, gateway: Key, proxy_namespace: str
) -> tuple[RoutedVirtualService, ...]:
    """All bound to the Gateway and exported to the proxy's namespace, in age order."""
    raise NotImplementedError
