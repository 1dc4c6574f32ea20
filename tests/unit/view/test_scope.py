"""What a scope sees."""

from lateen.view import scope
from lateen.view.mesh import Mesh
from tests.unit.view.meshes import apply, istio, mesh_of, scope_of, service

PORT = "ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC"


def entry(host: str, namespace: str = "default", more: str = "", ports: str = PORT) -> str:
    name = host.replace("*", "any").replace(".", "-")
    return istio("ServiceEntry", name, f"hosts: ['{host}'], {ports}{more}", namespace)


def seen(mesh: Mesh, namespace: str = "default", **labels: str) -> list[str]:
    found = scope.services(mesh, scope_of(mesh, namespace, **labels))
    return [f"{item.namespace}/{item.hostname}" for item in found]


def sidecar(egress: str, namespace: str = "default", name: str = "default") -> str:
    return istio("Sidecar", name, f"egress: [{egress}]", namespace)


def test_everything_exported_is_seen_without_a_sidecar_resource() -> None:
    mesh = mesh_of(
        entry("a.com")
        + entry("b.com", "far")
        + entry("c.com", "far", ", exportTo: ['.']")
        + entry("d.com", "far", ", exportTo: [default]")
        + entry("e.com", more=", exportTo: ['~']")
    )

    assert seen(mesh) == ["default/a.com", "far/b.com", "far/d.com"]


def test_mesh_default_export_counts_where_none_is_written() -> None:
    mesh = mesh_of(entry("a.com", "far"), mesh_config="defaultServiceExportTo: ['.']")

    assert seen(mesh) == []


def test_annotation_exports_a_kubernetes_service() -> None:
    meta = "annotations: {networking.istio.io/exportTo: '.'}"
    mesh = mesh_of(service("web", "ports: [{port: 80}]", "far", meta))

    assert seen(mesh) == []
    assert seen(mesh, "far") == ["far/web.far.svc.cluster.local"]


def test_own_namespace_wins_a_hostname() -> None:
    mesh = mesh_of(entry("a.com", "another") + entry("a.com") + entry("a.com", "zeta"))

    assert seen(mesh) == ["default/a.com"]
    assert seen(mesh, "zeta") == ["zeta/a.com"]


def test_kubernetes_service_wins_a_hostname_of_foreign_namespaces() -> None:
    host = "web.shop.svc.cluster.local"
    mesh = mesh_of(entry(host, "another") + service("web", "ports: [{port: 80}]", "shop"))

    assert seen(mesh) == [f"shop/{host}"]


def test_oldest_wins_a_hostname_of_foreign_namespaces() -> None:
    old = istio(
        "ServiceEntry", "zz", f"hosts: [a.com], {PORT}", "zeta",
        'creationTimestamp: "2020-01-01T00:00:00Z"',
    )  # fmt: skip
    young = istio(
        "ServiceEntry", "aa", f"hosts: [a.com], {PORT}", "alpha",
        'creationTimestamp: "2024-01-01T00:00:00Z"',
    )  # fmt: skip

    assert seen(mesh_of(young + old)) == ["zeta/a.com"]


def test_egress_hosts_limit_what_is_seen() -> None:
    services = entry("a.com") + entry("b.com", "far") + entry("c.org", "far")

    assert seen(mesh_of(services + sidecar("{hosts: ['./*']}"))) == ["default/a.com"]
    assert seen(mesh_of(services + sidecar("{hosts: ['*/*.com']}"))) == [
        "default/a.com",
        "far/b.com",
    ]
    assert seen(mesh_of(services + sidecar("{hosts: ['far/c.org']}"))) == ["far/c.org"]
    assert seen(mesh_of(services + sidecar("{hosts: ['~/*']}"))) == []


def test_excluded_hosts_are_left_out_of_an_import() -> None:
    mesh = mesh_of(entry("a.com") + entry("b.com") + sidecar("{hosts: ['*/*', '~/b.com']}"))

    assert seen(mesh) == ["default/a.com"]


def test_exact_import_does_not_bring_a_wildcard_service() -> None:
    mesh = mesh_of(entry("*.a.com", ports=PORT.replace("STATIC", "NONE")))
    apply(mesh, sidecar("{hosts: ['./x.a.com']}"))
    assert seen(mesh) == []

    apply(mesh, sidecar("{hosts: ['./*.a.com']}"))
    assert seen(mesh) == ["default/*.a.com"]


def test_listener_with_a_port_reduces_services_to_it() -> None:
    two = "ports: [{number: 80, name: a, protocol: HTTP}, {number: 90, name: b, protocol: HTTP}]"
    mesh = mesh_of(
        entry("a.com", ports=f"{two}, resolution: STATIC")
        + entry("b.com")
        + sidecar("{port: {number: 90, protocol: HTTP, name: x}, hosts: ['*/*']}")
    )

    (only,) = scope.services(mesh, scope_of(mesh))

    assert only.hostname == "a.com"
    assert [port.number for port in only.ports] == [90]


def test_http_proxy_listener_keeps_all_ports() -> None:
    mesh = mesh_of(
        entry("a.com")
        + sidecar("{port: {number: 3128, protocol: HTTP_PROXY, name: x}, hosts: ['*/*']}")
    )

    assert seen(mesh) == ["default/a.com"]


def test_ports_of_several_listeners_add_up() -> None:
    two = "ports: [{number: 80, name: a, protocol: HTTP}, {number: 90, name: b, protocol: HTTP}]"
    mesh = mesh_of(
        entry("a.com", ports=f"{two}, resolution: STATIC")
        + sidecar(
            "{port: {number: 90, protocol: HTTP, name: x}, hosts: ['*/*']},"
            "{port: {number: 80, protocol: HTTP, name: z}, hosts: ['*/*']}"
        )
    )

    (only,) = scope.services(mesh, scope_of(mesh))

    assert sorted(port.number for port in only.ports) == [80, 90]


ROUTE = "http: [{route: [{destination: {host: b.com}}], mirror: {host: c.com}}]"


def test_destinations_of_an_imported_virtual_service_are_seen() -> None:
    mesh = mesh_of(
        entry("a.com")
        + entry("b.com", "far")
        + entry("c.com", "far")
        + entry("d.com", "far")
        + istio("VirtualService", "a", f"hosts: [a.com], {ROUTE}")
        + sidecar("{hosts: ['./a.com']}")
    )

    assert seen(mesh) == ["default/a.com", "far/b.com", "far/c.com"]
    assert [item.hostname for item in scope.listener_services(mesh, scope_of(mesh), 0)] == ["a.com"]


def test_destination_of_routes_for_other_namespaces_is_not_seen() -> None:
    only = "http: [{match: [{sourceNamespace: other}], route: [{destination: {host: b.com}}]}]"
    mesh = mesh_of(
        entry("a.com")
        + entry("b.com", "far")
        + istio("VirtualService", "a", f"hosts: [a.com], {only}")
        + sidecar("{hosts: ['./a.com']}")
    )

    assert seen(mesh) == ["default/a.com"]


def test_find_service_gives_the_one_that_is_seen() -> None:
    mesh = mesh_of(entry("a.com", "far") + entry("b.com") + sidecar("{hosts: ['./*']}"))

    assert scope.find_service(mesh, scope_of(mesh), "a.com") is None
    found = scope.find_service(mesh, scope_of(mesh), "b.com")
    assert found is not None
    assert found.namespace == "default"


def test_change_of_a_service_is_not_seen_at_another() -> None:
    mesh = mesh_of("".join(entry(f"s{i}.com") for i in range(50)))
    view = scope_of(mesh)
    for i in range(50):
        scope.find_service(mesh, view, f"s{i}.com")
    before = mesh.graph.evaluations

    apply(mesh, entry("s7.com", ports=PORT.replace("80", "81")))
    for i in range(50):
        scope.find_service(mesh, view, f"s{i}.com")

    assert mesh.graph.evaluations - before < 8


def test_exact_imports_do_not_depend_on_new_services() -> None:
    mesh = mesh_of(entry("a.com") + sidecar("{hosts: ['./a.com']}"))
    view = scope_of(mesh)
    scope.services(mesh, view)
    before = mesh.graph.evaluations

    apply(mesh, entry("new.com"))
    scope.services(mesh, view)

    assert mesh.graph.evaluations == before
