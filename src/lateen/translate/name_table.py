"""The name table a workload's agent answers DNS from: the hosts its proxy may see.

Kubernetes services carry their short name and namespace, from which the agent derives the forms
that a search list produces. Headless services answer with their pods, and every pod that has a
hostname is a host of its own: `db-0.db.shop.svc.cluster.local`.
"""

from collections.abc import Iterable, Iterator

from lateen.base.incremental import derived
from lateen.base.name_table import NameInfo, NameTable
from lateen.catalog.service import Endpoint, Health, Registry, Resolution, Service
from lateen.translate.addresses import is_address, named_addresses
from lateen.view import scope, service
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass


@derived
def name_table(mesh: Mesh, proxy_class: ProxyClass) -> bytes:
    """A `NameTable`."""
    outbound = scope.outbound_scope(mesh, proxy_class).anywhere()
    client = ProxyClass(
        dns_capture=proxy_class.dns_capture,
        dns_auto_allocate=proxy_class.dns_auto_allocate,
        loopback_index=proxy_class.loopback_index,
        network=proxy_class.network,
        ipv4=proxy_class.ipv4,
        ipv6=proxy_class.ipv6,
        dual_stack=proxy_class.dual_stack,
    )
    return _table(mesh, outbound, client)


@derived
def _table(mesh: Mesh, outbound: scope.OutboundScope, client: ProxyClass) -> bytes:
    made = NameTable()
    visible = scope.services(mesh, outbound)
    for host, entry in _entries(mesh, client, _kubernetes_first(visible)):
        if host not in made.table:
            made.table[host].CopyFrom(entry)
    return bytes(made.SerializeToString(deterministic=True))


def _kubernetes_first(services: Iterable[Service]) -> list[Service]:
    return sorted(services, key=lambda each: each.registry is not Registry.KUBERNETES)


def _entries(
    mesh: Mesh, proxy_class: ProxyClass, services: list[Service]
) -> Iterator[tuple[str, NameInfo]]:
    by_host = {each.hostname: each for each in reversed(services)}
    for each in services:
        if each.resolution is Resolution.PASSTHROUGH and not named_addresses(each, proxy_class):
            yield from _headless(mesh, proxy_class, each)
            continue
        target = by_host.get(each.external_name, each)  # an ExternalName that names a mesh host
        found = [found for found in named_addresses(target, proxy_class) if is_address(found)]
        if found:
            yield each.hostname, _info(each, found)


def _info(service: Service, addresses: Iterable[str]) -> NameInfo:
    info = NameInfo(ips=addresses, registry=str(service.registry))
    if service.registry is Registry.KUBERNETES:
        info.shortname, info.namespace = service.name, service.namespace
    return info


def _headless(
    mesh: Mesh, proxy_class: ProxyClass, headless: Service
) -> Iterator[tuple[str, NameInfo]]:
    if not headless.ports:
        return
    pods = [
        endpoint
        for endpoint in service.endpoints(mesh, headless.hostname, headless.namespace)
        if endpoint.service_port == headless.ports[0].name
        and is_address(endpoint.address)
        and (headless.publish_not_ready or endpoint.health is Health.HEALTHY)
        and _is_near(endpoint, proxy_class)
    ]
    if pods:
        yield headless.hostname, _info(headless, [pod.address for pod in pods])
    domain = headless.hostname.partition(".")[2]
    for pod in pods:
        if pod.hostname and pod.subdomain:
            short = f"{pod.hostname}.{pod.subdomain}"
            info = _info(headless, [pod.address])
            info.shortname = short
            yield f"{short}.{domain}", info


def _is_near(endpoint: Endpoint, proxy_class: ProxyClass) -> bool:
    """Pods of other networks cannot be reached by their own address."""
    same = (endpoint.network, proxy_class.network)
    return not all(same) or same[0] == same[1]
