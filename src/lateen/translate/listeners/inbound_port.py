"""The ports of a workload that its proxy serves: those of its services, or of its Sidecar.

A port of the workload belongs to the oldest service that targets it. A Sidecar with ingress
listeners replaces them all. Everything else that arrives passes through.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lateen.api.gateway import ServerTLSSettings
from lateen.api.resource import Key
from lateen.api.sidecar import CaptureMode, IstioIngressListener
from lateen.base.incremental import derived
from lateen.catalog.service import Protocol, Service
from lateen.translate import names
from lateen.translate.families import anywhere
from lateen.view import authentication, scope, workload
from lateen.view.authentication import MutualTLSMode
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass
from lateen.view.workload import ServiceInstance

PRIVILEGED = 1024
PROTOCOLS = {protocol.value.upper(): protocol for protocol in Protocol}


@dataclass(frozen=True, slots=True)
class InboundPort:
    """One port. `port` 0 (or any, with `is_passthrough`): not of a service, sent on as it came."""

    port: int  # of the workload: what clients of the pod connect to
    protocol: Protocol
    mode: MutualTLSMode
    cluster: str
    bind: str = "0.0.0.0"  # where a listener of its own is bound; names it otherwise
    is_bound: bool = False  # a listener of its own instead of a chain of virtualInbound
    is_passthrough: bool = False
    host: str = ""  # what the traffic is called in traces
    service_port: int = 0
    service: Service | None = None
    tls: ServerTLSSettings | None = None  # of a Sidecar's ingress listener
    source: Key | None = None

    @property
    def name(self) -> str:
        return f"{self.bind}_{self.port}"


@derived
def inbound_ports(mesh: Mesh, proxy_class: ProxyClass) -> tuple[InboundPort, ...]:
    """By port, one each."""
    ingress = workload.ingress_listeners(mesh, proxy_class)
    found = _ingress(mesh, proxy_class, ingress) if ingress else _services(mesh, proxy_class)
    by_port: dict[int, InboundPort] = {}
    for each in found:
        if not (each.is_bound and proxy_class.unprivileged and each.port < PRIVILEGED):
            by_port.setdefault(each.port, each)
    return tuple(by_port[port] for port in sorted(by_port))


@derived
def passthrough_ports(mesh: Mesh, proxy_class: ProxyClass) -> tuple[InboundPort, ...]:
    """All that no service has: first any port, then those with an mTLS mode of their own."""
    modes = authentication.port_modes(mesh, proxy_class.namespace, proxy_class.labels)
    served = {each.port for each in inbound_ports(mesh, proxy_class)}
    ports = [0, *(port for port, _ in modes if port not in served)]
    return tuple(
        InboundPort(
            port=port,
            protocol=Protocol.UNSUPPORTED,
            mode=_mode(mesh, proxy_class, port),
            cluster=names.INBOUND_PASSTHROUGH_CLUSTER,
            is_passthrough=True,
            service_port=port,
        )
        for port in ports
    )


def _mode(mesh: Mesh, proxy_class: ProxyClass, port: int) -> MutualTLSMode:
    return authentication.peer_mode(mesh, proxy_class.namespace, proxy_class.labels, port)


def _services(mesh: Mesh, proxy_class: ProxyClass) -> Iterator[InboundPort]:
    binds = proxy_class.interception is Interception.NONE
    for instance in workload.workload_services(mesh, proxy_class):
        if instance.port.protocol is not Protocol.UDP:
            yield _service_port(mesh, proxy_class, instance, binds)


def _service_port(
    mesh: Mesh, proxy_class: ProxyClass, instance: ServiceInstance, binds: bool
) -> InboundPort:
    return InboundPort(
        port=instance.target_port,
        protocol=instance.port.protocol,
        mode=_mode(mesh, proxy_class, instance.target_port),
        cluster=names.inbound_cluster(instance.target_port),
        bind=own_address(proxy_class) if binds else anywhere(proxy_class.families),
        is_bound=binds,
        host=instance.service.hostname,
        service_port=instance.port.number,
        service=instance.service,
        source=instance.service.source,
    )


def _ingress(
    mesh: Mesh, proxy_class: ProxyClass, listeners: tuple[IstioIngressListener, ...]
) -> Iterator[InboundPort]:
    sidecar = scope.outbound_scope(mesh, proxy_class).sidecar
    host = f"{sidecar.name}.{sidecar.namespace}" if sidecar else ""
    for listener in listeners:
        if listener.port is None:
            continue
        port = listener.port.number
        captured = proxy_class.interception is not Interception.NONE
        if listener.capture_mode is CaptureMode.NONE:
            captured = False
        yield InboundPort(
            port=port,
            protocol=PROTOCOLS.get(listener.port.protocol.upper(), Protocol.UNSUPPORTED),
            mode=_mode(mesh, proxy_class, port),
            cluster=names.inbound_cluster(port),
            bind=listener.bind or own_address(proxy_class),
            is_bound=not captured,
            host=host,
            service_port=port,
            tls=listener.tls,
            source=sidecar,
        )


def own_address(proxy_class: ProxyClass) -> str:
    return proxy_class.addresses[0] if proxy_class.addresses else anywhere(proxy_class.families)
