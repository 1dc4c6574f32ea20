"""Two Services, one port, two protocols."""

from lateen.view.conflicts import conflicts
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import mesh_of, service


def of(name: str, protocol: str, target: int = 8080, labels: str = "app: web") -> str:
    port = f"{{name: {protocol}, port: 80, targetPort: {target}}}"
    return service(name, f"selector: {{{labels}}}, ports: [{port}]")


def test_the_older_service_decides_and_the_other_is_told() -> None:
    (found,) = conflicts(mesh_of(of("a", "http") + of("b", "tcp", labels="app: web, v: one")))

    assert (found.code, found.resource) == ("listener-conflict", "Service default/b")
    assert found.path == "spec.ports[0]"
    assert "port 8080 of the workloads speaks HTTP, by Service default/a (mesh" in found.message


def test_other_workloads_and_other_ports_do_not_meet() -> None:
    mesh = mesh_of(
        of("a", "http", labels="app: web, v: one")
        + of("b", "tcp", labels="app: web, v: two")
        + of("c", "tcp", target=9090)
    )

    assert told(mesh) == []
