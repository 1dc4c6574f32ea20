"""What a proxy's own workload serves: the input of inbound listeners.

A service is served by a workload that its selector selects, or, when it has no selector, by one
that has an address among its endpoints. Ingress listeners of the Sidecar resource, when there are
any, take the place of all this.
"""

from dataclasses import dataclass

from lateen.api.resource import Key
from lateen.api.sidecar import IstioIngressListener
from lateen.base.incremental import derived
from lateen.catalog.kubernetes_service import hostname
from lateen.catalog.service import Port, Protocol, Registry, Service
from lateen.view import service
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import find_sidecar
from lateen.view.proxy import ProxyClass
from lateen.view.selection import Labels, selects


@dataclass(frozen=True, slots=True)
class ServiceInstance:
    """One port of a service that the workload serves, at `target_port` of the workload."""

    service: Service
    port: Port
    target_port: int


@derived
def workload_services(mesh: Mesh, proxy_class: ProxyClass) -> tuple[ServiceInstance, ...]:
    """Oldest service first, then by port; one instance for each service and port."""
    return instances(mesh, proxy_class.namespace, proxy_class.labels, proxy_class.addresses)


@derived
def ingress_listeners(mesh: Mesh, proxy_class: ProxyClass) -> tuple[IstioIngressListener, ...]:
    """Of the Sidecar that governs the proxy; when there are any they replace the service ports."""
    key = find_sidecar(mesh, proxy_class.namespace, proxy_class.labels)
    found = mesh.resource(key) if key is not None else None
    return found.spec.ingress if found is not None else ()


@derived
def instances(
    mesh: Mesh, namespace: str, labels: Labels, addresses: tuple[str, ...]
) -> tuple[ServiceInstance, ...]:
    found: dict[tuple[str, int], ServiceInstance] = {}
    for item in selecting(mesh, namespace, labels):
        for instance in _by_selector(mesh, item, labels):
            found.setdefault((item.hostname, instance.port.number), instance)
    for address in addresses:
        for instance in by_address(mesh, namespace, address):
            found.setdefault((instance.service.hostname, instance.port.number), instance)
    return tuple(
        sorted(
            found.values(),
            key=lambda item: (item.service.age, item.service.hostname, item.port.number),
        )
    )


@derived
def selecting(mesh: Mesh, namespace: str, labels: Labels) -> tuple[Service, ...]:
    """Services of the namespace whose selector selects a workload with these labels."""
    found: dict[str, Service] = {}
    for label, value in labels:
        for key in mesh.index.keys("selector", namespace, label, value):
            for host in _hosts(mesh, key):
                item = service.service(mesh, host, namespace)
                if item is not None and item.selector and selects(dict(item.selector), labels):
                    found[host] = item
    return tuple(found.values())


@derived
def by_address(mesh: Mesh, namespace: str, address: str) -> tuple[ServiceInstance, ...]:
    """Services without a selector that have an endpoint of the namespace's workload there."""
    found = []
    for key in mesh.index.keys("address", address):
        for host in _addressed_hosts(mesh, key, namespace):
            item = service.service(mesh, host, key.namespace)
            if item is None or item.selector:
                continue
            for endpoint in service.endpoints(mesh, host, key.namespace):
                port = item.port_named(endpoint.service_port)
                if endpoint.address == address and port is not None and _is_served(port):
                    found.append(ServiceInstance(item, port, endpoint.port))
    return tuple(found)


def _by_selector(mesh: Mesh, item: Service, labels: Labels) -> list[ServiceInstance]:
    return [
        ServiceInstance(item, port, number)
        for port in item.ports
        if _is_served(port) and (number := _target_port(mesh, item, port, labels)) is not None
    ]


def _is_served(port: Port) -> bool:
    return port.protocol is not Protocol.UDP


def _target_port(mesh: Mesh, item: Service, port: Port, labels: Labels) -> int | None:
    if item.registry is Registry.EXTERNAL:  # a workload may have a number of its own for the port
        own = named_port(mesh, item.namespace, labels, port.name)
        if own is not None:
            return own
    if port.target_port is None:
        return port.number
    if isinstance(port.target_port, int):
        return port.target_port
    return named_port(mesh, item.namespace, labels, port.target_port)


@derived
def named_port(mesh: Mesh, namespace: str, labels: Labels, name: str) -> int | None:
    """The number that pods with all these labels give to a container port."""
    for key in service.selected(mesh, namespace, labels):
        found = service.workload(mesh, key)
        number = found.port_named(name) if found is not None else None
        if number is not None:
            return number
    return None


def _hosts(mesh: Mesh, key: Key) -> tuple[str, ...]:
    """Hostnames that a Service or ServiceEntry defines."""
    if key.kind == "Service":
        return (hostname(key.name, key.namespace, mesh.domain),)
    resource = mesh.resource(key)
    return resource.spec.hosts if resource is not None else ()


def _addressed_hosts(mesh: Mesh, key: Key, namespace: str) -> tuple[str, ...]:
    """Hostnames to whose endpoints a resource that names an address belongs."""
    if key.kind == "ServiceEntry":
        return _hosts(mesh, key)
    if key.namespace != namespace:
        return ()
    if key.kind == "Endpoints":
        return (hostname(key.name, key.namespace, mesh.domain),)
    resource = mesh.resource(key)
    if key.kind == "EndpointSlice" and resource is not None:
        owner = resource.meta.labels.get("kubernetes.io/service-name")
        return (hostname(owner, key.namespace, mesh.domain),) if owner else ()
    return ()
