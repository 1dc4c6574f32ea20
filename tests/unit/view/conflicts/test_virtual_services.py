"""VirtualServices of one host on sidecars."""

from lateen.view.conflicts import conflicts
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import istio, mesh_of

ROUTE = "http: [{route: [{destination: {host: web}}]}]"


def rule(name: str, more: str = "", namespace: str = "default") -> str:
    return istio("VirtualService", name, f"hosts: [a.com, b.com], {ROUTE}{more}", namespace)


def test_mesh_without_conflicts_has_none() -> None:
    assert told(mesh_of(rule("a"))) == []


def test_second_virtual_service_of_a_host_is_reported() -> None:
    found = conflicts(mesh_of(rule("a") + rule("b")))

    assert [item.path for item in found] == ["spec.hosts[0]", "spec.hosts[1]"]
    assert found[0].resource == "VirtualService default/b"
    assert "VirtualService default/a (mesh.yaml:2)" in found[0].message
    assert (found[0].file, found[0].line) == ("mesh.yaml", 7)


def test_virtual_services_that_no_namespace_sees_both_of_do_not_conflict() -> None:
    private = ", exportTo: ['.']"

    assert told(mesh_of(rule("a", private) + rule("b", private, "far"))) == []


def test_routes_of_the_gateway_api_merge() -> None:
    made = "annotations: {internal.istio.io/route-semantics: gateway}"
    both = (istio("VirtualService", name, f"hosts: [a.com], {ROUTE}", meta=made) for name in "ab")

    assert told(mesh_of("".join(both))) == []
