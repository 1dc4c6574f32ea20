"""The services of the mesh by hostname and namespace, and what serves them.

    Service, ServiceEntry  ->  service(host, namespace)
    EndpointSlice | Endpoints | Pods, WorkloadEntries, inline  ->  endpoints(host, namespace)

Who may see a service is for `view.scope`.
"""

from dataclasses import replace

from lateen.api.kubernetes.service import ServiceSpec
from lateen.api.resource import Key, Resource
from lateen.api.service_entry import ServiceEntry
from lateen.base.incremental import derived
from lateen.catalog import endpoints as kubernetes_endpoints
from lateen.catalog import kubernetes_service, pod, service_entry, workload_entry
from lateen.catalog.service import Endpoint, Registry, Service
from lateen.catalog.workload import NETWORK, Workload
from lateen.view import networks
from lateen.view.mesh import Mesh
from lateen.view.selection import Labels, selects


@derived
def service(mesh: Mesh, hostname: str, namespace: str) -> Service | None:
    """The service of that hostname that the namespace defines, whoever may see it."""
    return next(iter(variants(mesh, hostname, namespace)), None)


@derived
def variants(mesh: Mesh, hostname: str, namespace: str) -> tuple[Service, ...]:
    """One for each set of namespaces that it is exported to, the oldest first.

    A Kubernetes Service is alone: it beats ServiceEntries. Among entries that are exported alike
    the oldest counts, and ports of the others are added when they resolve in the same way.
    """
    found = [
        made
        for key in mesh.index.keys("hostname", hostname, namespace)
        if (made := defined(mesh, key, hostname)) is not None
    ]
    found.sort(key=lambda made: (made.registry is not Registry.KUBERNETES, made.age))
    if len(found) < 2 or found[0].registry is Registry.KUBERNETES:
        return tuple(found[:1])
    groups: dict[frozenset[str], list[Service]] = {}
    for made in found:
        groups.setdefault(made.export_to, []).append(made)
    return tuple(_with_ports_of(first, others) for first, *others in groups.values())


@derived
def defined(mesh: Mesh, key: Key, hostname: str) -> Service | None:
    """What one Service or ServiceEntry says the hostname is."""
    resource = mesh.resource(key)
    if resource is None:
        return None
    allocated = mesh.allocated_address(f"{resource.namespace}/{hostname}")
    if isinstance(resource.spec, ServiceSpec):
        owner = mesh.resource(Key("Namespace", "", resource.namespace))
        return kubernetes_service.service(
            resource,
            domain=mesh.domain,
            allocated=allocated,
            of_namespace=owner.meta.annotations if owner is not None else {},
        )
    return service_entry.service(resource, hostname, allocated)


@derived
def namespaces(mesh: Mesh, hostname: str) -> tuple[str, ...]:
    """Which namespaces define the hostname, sorted."""
    return tuple(sorted({key.namespace for key in mesh.index.keys("namespaced host", hostname)}))


@derived
def hostnames(mesh: Mesh) -> tuple[tuple[str, str], ...]:
    """Every hostname and namespace that defines it, sorted."""
    return tuple((host, namespace) for host, namespace in mesh.index.rows("hostname"))


@derived
def endpoints(mesh: Mesh, hostname: str, namespace: str) -> tuple[Endpoint, ...]:
    """Of all ports (see Endpoint.service_port), sorted; of every resource that defines the host."""
    found = service(mesh, hostname, namespace)
    if found is None:
        return ()
    if found.registry is Registry.KUBERNETES:
        return tuple(sorted(_on_networks(mesh, _kubernetes(mesh, found)), key=_order))
    made: dict[tuple[str, int, str], Endpoint] = {}
    for key in mesh.index.keys("hostname", hostname, namespace):
        resource = mesh.resource(key)
        if resource is not None and isinstance(resource.spec, ServiceEntry):
            for endpoint in _on_networks(mesh, _of_entry(mesh, resource, hostname)):
                made.setdefault((endpoint.address, endpoint.port, endpoint.service_port), endpoint)
    return tuple(sorted(made.values(), key=_order))


@derived
def service_accounts(mesh: Mesh, hostname: str, namespace: str) -> tuple[str, ...]:
    """SPIFFE URIs that its endpoints run as, and its subjectAltNames; sorted."""
    found = service(mesh, hostname, namespace)
    if found is None:
        return ()
    accounts = {
        endpoint.service_account
        for endpoint in endpoints(mesh, hostname, namespace)
        if endpoint.service_account
    }
    return tuple(sorted(accounts.union(found.service_accounts)))


@derived
def workload(mesh: Mesh, key: Key) -> Workload | None:
    """Of a Pod or WorkloadEntry."""
    resource = mesh.resource(key)
    if resource is None:
        return None
    if key.kind == "WorkloadEntry":
        return workload_entry.workload(resource, mesh.place)
    node = mesh.resource(Key("Node", "", resource.spec.node_name))
    labels = node.meta.labels if node is not None and resource.spec.node_name else {}
    return pod.workload(resource, mesh.place, labels)


@derived
def selected(mesh: Mesh, namespace: str, selector: Labels) -> tuple[Key, ...]:
    """Pods and WorkloadEntries of the namespace with these labels; an empty selector: none.

    Reads the shortest of the label rows and only its members, so that a change of a workload
    reaches the selectors that could choose it and no others.
    """
    if not selector:
        return ()
    label, value = min(selector, key=lambda pair: mesh.index.size("workload", namespace, *pair))
    having = mesh.index.keys("workload", namespace, label, value)
    if len(selector) == 1:
        return having
    wanted = dict(selector)
    return tuple(key for key in having if selects(wanted, own_labels(mesh, key)))


@derived
def own_labels(mesh: Mesh, key: Key) -> Labels:
    """Labels of a Pod or WorkloadEntry as written."""
    resource = mesh.resource(key)
    if resource is None:
        return ()
    written = resource.spec.labels if key.kind == "WorkloadEntry" else {}
    return tuple(sorted({**written, **resource.meta.labels}.items()))


def _with_ports_of(first: Service, others: list[Service]) -> Service:
    ports = list(first.ports)
    for other in others:
        if other.resolution is first.resolution:
            known = {port.number for port in ports}
            ports += [port for port in other.ports if port.number not in known]
    if len(ports) == len(first.ports):
        return first
    return replace(first, ports=tuple(ports))


def _kubernetes(mesh: Mesh, found: Service) -> tuple[Endpoint, ...]:
    def find(address: str, name: str) -> Workload | None:
        if name:
            named = workload(mesh, Key("Pod", found.namespace, name))
            if named is not None:
                return named
        for key in mesh.index.keys("address", address):
            if key.kind in ("Pod", "WorkloadEntry") and key.namespace == found.namespace:
                return workload(mesh, key)
        return None

    chosen = selected(mesh, found.namespace, found.selector)
    entries = [key for key in chosen if key.kind == "WorkloadEntry"]
    beside = kubernetes_endpoints.of_workloads(found, _workloads(mesh, entries))
    slices = mesh.index.keys("slices", found.namespace, found.name)
    if slices:
        resources = [item for key in slices if (item := mesh.resource(key)) is not None]
        return kubernetes_endpoints.of_slices(found, resources, find, mesh.place) + beside
    written = mesh.resource(Key("Endpoints", found.namespace, found.name))
    if written is not None:
        return kubernetes_endpoints.of_endpoints(found, written, find, mesh.place) + beside
    pods = [key for key in chosen if key.kind == "Pod"]
    return kubernetes_endpoints.of_workloads(found, _workloads(mesh, pods)) + beside


def _of_entry(mesh: Mesh, resource: Resource[ServiceEntry], hostname: str) -> tuple[Endpoint, ...]:
    spec = resource.spec
    if spec.workload_selector is None:
        return service_entry.endpoints(resource, hostname, mesh.place)
    chosen = selected(
        mesh, resource.namespace, tuple(sorted(spec.workload_selector.labels.items()))
    )
    return tuple(
        endpoint
        for item in _workloads(mesh, chosen)
        for port in spec.ports
        for endpoint in service_entry.served(item, port)
    )


def _on_networks(mesh: Mesh, found: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Where nothing else names the network of an address, its CIDR may."""
    if not networks.are_by_address(mesh):
        return found
    return tuple(
        _on_network(endpoint, networks.of_address(mesh, endpoint.address)) for endpoint in found
    )


def _on_network(endpoint: Endpoint, network: str) -> Endpoint:
    if endpoint.network or not network:
        return endpoint
    labels = tuple(sorted({**dict(endpoint.labels), NETWORK: network}.items()))
    return replace(endpoint, network=network, labels=labels)


def _workloads(mesh: Mesh, keys: tuple[Key, ...] | list[Key]) -> list[Workload]:
    return [item for key in keys if (item := workload(mesh, key)) is not None]


def _order(endpoint: Endpoint) -> tuple[str, int, str]:
    return (endpoint.address, endpoint.port, endpoint.service_port)
