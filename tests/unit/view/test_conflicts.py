"""All conflicts together: in order, and at the price of what changed."""

from lateen.api.resource import Change
from lateen.config import documents
from lateen.view.conflicts import conflicts
from lateen.view.mesh import Mesh
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import apply, delete, istio, mesh_of

ROUTE = "http: [{route: [{destination: {host: web}}]}]"
HOSTS = 200


def rule(name: str, host: str) -> str:
    return istio("VirtualService", name, f"hosts: [{host}], {ROUTE}")


def crowd() -> Mesh:
    """Half of the hosts have two VirtualServices."""
    return mesh_of(
        "".join(rule(f"a{number}", f"h{number}.com") for number in range(HOSTS))
        + "".join(rule(f"b{number}", f"h{number}.com") for number in range(HOSTS // 2))
    )


def test_a_conflict_goes_with_either_side() -> None:
    mesh = mesh_of(rule("a", "a.com") + rule("b", "a.com"))
    assert told(mesh) == [("virtual-service-conflict", "VirtualService default/b", "spec.hosts[0]")]

    delete(mesh, "VirtualService", "default", "a")

    assert told(mesh) == []


def test_one_change_costs_the_rows_that_it_enters() -> None:
    mesh = crowd()
    assert len(conflicts(mesh)) == HOSTS // 2
    before = mesh.graph.evaluations

    apply(mesh, rule("c", "h150.com"))

    assert len(conflicts(mesh)) == HOSTS // 2 + 1
    assert mesh.graph.evaluations - before < 10


def test_an_object_without_conflicts_costs_nothing_but_its_row() -> None:
    mesh = crowd()
    conflicts(mesh)
    before = mesh.graph.evaluations

    apply(mesh, rule("c", "new.com"))
    conflicts(mesh)

    assert mesh.graph.evaluations - before < 3


def test_places_follow_the_lines_of_the_file() -> None:
    mesh = mesh_of(rule("a", "a.com") + rule("b", "a.com"))
    moved = documents.read("\n\n" + rule("a", "a.com") + rule("b", "a.com"), "mesh.yaml")

    mesh.apply(Change(each.key, each) for each in moved.resources)

    (found,) = conflicts(mesh)
    assert found.line == 9
    assert "(mesh.yaml:4)" in found.message
