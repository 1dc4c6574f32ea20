"""What is wrong with EnvoyFilters: each one by itself, and what it could not do to a proxy."""

from collections.abc import Iterable

from lateen.base.incremental import Node, derived
from lateen.base.problem import Problem
from lateen.translate.envoy_filter import layer
from lateen.translate.envoy_filter.patch import reading
from lateen.view.envoy_filter import KIND
from lateen.view.mesh import Mesh


@derived
def problems(mesh: Mesh) -> tuple[Problem, ...]:
    """Of the patches themselves, whatever they are applied to."""
    return tuple(
        found
        for resource in mesh.all_of_kind(KIND)
        for found in reading(mesh, resource.key).problems
    )


def problems_of(cells: Iterable[Node]) -> tuple[Problem, ...]:
    """Of patches that could not be applied to the resources in these cells; each once."""
    found: dict[Problem, None] = {}
    for cell in cells:
        for dep in cell.deps:
            if isinstance(dep.value, layer.Applied):
                found.update(dict.fromkeys(dep.value.problems))
    return tuple(found)
