"""Where a route is attached: which listeners or services each of its parentRefs means.

parentRef Gateway, ListenerSet   listeners by section name and port, that admit its namespace,
                                 its kind and one of its hostnames
parentRef Service, ServiceEntry  the mesh: calls for that host, unless a waypoint of another
                                 controller routes them
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lateen.api.gateway_api.references import ParentReference
from lateen.api.resource import Key, Resource
from lateen.gateway_api import classes, permissions, sources
from lateen.gateway_api.listeners import BoundListener, listeners
from lateen.gateway_api.sources import Sources, service_host

MESH = "mesh"
SERVICES = (("", "Service"), ("core", "Service"), ("networking.istio.io", "ServiceEntry"))
LISTENING = ((sources.GROUP, "Gateway"), (sources.GROUP, "ListenerSet"))
USE_WAYPOINT = "istio.io/use-waypoint"
WAYPOINT_NAMESPACE = "istio.io/use-waypoint-namespace"
# What is told about a parent with several listeners: none of the others once one takes the route.
RANK = ("", "NotAllowedByListeners", "NoMatchingListenerHostname", "NoMatchingParent")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One place that a route serves, or why a parentRef gives none."""

    parent: ParentReference
    gateway: str = ""  # `namespace/name` of the internal Gateway, or `mesh`
    hosts: tuple[str, ...] = ()  # of the mesh; a listener takes the route's own hostnames
    hostname: str = ""  # of the listener
    others: tuple[str, ...] = ()  # hostnames of its neighbours: same port and protocol
    reason: str = ""
    message: str = ""

    @property
    def accepted(self) -> bool:
        return not self.reason

    def serves(self, host: str) -> bool:
        """Whether the listener, and none of its neighbours that is more exact, is for a host."""
        own = self.hostname
        if own and not own.startswith("*"):
            return True
        if own and not intersects(host, own):
            return False
        return not any(len(own) <= len(other) and is_within(host, other) for other in self.others)


def attachments(mesh: Sources, route: Resource[Any]) -> Iterator[Attachment]:
    """In the order of the parentRefs; parents of other controllers are left out."""
    for parent in route.spec.parent_refs:
        if (parent.of_group, parent.of_kind) in SERVICES:
            yield from _of_mesh(mesh, route, parent)
        elif (parent.of_group, parent.of_kind) in LISTENING:
            yield from _of_listeners(mesh, route, parent)


def _of_mesh(mesh: Sources, route: Resource[Any], parent: ParentReference) -> Iterator[Attachment]:
    namespace = parent.namespace or route.namespace
    found = mesh.resource(Key(parent.of_kind, namespace, parent.name))
    if found is None:
        what = "service" if parent.of_kind == "Service" else "service entry"
        message = f'parent {what}: "{parent.name}" not found'
        yield Attachment(parent, reason="NoMatchingParent", message=message)
    elif not _has_foreign_waypoint(mesh, found):
        own = (service_host(parent.name, namespace, mesh.domain),)
        yield Attachment(parent, MESH, own if parent.of_kind == "Service" else found.spec.hosts)


def _has_foreign_waypoint(mesh: Sources, found: Resource[Any]) -> bool:
    """Calls of the service pass a waypoint that another controller programs, routes included."""
    namespace = dict(permissions.namespace_labels(mesh, found.namespace))
    labels = found.meta.labels if found.meta.labels.get(USE_WAYPOINT) else namespace
    name = labels.get(USE_WAYPOINT, "none")
    if name.lower() in ("", "none"):
        return False
    owner = labels.get(WAYPOINT_NAMESPACE, found.namespace)
    waypoint = mesh.resource(Key(sources.GATEWAY, owner, name))
    return waypoint is not None and classes.class_of(mesh, waypoint.spec) is None


def _of_listeners(
    mesh: Sources, route: Resource[Any], parent: ParentReference
) -> Iterator[Attachment]:
    kind = sources.GATEWAY if parent.of_kind == "Gateway" else parent.of_kind
    owner = Key(kind, parent.namespace or route.namespace, parent.name)
    found = [each for each in listeners(mesh, owner) if each.takes_routes]
    if not found:
        if kind != sources.GATEWAY and mesh.resource(owner) is not None:
            yield Attachment(parent, reason="NoMatchingParent", message="no matching parent")
        return
    tried = [_attached(mesh, route, parent, listener, found) for listener in found]
    best = min(RANK.index(each.reason) for each in tried)
    yield from (each for each in tried if RANK.index(each.reason) == best)


def _attached(
    mesh: Sources,
    route: Resource[Any],
    parent: ParentReference,
    listener: BoundListener,
    neighbours: list[BoundListener],
) -> Attachment:
    if parent.port is not None and parent.port != listener.port:
        message = f"port {parent.port} not found"
        return Attachment(parent, reason="NoMatchingParent", message=message)
    if parent.section_name and parent.section_name != listener.name:
        message = f'sectionName "{parent.section_name}" not found'
        return Attachment(parent, reason="NoMatchingParent", message=message)
    hostnames = getattr(route.spec, "hostnames", ())
    if hostnames and not any(intersects(each, listener.hostname) for each in hostnames):
        message = f'no hostnames matched parent hostname "{listener.hostname}"'
        return Attachment(parent, reason="NoMatchingListenerHostname", message=message)
    if not permissions.admits(
        mesh, listener.allowed, listener.owner.namespace, route.namespace, default="Same"
    ):
        message = f'hostnames matched parent hostname "{listener.hostname}", but namespace '
        message += f'"{route.namespace}" is not allowed by the parent'
        return Attachment(parent, reason="NotAllowedByListeners", message=message)
    if route.kind not in listener.kinds:
        version = "v1alpha2" if route.kind == "TCPRoute" else "v1"
        message = f"kind {sources.GROUP}/{version}/{route.kind} is not allowed"
        return Attachment(parent, reason="NotAllowedByListeners", message=message)
    others = {
        each.hostname
        for each in neighbours
        if (each.port, each.protocol) == (listener.port, listener.protocol)
    }
    return Attachment(
        parent,
        f"{listener.owner.namespace}/{listener.internal}",
        hostname=listener.hostname,
        others=tuple(sorted(others - {listener.hostname})),
    )


def intersects(hostname: str, listener: str) -> bool:
    """Whether a route's hostname and a listener's (empty: all) have a name in common."""
    if not listener or hostname == listener or "*" in (hostname, listener):
        return True
    wild, other_wild = hostname.startswith("*."), listener.startswith("*.")
    if wild and other_wild:
        return hostname.endswith(listener[1:]) or listener.endswith(hostname[1:])
    if wild:
        return listener.endswith(hostname[1:])
    return other_wild and hostname.endswith(listener[1:])


def is_within(hostname: str, other: str) -> bool:
    """Whether all names of a hostname are names of the other."""
    if hostname == other:
        return True
    return other.startswith("*") and hostname.removeprefix("*").endswith(other[1:])
