"""Objects that speak for the hosts of another namespace, as problems.

With Istio's semantics they count for everybody who sees them; the finding says so, since whoever
may write into one namespace then routes the traffic of another. With `strict` they count for
clients of their own namespace only, and the finding says that. A change costs the objects that it
touches.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.base.object_problems import ObjectProblems
from lateen.base.problem import Problem, Severity
from lateen.view import ownership
from lateen.view.mesh import HostOwnership, Mesh
from lateen.view.names import MESH
from lateen.view.ownership import Claim
from lateen.view.virtual_service import routed

CODE = "foreign-host"
VIRTUAL_SERVICE, SERVICE_ENTRY = "VirtualService", "ServiceEntry"
KINDS = frozenset((VIRTUAL_SERVICE, SERVICE_ENTRY))


def of_all(mesh: Mesh) -> ObjectProblems[Key]:
    """Those of every object, to be kept up to date with its changes."""
    return ObjectProblems(
        mesh.graph,
        partial(problems.node, mesh),
        concerns=lambda key: key.kind in KINDS,
        exists=lambda key: mesh.resource(key) is not None,
    )


@derived
def problems(mesh: Mesh, key: Key) -> tuple[Problem, ...]:
    resource = mesh.resource(key)
    if resource is None:
        return ()
    origin = mesh.origin(key)
    return tuple(
        Problem(
            code=CODE,
            message=_message(mesh, claim),
            severity=Severity.WARNING,
            resource=f"{key.kind} {key.namespace}/{key.name}",
            path="spec.hosts",
            file=origin.file,
            line=origin.line,
            hint=_hint(mesh, claim),
        )
        for claim in _claims(mesh, resource)
    )


def _claims(mesh: Mesh, resource: Resource[Any]) -> Iterator[Claim]:
    for hostname in _spoken_for(mesh, resource):
        claim = ownership.foreign_claim(mesh, resource.kind, resource.namespace, hostname)
        if claim is not None:
            yield claim


def _spoken_for(mesh: Mesh, resource: Resource[Any]) -> tuple[str, ...]:
    """Hosts as others see them: none where it is exported to its own namespace alone."""
    own = frozenset((resource.namespace,))
    if resource.kind == SERVICE_ENTRY:
        targets = frozenset(resource.namespace if t == "." else t for t in resource.spec.export_to)
        return () if targets == own else tuple(resource.spec.hosts)
    rule = routed(mesh, resource.key)
    if rule is None or MESH not in rule.gateways or rule.export_to == own:
        return ()
    return rule.hosts


def _message(mesh: Mesh, claim: Claim) -> str:
    whose = f"the host {claim.hostname}, which is of the namespace {', '.join(claim.owners)}"
    if mesh.settings.host_ownership == HostOwnership.STRICT:
        return f"counts for clients of {claim.namespace} only: it speaks for {whose}"
    return f"speaks for {whose}, also for clients of other namespaces"


def _hint(mesh: Mesh, claim: Claim) -> str:
    if mesh.settings.host_ownership == HostOwnership.STRICT:
        return f"a ReferenceGrant in {claim.owners[0]} would allow it"
    return 'exportTo: ["."] keeps it to its own clients; --host-ownership strict keeps all such'
