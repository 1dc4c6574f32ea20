"""Where a route is attached: which listeners or services each of its parentRefs means.

parentRef Gateway, ListenerSet   listeners by section name and port, that admit its namespace,
                                 its kind and one of its hostnames
parentRef Service, ServiceEntry  the mesh: calls for that host
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lateen.api.gateway_api.references import ParentReference
from lateen.api.resource import Key, Resource
from lateen.gateway_api import permissions, sources
from lateen.gateway_api.listeners import BoundListener, listeners
from lateen.gateway_api.sources import Sources, service_host

MESH = "mesh"
ISTIO_NETWORKING = "networking.istio.io"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One place that a route serves, or why a parentRef gives none."""

    parent: ParentReference
    gateway: str = ""  # `namespace/name` of the internal Gateway, or `mesh`
    hosts: tuple[str, ...] = ()  # of the mesh; a listener takes the route's own hostnames
    owner_namespace: str = ""  # of the service
    reason: str = ""
    message: str = ""

    @property
    def accepted(self) -> bool:
        return not self.reason


def attachments(mesh: Sources, route: Resource[Any]) -> Iterator[Attachment]:
    """In the order of the parentRefs; parents of other controllers are left out."""
    for parent in route.spec.parent_refs:
        if parent.of_kind in ("Service", "ServiceEntry") and parent.of_group != sources.GROUP:
            yield _of_mesh(mesh, route, parent)
        elif parent.of_kind in ("Gateway", "ListenerSet"):
            yield from _of_listeners(mesh, route, parent)


def _of_mesh(mesh: Sources, route: Resource[Any], parent: ParentReference) -> Attachment:
    namespace = parent.namespace or route.namespace
    if parent.of_kind == "Service":
        found = mesh.resource(Key("Service", namespace, parent.name))
        hosts: tuple[str, ...] = (service_host(parent.name, namespace, mesh.domain),)
    else:
        found = mesh.resource(Key("ServiceEntry", namespace, parent.name))
        hosts = found.spec.hosts if found is not None else ()
    if found is None:
        return Attachment(
            parent,
            reason="NoMatchingParent",
            message=f'parent service: "{parent.name}.{namespace}" not found',
        )
    return Attachment(parent, MESH, hosts, namespace)


def _of_listeners(
    mesh: Sources, route: Resource[Any], parent: ParentReference
) -> Iterator[Attachment]:
    kind = sources.GATEWAY if parent.of_kind == "Gateway" else parent.of_kind
    owner = Key(kind, parent.namespace or route.namespace, parent.name)
    found = listeners(mesh, owner)
    if not found:
        if mesh.resource(owner) is not None and kind != sources.GATEWAY:
            yield Attachment(parent, reason="NoMatchingParent", message="no matching parent")
        return
    refused: Attachment | None = None
    taken = False
    for listener in found:
        attachment = _attached(mesh, route, parent, listener)
        if attachment.accepted:
            taken = True
            yield attachment
        elif refused is None or attachment.reason != "NoMatchingParent":
            refused = refused if refused and refused.reason != "NoMatchingParent" else attachment
    if not taken and refused is not None:
        yield refused


def _attached(
    mesh: Sources, route: Resource[Any], parent: ParentReference, listener: BoundListener
) -> Attachment:
    if parent.section_name and parent.section_name != listener.name:
        message = f'sectionName "{parent.section_name}" not found'
        return Attachment(parent, reason="NoMatchingParent", message=message)
    if parent.port is not None and parent.port != listener.port:
        message = f"port {parent.port} not found"
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
        message = f"kind {sources.GROUP}/v1/{route.kind} is not allowed"
        return Attachment(parent, reason="NotAllowedByListeners", message=message)
    return Attachment(parent, f"{listener.owner.namespace}/{listener.internal}")


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
