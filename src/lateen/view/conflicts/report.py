"""A conflict as a problem: at the loser, naming the winner and where that one is written."""

from lateen.api.resource import Key
from lateen.base.problem import Problem, Severity
from lateen.view.mesh import Mesh


def conflict(mesh: Mesh, loser: Key, path: str, *, code: str, message: str, hint: str) -> Problem:
    origin = mesh.origin(loser)
    return Problem(
        code=code,
        message=message,
        severity=Severity.WARNING,
        resource=str(loser),
        path=path,
        file=origin.file,
        line=origin.line,
        hint=hint,
    )


def at(mesh: Mesh, winner: Key) -> str:
    """`VirtualService shop/a (routes.yaml:12)`."""
    origin = mesh.origin(winner)
    return f"{winner} ({origin})" if origin.file else str(winner)
