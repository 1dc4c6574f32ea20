"""What one outbound scope sees of the mesh: services, by egress listener.

    exported to the namespace  ->  imported by the listener  ->  one namespace for each hostname

Where several namespaces define a hostname, the client's own wins, then a Kubernetes Service, then
the oldest.
"""

from dataclasses import replace

from lateen.base.incremental import derived
from lateen.catalog import protocol
from lateen.catalog.service import Port, Protocol, Registry, Service
from lateen.view import hosts, ownership, selection, service, virtual_service
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import (
    NOBODY,
    EgressListener,
    OutboundScope,
    Sight,
    egress_listeners,
    listeners_of,
    outbound_scope,
    outbound_traffic_policy,
)

__all__ = [
    "EgressListener",
    "OutboundScope",
    "egress_listeners",
    "find_service",
    "listener_services",
    "outbound_scope",
    "outbound_traffic_policy",
    "services",
]


def listener_services(mesh: Mesh, scope: OutboundScope, index: int) -> tuple[Service, ...]:
    """Visible through that egress listener: one per hostname, in age order.

    A listener with a port sees services reduced to that port (HTTP_PROXY listeners: all ports).
    """
    return imported(mesh, scope.sight, index)


def services(mesh: Mesh, scope: OutboundScope) -> tuple[Service, ...]:
    """All that the scope can reach, one per hostname, in age order: what becomes clusters.

    The union of the listeners and of the destinations that imported VirtualServices name.
    """
    return reachable(mesh, scope.sight)


def find_service(mesh: Mesh, scope: OutboundScope, hostname: str) -> Service | None:
    """The one of `services` with this hostname."""
    return reachable_host(mesh, scope.sight, hostname)


@derived
def imported(mesh: Mesh, sight: Sight, index: int) -> tuple[Service, ...]:
    listener = listeners_of(mesh, sight)[index]
    chosen = [
        found
        for hostname, namespaces in _candidates(mesh, listener).items()
        if (found := _pick(mesh, sight, hostname, namespaces)) is not None
    ]
    return tuple(sorted(_reduced(chosen, listener), key=_age))


@derived
def reachable(mesh: Mesh, sight: Sight) -> tuple[Service, ...]:
    listeners = listeners_of(mesh, sight)
    found: dict[str, Service] = {}
    for listener in listeners:
        for item in imported(mesh, sight, listener.index):
            _add(found, item)
    for listener in listeners:
        if not listener.imports_all:
            for item in _destinations(mesh, sight, listener):
                _add(found, item)
    return tuple(sorted(found.values(), key=_age))


@derived
def reachable_host(mesh: Mesh, sight: Sight, hostname: str) -> Service | None:
    """Looked up by itself, so that a change of another service is not seen here."""
    listeners = listeners_of(mesh, sight)
    found: dict[str, Service] = {}
    for listener in listeners:
        namespaces = tuple(
            namespace
            for namespace in service.namespaces(mesh, hostname)
            if listener.imports(hostname, namespace)
        )
        picked = _pick(mesh, sight, hostname, namespaces)
        for item in _reduced([picked] if picked is not None else [], listener):
            _add(found, item)
    if hostname not in found and not all(listener.imports_all for listener in listeners):
        return _by_host(mesh, sight).get(hostname)
    return found.get(hostname)


@derived
def _by_host(mesh: Mesh, sight: Sight) -> dict[str, Service]:
    return {item.hostname: item for item in reachable(mesh, sight)}


def is_visible(mesh: Mesh, found: Service, namespace: str) -> bool:
    """Whether the service is exported to the namespace."""
    if not found.export_to:
        default = mesh.config.default_service_export_to
        return selection.is_exported(selection.export_set((), found.namespace, default), namespace)
    return selection.is_exported(selection.export_set(found.export_to, found.namespace), namespace)


def _candidates(mesh: Mesh, listener: EgressListener) -> dict[str, tuple[str, ...]]:
    """Hostnames that the listener may import, and the namespaces that it imports each from.

    Exact imports are looked up; only a wildcard makes the listener depend on all hostnames.
    """
    found: dict[str, dict[str, None]] = {}
    written = [host.split("/", 1) for host in listener.hosts if not host.startswith(NOBODY)]
    for owner, host in written:
        if not hosts.is_wildcard(host):
            for namespace in service.namespaces(mesh, host):
                if owner in ("*", namespace) and listener.imports(host, namespace):
                    found.setdefault(host, {})[namespace] = None
    if any(hosts.is_wildcard(host) for _, host in written):
        everything = listener.imports_all
        for host, namespace in service.hostnames(mesh):
            if everything or listener.imports(host, namespace):
                found.setdefault(host, {})[namespace] = None
    return {host: tuple(namespaces) for host, namespaces in found.items()}


def _pick(mesh: Mesh, sight: Sight, hostname: str, namespaces: tuple[str, ...]) -> Service | None:
    seen = [
        found
        for namespace in namespaces
        if ownership.speaks_for(
            mesh, "ServiceEntry", namespace, client=sight.namespace, hostname=hostname
        )
        for found in service.variants(mesh, hostname, namespace)
        if is_visible(mesh, found, sight.namespace)
    ]
    return min(seen, key=lambda found: _preference(found, sight.namespace), default=None)


def _preference(found: Service, namespace: str) -> tuple[bool, bool, tuple[str, str, str]]:
    return (
        found.namespace != namespace,
        found.registry is not Registry.KUBERNETES,
        found.age,
    )


def _reduced(found: list[Service], listener: EgressListener) -> list[Service]:
    port = listener.port
    if port is None or not port.number or protocol.parse(port.protocol) is Protocol.HTTP_PROXY:
        return found
    return [
        _with_ports(item, (match,))
        for item in found
        if (match := item.port(port.number)) is not None
    ]


def _with_ports(item: Service, ports: tuple[Port, ...]) -> Service:
    return item if ports == item.ports else replace(item, ports=ports)


def _add(found: dict[str, Service], item: Service) -> None:
    """Ports of one service that come in by different listeners add up."""
    known = found.get(item.hostname)
    if known is None:
        found[item.hostname] = item
    elif known.namespace == item.namespace:
        numbers = {port.number for port in known.ports}
        more = tuple(port for port in item.ports if port.number not in numbers)
        found[item.hostname] = _with_ports(known, known.ports + more)


def _destinations(mesh: Mesh, sight: Sight, listener: EgressListener) -> list[Service]:
    """Services that VirtualServices of the listener send to, imported or not."""
    wanted: dict[str, set[int]] = {}
    for key in virtual_service.imported_keys(mesh, sight, listener.index):
        for hostname, ports in virtual_service.destinations(mesh, key, sight.namespace):
            wanted.setdefault(hostname, set()).update(ports or (0,))
    made = []
    for hostname, numbers in sorted(wanted.items()):
        found = _destination(mesh, sight, hostname)
        if found is None:
            continue
        if 0 not in numbers:
            wanted_ports = tuple(port for port in found.ports if port.number in numbers)
            if not wanted_ports:
                continue
            found = _with_ports(found, wanted_ports)
        made.append(found)
    return made


def _destination(mesh: Mesh, sight: Sight, hostname: str) -> Service | None:
    """The own namespace's, else that of the first namespace by name."""
    for namespace in sorted(
        service.namespaces(mesh, hostname), key=lambda name: (name != sight.namespace, name)
    ):
        found = _pick(mesh, sight, hostname, (namespace,))
        if found is not None:
            return found
    return None


def _age(found: Service) -> tuple[tuple[str, str, str], str]:
    return (found.age, found.hostname)
