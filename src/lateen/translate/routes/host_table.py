"""Which virtual hosts a sidecar's route configuration has, and which domains each of them.

    services with an HTTP or sniffed port of that number          <host>:<port>
    hosts that only a VirtualService names                        <host>:<port>, see `_unregistered`

The table knows no routes: it changes when hosts come, go or move, not when routing changes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.catalog.service import Port, Resolution, Service
from lateen.translate.addresses import service_addresses
from lateen.translate.names import host_form
from lateen.translate.routes import domains
from lateen.translate.routes.domains import Domains
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import OutboundScope, listener_services
from lateen.view.virtual_service import virtual_services

DEFAULT_PORT = 80  # of a Host header without a port
NO_SERVICES: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One virtual host to be."""

    hostname: str
    port: int
    domains: tuple[str, ...]
    virtual_service: Key | None = None  # the only one that knows the host; None: a service does

    @property
    def name(self) -> str:
        return f"{self.hostname}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A host before it is known which of its domains others have claimed."""

    hostname: str
    port: int
    domains: Domains = field(default=Domains(()))
    virtual_service: Key | None = None

    def entry(self, claimed: set[str], known: frozenset[str]) -> HostEntry:
        kept = domains.unclaimed(self.domains, claimed, known)
        return HostEntry(self.hostname, self.port, kept, self.virtual_service)


def narrowed(proxy_class: ProxyClass) -> ProxyClass:
    """The class reduced to what names and addresses of services depend on."""
    return ProxyClass(
        dns_capture=proxy_class.dns_capture,
        dns_auto_allocate=proxy_class.dns_auto_allocate,
        loopback_index=proxy_class.loopback_index,
        dns_domain=proxy_class.dns_domain,
    )


@derived
def hosts(
    mesh: Mesh, scope: OutboundScope, client: ProxyClass, index: int, port: int
) -> tuple[HostEntry, ...]:
    """The virtual hosts of one port, by name. `client` is `narrowed`."""
    found = _candidates(mesh, scope, client, index, port)
    return _entries(found)


@derived
def all_hosts(
    mesh: Mesh, scope: OutboundScope, client: ProxyClass, index: int
) -> tuple[HostEntry, ...]:
    """The same over all ports, for proxies that are addressed as an HTTP proxy.

    Domains carry the port; those of port 80 may leave it out.
    """
    found: list[_Candidate] = []
    for port in sorted(services_by_port(mesh, scope, index)):
        for each in _candidates(mesh, scope, client, index, port, unregistered_anyway=False):
            add_port = domains.bare_and_with_port if port == DEFAULT_PORT else domains.with_port
            names = Domains(
                add_port(each.domains.names, port), frozenset(add_port(each.domains.short, port))
            )
            found.append(replace(each, domains=names))
    return _entries(found)


@derived
def services_by_port(
    mesh: Mesh, scope: OutboundScope, index: int
) -> Mapping[int, tuple[Service, ...]]:
    """Services of an egress listener by numbers of HTTP and sniffed ports, in age order."""
    found: dict[int, list[Service]] = defaultdict(list)
    for service in listener_services(mesh, scope, index):
        if service.resolution is Resolution.ALIAS:
            continue  # another domain of its target
        for port in service.ports:
            if is_routed(port) and (
                not found[port.number] or found[port.number][-1] is not service
            ):
                found[port.number].append(service)
    return {port: tuple(services) for port, services in found.items()}


@derived
def port_services(mesh: Mesh, scope: OutboundScope, index: int, port: int) -> tuple[Service, ...]:
    return services_by_port(mesh, scope, index).get(port, NO_SERVICES)


@derived
def aliases(mesh: Mesh, scope: OutboundScope, index: int) -> Mapping[str, tuple[str, ...]]:
    """ExternalNames that stand for a service, by the service's hostname."""
    found: dict[str, list[str]] = defaultdict(list)
    for service in listener_services(mesh, scope, index):
        if service.resolution is Resolution.ALIAS and service.external_name:
            found[service.external_name].append(service.hostname)
    return {target: tuple(hostnames) for target, hostnames in found.items()}


@derived
def routed_hosts(
    mesh: Mesh, scope: OutboundScope, index: int
) -> tuple[tuple[Key, tuple[str, ...]], ...]:
    """The hosts of the VirtualServices that route HTTP, in age order."""
    return tuple(
        (each.key, each.hosts) for each in virtual_services(mesh, scope, index) if each.http
    )


def is_routed(port: Port) -> bool:
    return port.protocol.is_http or port.protocol.is_sniffed


def _candidates(
    mesh: Mesh,
    scope: OutboundScope,
    client: ProxyClass,
    index: int,
    port: int,
    *,
    unregistered_anyway: bool = True,
) -> Iterator[_Candidate]:
    """Hosts of VirtualServices come first: what a user wrote beats what is derived from a name."""
    services = port_services(mesh, scope, index, port)
    registered = {service.hostname for service in services}
    for key, hostnames in routed_hosts(mesh, scope, index):
        for hostname in _unregistered(
            hostnames, registered, anyway=unregistered_anyway and port == DEFAULT_PORT
        ):
            own = Domains((host_form(hostname),))
            yield _Candidate(hostname, port, own, key)
    other_names = aliases(mesh, scope, index)
    for service in services:
        own = domains.service_domains(
            service,
            dns_domain=client.dns_domain,
            addresses=service_addresses(service, client),
            aliases=other_names.get(service.hostname, ()),
        )
        yield _Candidate(service.hostname, port, own)


def _unregistered(hostnames: Iterable[str], registered: set[str], *, anyway: bool) -> list[str]:
    """Hosts of a VirtualService that no service of the port has.

    They are routed on port 80 (`anyway`), else only beside a host that a service does have: Istio
    knows no other port for them.
    """
    absent = []
    present = False
    for hostname in hostnames:
        if hostname.startswith("*"):
            matched = any(name.endswith(hostname[1:]) for name in registered)
        else:
            matched = hostname in registered
        present = present or matched
        if not matched:
            absent.append(hostname)
    return absent if present or anyway else []


def _entries(candidates: Iterable[_Candidate]) -> tuple[HostEntry, ...]:
    found = list(candidates)
    known = frozenset(each.hostname for each in found if each.virtual_service is None)
    claimed: set[str] = set()
    named: set[tuple[str, int]] = set()
    entries = []
    for each in found:
        if (each.hostname, each.port) in named:
            continue  # Envoy refuses two virtual hosts of one name; the oldest stays
        named.add((each.hostname, each.port))
        entry = each.entry(claimed, known)
        if entry.domains:
            entries.append(entry)
    return tuple(sorted(entries, key=lambda entry: entry.name))
