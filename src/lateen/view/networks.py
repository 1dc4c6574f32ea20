"""Networks whose endpoints cannot be reached directly, and the gateways into them (split horizon).

    the endpoint's own word (field, label)  ->  the root namespace's label
        ->  MeshNetworks: `fromRegistry`, `fromCidr`

Gateways are Services labelled `topology.istio.io/network`, and what MeshNetworks lists. Without any
the mesh is one network: every endpoint is reached directly. Only IP addresses count: a gateway that
is known by a host name only is no endpoint that a proxy could be sent.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm

from lateen.api.kubernetes.service import ServiceSpec, ServiceStatus
from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.catalog import kubernetes_service
from lateen.catalog.workload import NETWORK
from lateen.view.mesh import Mesh

GATEWAY_PORT = "networking.istio.io/gatewayPort"  # label of a gateway's Service
DEFAULT_PORT = 15443


@dataclass(frozen=True, slots=True, order=True)
class NetworkGateway:
    """A way into a network: TLS is passed on by its server name there."""

    network: str
    cluster: str  # empty: of no particular one
    address: str
    port: int


@derived
def gateways(mesh: Mesh) -> tuple[NetworkGateway, ...]:
    """Of all networks, sorted; empty: the mesh is one network."""
    return tuple(sorted({*_listed(mesh), *_labelled(mesh)}))


@derived
def gateways_of(mesh: Mesh, network: str, cluster: str) -> tuple[NetworkGateway, ...]:
    """Those in the endpoint's own cluster, if there are any, else all of its network."""
    found = tuple(each for each in gateways(mesh) if network and each.network == network)
    near = tuple(each for each in found if each.cluster == cluster)
    return near or found


@derived
def weight_scale(mesh: Mesh) -> int:
    """By which weights are multiplied so that they can be shared among gateways without rest."""
    by_network: dict[tuple[str, ...], int] = {}
    for each in gateways(mesh):
        for group in ((each.network,), (each.network, each.cluster)):
            by_network[group] = by_network.get(group, 0) + 1
    return lcm(*by_network.values())


def are_by_address(mesh: Mesh) -> bool:
    """Whether MeshNetworks says of any addresses on which network they are."""
    return bool(_ranges(mesh))


def of_address(mesh: Mesh, address: str = "") -> str:
    """The network whose CIDRs hold the address, by MeshNetworks; empty: none."""
    ranges = _ranges(mesh)
    if not ranges:
        return ""
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return next((name for name, held in ranges if place in held), "")


@derived
def _ranges(
    mesh: Mesh,
) -> tuple[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network], ...]:
    """The narrowest first; equal ones by the name of their network."""
    found = []
    for name, network in sorted(mesh.networks.networks.items()):
        for part in network.endpoints:
            if part.from_cidr:
                try:
                    found.append((name, ipaddress.ip_network(part.from_cidr, strict=False)))
                except ValueError:
                    continue  # reported when MeshNetworks was read
    return tuple(sorted(found, key=lambda pair: -pair[1].prefixlen))


# -- gateways ----------------------------------------------------------------------------------


def _listed(mesh: Mesh) -> Iterator[NetworkGateway]:
    for name, network in sorted(mesh.networks.networks.items()):
        for gateway in network.gateways:
            if gateway.address:
                yield from _gateways(name, "", (gateway.address,), gateway.port)
            elif gateway.registry_service_name:
                found = _service(mesh, gateway.registry_service_name)
                if found is not None:
                    addresses = _outer_addresses(found)
                    yield from _gateways(name, mesh.settings.cluster, addresses, gateway.port)


def _labelled(mesh: Mesh) -> Iterator[NetworkGateway]:
    for key in mesh.index.keys("network gateway"):
        resource = mesh.resource(key)
        if resource is None:
            continue
        labels = {**resource.meta.annotations, **resource.meta.labels}
        written = labels.get(GATEWAY_PORT, "")
        yield from _gateways(
            resource.meta.labels[NETWORK],
            mesh.settings.cluster,
            _outer_addresses(resource),
            int(written) if written.isdecimal() else DEFAULT_PORT,
        )


def _gateways(
    network: str, cluster: str, addresses: tuple[str, ...], port: int
) -> Iterator[NetworkGateway]:
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue  # a host name
        yield NetworkGateway(network, cluster, address, port)


def _service(mesh: Mesh, hostname: str) -> Resource[ServiceSpec] | None:
    name, _, rest = hostname.partition(".")
    namespace = rest.partition(".")[0]
    found = mesh.resource(Key("Service", namespace, name))
    is_same = kubernetes_service.hostname(name, namespace, mesh.domain) == hostname
    return found if is_same else None


def _outer_addresses(resource: Resource[ServiceSpec]) -> tuple[str, ...]:
    """Where a Service is reached from outside: its load balancer, else its external IPs."""
    status = resource.status
    balancer = status.load_balancer if isinstance(status, ServiceStatus) else None
    ingress = balancer.ingress if balancer is not None else ()
    given = tuple(each.ip for each in ingress if each.ip)
    wished = (resource.spec.load_balancer_ip,) if resource.spec.load_balancer_ip else ()
    return tuple(dict.fromkeys((*(given or wished), *resource.spec.external_ips)))
