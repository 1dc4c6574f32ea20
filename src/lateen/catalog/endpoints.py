"""What serves a Kubernetes Service: EndpointSlices, else Endpoints, else the Pods it selects.

Each way ends in `Endpoint`s of the service's ports; an address that belongs to a known workload
brings that workload's labels, identity and place.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from lateen.api.kubernetes.service import Endpoint as SliceEndpoint
from lateen.api.kubernetes.service import EndpointAddress, Endpoints, EndpointSlice
from lateen.api.resource import Resource
from lateen.catalog.service import Endpoint, Health, Port, Protocol, Service
from lateen.catalog.service_entry import endpoint
from lateen.catalog.workload import ZONE, Place, Workload

# The workload at an address, given the name of its pod when that is known.
FindWorkload = Callable[[str, str], Workload | None]


def of_workloads(service: Service, workloads: Iterable[Workload]) -> tuple[Endpoint, ...]:
    """As Kubernetes' own controller would: ready ones healthy, the rest not."""
    return tuple(
        endpoint(
            _published(service, item),
            address=item.addresses[0],
            port=number,
            service_port=port.name,
        )
        for item in workloads
        if item.addresses
        for port in service.ports
        if port.protocol is not Protocol.UDP
        if (number := target_port(port, item)) is not None
    )


def target_port(port: Port, item: Workload) -> int | None:
    """The number at the workload; None when it has no port of the wanted name."""
    if isinstance(port.target_port, str):
        return item.port_named(port.target_port)
    if not item.is_pod:
        return item.port_named(port.name) or port.target_port or port.number
    return port.target_port or port.number


def of_slices(
    service: Service, slices: Iterable[Resource[EndpointSlice]], find: FindWorkload, place: Place
) -> tuple[Endpoint, ...]:
    """Merged over the slices; an address and port that several name counts once."""
    found: dict[tuple[str, int, str], Endpoint] = {}
    for item in slices:
        if item.spec.address_type == "FQDN":
            continue
        ports = [(port.name or "", port.port) for port in item.spec.ports if port.protocol != "UDP"]
        for written in item.spec.endpoints:
            health = _slice_health(service, written)
            if health is None:
                continue
            for address in written.addresses[:1]:
                made = _at(service, address, _pod_name(written), find, place)
                made = _named(service, _in_zone(made, written.zone, place), written.hostname)
                for name, number in ports:
                    if number is None:
                        continue
                    key = (address, number, name)
                    found.setdefault(
                        key, replace(made, port=number, service_port=name, health=health)
                    )
    return tuple(found.values())


def of_endpoints(
    service: Service, item: Resource[Endpoints], find: FindWorkload, place: Place
) -> tuple[Endpoint, ...]:
    found = []
    for subset in item.spec.subsets:
        ready = [(address, Health.HEALTHY) for address in subset.addresses]
        other = Health.HEALTHY if service.publish_not_ready else Health.UNHEALTHY
        for address, health in (*ready, *((item, other) for item in subset.not_ready_addresses)):
            made = _at(service, address.ip, _target_name(address), find, place)
            made = _named(service, made, address.hostname)
            found += [
                replace(made, port=port.port, service_port=port.name, health=health)
                for port in subset.ports
                if port.protocol != "UDP"
            ]
    return tuple(found)


def _published(service: Service, item: Workload) -> Workload:
    if service.publish_not_ready and item.health is not Health.HEALTHY:
        return replace(item, health=Health.HEALTHY)
    return item


def _slice_health(service: Service, written: SliceEndpoint) -> Health | None:
    """None: terminating, not to be used. An absent `ready` means true.

    One that still serves while it ends keeps its sessions, where the service has them.
    """
    conditions = written.conditions
    if conditions is None or conditions.ready is None or conditions.ready:
        return Health.HEALTHY
    if service.publish_not_ready:
        return Health.HEALTHY
    if not conditions.terminating:
        return Health.UNHEALTHY
    return Health.DRAINING if service.keeps_sessions and conditions.serving else None


def _at(
    service: Service, address: str, pod_name: str, find: FindWorkload, place: Place
) -> Endpoint:
    item = find(address, pod_name)
    if item is not None:
        return endpoint(item, address=address, port=0, service_port="")
    return Endpoint(
        address=address,
        port=0,
        service_port="",
        network=place.network,
        cluster=place.cluster,
        namespace=service.namespace,
    )


def _in_zone(made: Endpoint, zone: str | None, place: Place) -> Endpoint:
    """The slice's own zone, for an address of which no pod and node is known."""
    if not zone or made.locality.zone or made.locality.region:
        return made
    labels = tuple(sorted({**dict(made.labels), ZONE: zone}.items()))
    return replace(made, locality=replace(made.locality, zone=zone), labels=labels)


def _named(service: Service, made: Endpoint, hostname: str | None) -> Endpoint:
    """Kubernetes writes a hostname for pods whose subdomain is the service."""
    if not hostname or made.hostname:
        return made
    return replace(made, hostname=hostname, subdomain=service.name)


def _pod_name(written: SliceEndpoint) -> str:
    target = written.target_ref
    return target.name if target is not None and target.kind in ("Pod", "") else ""


def _target_name(written: EndpointAddress) -> str:
    target = written.target_ref
    return target.name if target is not None and target.kind in ("Pod", "") else ""
