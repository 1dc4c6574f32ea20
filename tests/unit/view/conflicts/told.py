"""Conflicts in the short form that tests compare."""

from lateen.view.conflicts import conflicts
from lateen.view.mesh import Mesh


def told(mesh: Mesh) -> list[tuple[str, str, str]]:
    return [(item.code, item.resource, item.path) for item in conflicts(mesh)]
