"""A ServiceEntry as services, one for each host, and the endpoints that stand in it."""

from lateen.api.resource import Resource
from lateen.api.service_entry import Location, ServiceEntry, ServicePort
from lateen.api.service_entry import Resolution as Written
from lateen.catalog import address_pool, protocol, workload_entry
from lateen.catalog.service import Endpoint, Port, Registry, Resolution, Service
from lateen.catalog.workload import Place, Workload

RESOLUTIONS = {
    Written.NONE: Resolution.PASSTHROUGH,
    Written.STATIC: Resolution.CLIENT_SIDE,
    Written.DNS: Resolution.DNS,
    Written.DNS_ROUND_ROBIN: Resolution.DNS_ROUND_ROBIN,
    Written.DYNAMIC_DNS: Resolution.DYNAMIC_DNS,
}
BY_NAME = (Resolution.DNS, Resolution.DNS_ROUND_ROBIN)
AUTO_ALLOCATE = "networking.istio.io/enable-autoallocate-ip"
UNSPECIFIED = ("0.0.0.0", "::")
UNIX = "unix://"


def services(
    resource: Resource[ServiceEntry], allocated: dict[str, str] | None = None
) -> tuple[Service, ...]:
    """`allocated`: address of each host that `wants_address`."""
    return tuple(
        service(resource, host, (allocated or {}).get(host, "")) for host in resource.spec.hosts
    )


def service(resource: Resource[ServiceEntry], host: str, allocated: str = "") -> Service:
    spec, meta = resource.spec, resource.meta
    selector = spec.workload_selector.labels if spec.workload_selector else {}
    return Service(
        hostname=host,
        namespace=meta.namespace,
        name=host,
        registry=Registry.EXTERNAL,
        resolution=RESOLUTIONS[spec.resolution],
        ports=tuple(_port(port) for port in spec.ports),
        addresses=tuple(item for item in spec.addresses if item not in UNSPECIFIED),
        auto_addresses=_allocated(resource, host) or _of_both_families(allocated),
        mesh_external=spec.location is Location.MESH_EXTERNAL,
        export_to=frozenset(
            meta.namespace if target == "." else target for target in spec.export_to
        ),
        labels=tuple(sorted(meta.labels.items())),
        selector=tuple(sorted(selector.items())),
        service_accounts=tuple(sorted(spec.subject_alt_names)),
        age=resource.age,
        source=resource.key,
    )


def wants_address(resource: Resource[ServiceEntry], host: str) -> bool:
    """Whether the host gets an address of our own, so that TCP can tell it from others."""
    spec = resource.spec
    return (
        spec.resolution is not Written.NONE
        and spec.resolution is not Written.DYNAMIC_DNS
        and not any(item not in UNSPECIFIED for item in spec.addresses)
        and not host.startswith("*")
        and resource.meta.labels.get(AUTO_ALLOCATE) != "false"
        and not _allocated(resource, host)
    )


def endpoints(resource: Resource[ServiceEntry], host: str, place: Place) -> tuple[Endpoint, ...]:
    """Those written inline, or the host itself when it is to be looked up and has none."""
    spec = resource.spec
    if not spec.endpoints and spec.workload_selector is None:
        if RESOLUTIONS[spec.resolution] not in BY_NAME:
            return ()
        return tuple(_named(port, host, resource, place) for port in spec.ports)
    workloads = [
        workload_entry.inline(
            written,
            namespace=resource.namespace,
            name=f"{resource.name}-{index}",
            place=place,
        )
        for index, written in enumerate(spec.endpoints)
    ]
    return tuple(
        endpoint for item in workloads for port in spec.ports for endpoint in served(item, port)
    )


def served(item: Workload, port: ServicePort) -> tuple[Endpoint, ...]:
    """What a workload is for one port: its own number for it, else the entry's target port."""
    number = item.port_named(port.name) or port.target_port or port.number
    return tuple(
        endpoint(
            item,
            address=address.removeprefix(UNIX),
            port=0 if address.startswith(UNIX) else number,
            service_port=port.name,
        )
        for address in item.addresses[:1]
    )


def endpoint(item: Workload, *, address: str, port: int, service_port: str) -> Endpoint:
    return Endpoint(
        address=address,
        port=port,
        service_port=service_port,
        labels=item.labels,
        service_account=item.service_account,
        tls_mode=item.tls_mode,
        locality=item.locality,
        weight=item.weight,
        network=item.network,
        cluster=item.cluster,
        health=item.health,
        namespace=item.namespace,
        workload=item.workload,
        hostname=item.hostname,
        subdomain=item.subdomain,
        node=item.node,
    )


def _port(port: ServicePort) -> Port:
    return Port(
        name=port.name,
        number=port.number,
        protocol=protocol.parse(port.protocol),
        target_port=port.target_port or None,
    )


def _named(
    port: ServicePort, host: str, resource: Resource[ServiceEntry], place: Place
) -> Endpoint:
    return Endpoint(
        address=host,
        port=port.target_port or port.number,
        service_port=port.name,
        cluster=place.cluster,
        network=place.network,
        namespace=resource.namespace,
        workload=resource.name,
    )


def _of_both_families(allocated: str) -> tuple[str, ...]:
    return (allocated, address_pool.of_version_6(allocated)) if allocated else ()


def _allocated(resource: Resource[ServiceEntry], host: str) -> tuple[str, ...]:
    """Addresses that a control plane wrote into the status."""
    status = resource.status if isinstance(resource.status, dict) else {}
    return tuple(
        item["value"]
        for item in status.get("addresses", ())
        if isinstance(item, dict) and item.get("value") and item.get("host", host) == host
    )
