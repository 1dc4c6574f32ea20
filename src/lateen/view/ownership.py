"""Whether one namespace may say what another's hosts, workloads and credentials are used for.

    istio    what Istio allows: a VirtualService of any namespace routes any host for all who see
             it, a Gateway of any namespace runs on any gateway and takes its secrets by name
    strict   a VirtualService or ServiceEntry for a host that its namespace does not own counts for
             clients of its own namespace only; a Gateway runs on pods of its own namespace only

A host is owned by the namespaces that have a Service of that name, else by the one whose
ServiceEntry is the oldest; a host that nobody defines is free. The root namespace may always, and
whoever a ReferenceGrant of the owner names:

    from: [{group: networking.istio.io, kind: VirtualService, namespace: CALLER}]
    to:   [{group: "", kind: Service}]          # for a Gateway: kind Gateway, to kind Pod

Destination rules need none of this: Istio takes them from the client's namespace, the service's
and the root one, and from no other.
"""

from dataclasses import dataclass

from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.catalog.service import Registry
from lateen.gateway_api import permissions
from lateen.view import hosts, service
from lateen.view.mesh import HostOwnership, Mesh

GROUP = "networking.istio.io"


@dataclass(frozen=True, slots=True)
class Claim:
    """A kind of one namespace that speaks for a host of another."""

    kind: str
    namespace: str
    hostname: str
    owners: tuple[str, ...]


def speaks_for(mesh: Mesh, kind: str, namespace: str, *, client: str, hostname: str) -> bool:
    """Whether an object of the kind and namespace counts for clients of a namespace."""
    if mesh.settings.host_ownership != HostOwnership.STRICT or namespace == client:
        return True
    return foreign_claim(mesh, kind, namespace, hostname) is None


@derived
def foreign_claim(mesh: Mesh, kind: str, namespace: str, hostname: str) -> Claim | None:
    """What stands against it, whatever the switch says; None when nothing does."""
    if namespace == mesh.root_namespace:
        return None
    found = owners(mesh, hostname)
    if not found or namespace in found:
        return None
    name = hostname.partition(".")[0]
    asked = (GROUP, kind, namespace)
    if any(permissions.is_granted(mesh, asked, ("", "Service", one), name) for one in found):
        return None
    return Claim(kind, namespace, hostname, found)


@derived
def owners(mesh: Mesh, hostname: str) -> tuple[str, ...]:
    """Sorted; empty: the host is free. A wildcard over Kubernetes names is its namespace's."""
    if hosts.is_wildcard(hostname):
        return _owners_of_wildcard(mesh, hostname)
    found = [
        made
        for namespace in service.namespaces(mesh, hostname)
        for made in service.variants(mesh, hostname, namespace)
    ]
    kubernetes = {made.namespace for made in found if made.registry is Registry.KUBERNETES}
    if kubernetes:
        return tuple(sorted(kubernetes))
    named = _namespace_of_name(mesh, hostname)
    if named:
        return (named,)
    oldest = min(found, key=lambda made: made.age, default=None)
    return (oldest.namespace,) if oldest is not None else ()


def _owners_of_wildcard(mesh: Mesh, hostname: str) -> tuple[str, ...]:
    """Of `*.<namespace>.svc.<domain>` the namespace; of what covers several, the root namespace."""
    suffix = f".svc.{mesh.domain}"
    rest = hostname.lstrip("*").lstrip(".")
    if not rest or suffix.endswith(f".{rest}"):
        return (mesh.root_namespace,)
    if not rest.endswith(suffix):
        return ()
    return (rest.removesuffix(suffix).rpartition(".")[2],)


def _namespace_of_name(mesh: Mesh, hostname: str) -> str:
    """Whose a name of Kubernetes' form is, also when there is no such Service (yet)."""
    head = hostname.removesuffix(f".svc.{mesh.domain}")
    return head.rpartition(".")[2] if head != hostname else ""


def may_run_on(mesh: Mesh, gateway: Key, namespace: str) -> bool:
    """Whether a Gateway may select gateway pods of a namespace, and so take its secrets."""
    settings = mesh.settings
    if settings.host_ownership != HostOwnership.STRICT and not settings.scope_gateways:
        return True
    if gateway.namespace in (namespace, mesh.root_namespace):
        return True
    asked = (GROUP, "Gateway", gateway.namespace)
    return permissions.is_granted(mesh, asked, ("", "Pod", namespace), gateway.name)
