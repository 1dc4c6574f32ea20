"""What one class of proxies may see of the mesh outbound: services, by egress listener."""

from dataclasses import dataclass

from lateen.api.mesh_config import MeshConfig
from lateen.api.resource import Key
from lateen.api.sidecar import OutboundTrafficPolicy, SidecarPort
from lateen.base.incremental import derived
from lateen.catalog.service import Locality, Service
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass, ProxyKind


@dataclass(frozen=True, slots=True)
class OutboundScope:
    """The part of a ProxyClass that outbound configuration depends on. Hashable.

    `labels` has only the labels that some VirtualService's sourceLabels or DestinationRule's
    workloadSelector asks for; `node` is empty unless some service keeps traffic on the node.
    """

    kind: ProxyKind = ProxyKind.SIDECAR
    namespace: str = "default"
    sidecar: Key | None = None  # the Sidecar resource that governs; None: everything exported
    labels: tuple[tuple[str, str], ...] = ()
    cluster: str = "Kubernetes"
    network: str = ""
    locality: Locality = Locality()
    node: str = ""

    def anywhere(self) -> "OutboundScope":
        """The same without the place: for what does not depend on locality and node."""
        raise NotImplementedError

    def label(self, name: str) -> str | None:
        return next((value for key, value in self.labels if key == name), None)


@dataclass(frozen=True, slots=True)
class EgressListener:
    """One entry of `Sidecar.egress`, or the implicit one that imports everything.

    Explicit ones (with a port) come first; the one without a port is last: `is_catch_all`.
    """

    index: int
    hosts: tuple[str, ...]  # `namespace/host`; `.` resolved to the Sidecar's namespace
    port: SidecarPort | None = None
    bind: str = ""
    capture_mode: str = "DEFAULT"  # DEFAULT, IPTABLES, NONE

    @property
    def is_catch_all(self) -> bool:
        return self.port is None


@derived
def outbound_scope(mesh: Mesh, proxy_class: ProxyClass) -> OutboundScope:
    raise NotImplementedError


@derived
def egress_listeners(mesh: Mesh, scope: OutboundScope) -> tuple[EgressListener, ...]:
    raise NotImplementedError


@derived
def listener_services(mesh: Mesh, scope: OutboundScope, index: int) -> tuple[Service, ...]:
    """Visible through that egress listener: one per hostname, in age order.

    A listener with a port sees services reduced to that port (HTTP_PROXY listeners: all ports).
    """
    raise NotImplementedError


@derived
def services(mesh: Mesh, scope: OutboundScope) -> tuple[Service, ...]:
    """All that the scope can reach, one per hostname, in age order: what becomes clusters.

    The union of the listeners and of the destinations that imported VirtualServices name.
    """
    raise NotImplementedError


@derived
def find_service(mesh: Mesh, scope: OutboundScope, hostname: str) -> Service | None:
    """The one of `services` with this hostname."""
    raise NotImplementedError


@derived
def outbound_traffic_policy(mesh: Mesh, scope: OutboundScope) -> OutboundTrafficPolicy:
    """Effective: the Sidecar's, else the mesh's. `mode` is always set."""
    raise NotImplementedError
