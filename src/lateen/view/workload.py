"""What a proxy's own workload serves: the input of inbound listeners."""

from dataclasses import dataclass

from lateen.api.sidecar import IstioIngressListener
from lateen.base.incremental import derived
from lateen.catalog.service import Port, Service
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass


@dataclass(frozen=True, slots=True)
class ServiceInstance:
    """One port of a service that the workload serves, at `target_port` of the workload."""

    service: Service
    port: Port
    target_port: int


@derived
def workload_services(mesh: Mesh, proxy_class: ProxyClass) -> tuple[ServiceInstance, ...]:
    """Oldest service first, then by port; one instance for each service and port."""
    raise NotImplementedError


@derived
def ingress_listeners(mesh: Mesh, proxy_class: ProxyClass) -> tuple[IstioIngressListener, ...]:
    """Of the Sidecar that governs the proxy; when there are any they replace the service ports."""
    raise NotImplementedError
