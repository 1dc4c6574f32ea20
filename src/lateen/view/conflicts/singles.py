"""Resources of which one is meant for each namespace or selector: the oldest counts."""

from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.view.conflicts.report import at, conflict
from lateen.view.mesh import Mesh


@derived
def of_kind(mesh: Mesh, kind: str, namespace: str, selector: str) -> tuple[Problem, ...]:
    found = [
        resource
        for key in mesh.index.keys("only one", kind, namespace, selector)
        if (resource := mesh.resource(key)) is not None
    ]
    found.sort(key=lambda resource: resource.age)
    if len(found) < 2:
        return ()
    whom = f"workloads with {selector}" if selector else f"namespace {namespace}"
    winner = at(mesh, found[0].key)
    return tuple(
        conflict(
            mesh, resource.key, "spec",
            code=f"{kind.lower()}-conflict",
            message=f"{whom} already has {winner}, which is older; this one is without effect",
            hint="merge the two, or select other workloads",
        )
        for resource in found[1:]
    )  # fmt: skip
