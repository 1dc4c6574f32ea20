"""What only one of two can have."""

from lateen.view.conflicts import conflicts
from lateen.view.mesh import Mesh
from tests.unit.view.meshes import istio, mesh_of

ROUTE = "http: [{route: [{destination: {host: web}}]}]"


def told(mesh: Mesh) -> list[tuple[str, str, str]]:
    return [(item.code, item.resource, item.path) for item in conflicts(mesh)]


def rule(name: str, more: str = "", namespace: str = "default") -> str:
    return istio("VirtualService", name, f"hosts: [a.com, b.com], {ROUTE}{more}", namespace)


def test_mesh_without_conflicts_has_none() -> None:
    assert told(mesh_of(rule("a"))) == []


def test_second_virtual_service_of_a_host_is_reported() -> None:
    found = conflicts(mesh_of(rule("a") + rule("b")))

    assert [item.path for item in found] == ["spec.hosts[0]", "spec.hosts[1]"]
    assert found[0].resource == "VirtualService default/b"
    assert "VirtualService default/a" in found[0].message
    assert found[0].line > 1


def test_virtual_services_that_no_namespace_sees_both_of_do_not_conflict() -> None:
    private = ", exportTo: ['.']"

    assert told(mesh_of(rule("a", private) + rule("b", private, "far"))) == []


def test_virtual_services_of_gateways_do_not_conflict() -> None:
    gateway = ", gateways: [edge]"

    assert told(mesh_of(rule("a", gateway) + rule("b", gateway))) == []


def test_server_that_is_left_out_is_reported() -> None:
    http = "{port: {number: 80, name: h, protocol: HTTP}, hosts: ['*']}"
    tcp = "{port: {number: 80, name: t, protocol: TCP}, hosts: ['*']}"
    mesh = mesh_of(
        istio("Gateway", "a", f"selector: {{istio: x}}, servers: [{http}]")
        + istio("Gateway", "b", f"selector: {{istio: x}}, servers: [{tcp}]")
    )

    assert told(mesh) == [("gateway-conflict", "Gateway default/b", "spec.servers[0]")]


def test_second_subset_of_a_name_is_reported() -> None:
    spec = "host: web, subsets: [{name: v1, labels: {version: v1}}]"
    mesh = mesh_of(istio("DestinationRule", "a", spec) + istio("DestinationRule", "b", spec))

    assert told(mesh) == [
        ("destination-rule-conflict", "DestinationRule default/b", "spec.subsets[0].name")
    ]
