"""Which cells are patched, and what a change of a patch touches."""

from dataclasses import replace

from lateen.translate import discovery
from lateen.translate.clusters import build
from tests.unit.translate.envoy_filter.patch_world import (
    CLIENT,
    CLUSTER,
    HCM,
    SERVER,
    cluster,
    envoy_filter,
    found_problems,
    patch,
    patched_mesh,
    sent,
)
from tests.unit.translate.outbound_world import apply, http_service, mesh_of

MERGE = patch("CLUSTER", "MERGE", "{connect_timeout: 3s}", f"{{cluster: {{name: '{CLUSTER}'}}}}")


def test_a_proxy_without_patches_has_the_unpatched_cell_itself() -> None:
    mesh = mesh_of(http_service("web"), envoy_filter(MERGE, namespace="other"))

    assert discovery.cell(mesh, CLIENT, discovery.CLUSTER, CLUSTER) is build.cell(
        mesh, CLIENT, CLUSTER
    )


def test_proxies_with_the_same_patches_share_the_patched_cell() -> None:
    mesh = patched_mesh(MERGE)

    assert discovery.cell(mesh, CLIENT, discovery.CLUSTER, CLUSTER) is discovery.cell(
        mesh, SERVER, discovery.CLUSTER, CLUSTER
    )


def test_a_resource_that_no_patch_is_for_keeps_its_very_bytes() -> None:
    mesh = patched_mesh(MERGE)
    name = "PassthroughCluster"

    patched = discovery.cell(mesh, CLIENT, discovery.CLUSTER, name).read()

    assert patched is build.cell(mesh, CLIENT, name).read()


def test_a_changed_value_reaches_the_same_cell() -> None:
    mesh = patched_mesh(MERGE)
    cell = discovery.cell(mesh, CLIENT, discovery.CLUSTER, CLUSTER)
    cell.read()

    apply(mesh, envoy_filter(MERGE.replace("3s", "4s")))

    assert discovery.cell(mesh, CLIENT, discovery.CLUSTER, CLUSTER) is cell
    assert cluster(mesh)["connect_timeout"] == "4s"


def test_extension_configurations_are_found_by_name() -> None:
    value = (
        "{name: mine, typed_config: {'@type': "
        "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}}"
    )
    mesh = patched_mesh(patch("EXTENSION_CONFIG", "ADD", value))

    assert sent(mesh, discovery.EXTENSION, "mine")
    assert sent(mesh, discovery.EXTENSION, "other") is None


def test_filters_apply_by_priority_then_root_namespace_first() -> None:
    def timed(seconds: int, name: str, namespace: str, priority: int) -> str:
        written = MERGE.replace("3s", f"{seconds}s")
        return envoy_filter(written, name=name, namespace=namespace, more=f"  priority: {priority}")

    root = timed(5, "root", "istio-system", 0)
    local = timed(6, "local", "shop", 0)
    late = timed(7, "late", "istio-system", 1)

    assert cluster(mesh_of(http_service("web"), local, root))["connect_timeout"] == "6s"
    assert cluster(mesh_of(http_service("web"), late, local))["connect_timeout"] == "7s"


def test_the_selector_decides_which_proxies_are_patched() -> None:
    mesh = mesh_of(
        http_service("web"),
        envoy_filter(MERGE, more="  workloadSelector: {labels: {app: web}}"),
    )

    assert cluster(mesh)["connect_timeout"] == "10s"
    assert sent(mesh, discovery.CLUSTER, CLUSTER, SERVER) != cluster(mesh)
    assert sent(mesh, discovery.CLUSTER, CLUSTER, replace(SERVER, namespace="x")) == cluster(mesh)


def test_what_touches_security_or_is_not_applied_is_pointed_out() -> None:
    guard = HCM.replace("manager}", "manager, subFilter: {name: envoy.filters.http.rbac}}")
    mesh = patched_mesh(
        patch("HTTP_FILTER", "REMOVE", match=f"{{listener: {guard}}}"),
        patch("BOOTSTRAP", "MERGE", "{stats_config: {}}"),
    )

    assert [(each.code, str(each.severity)) for each in found_problems(mesh)] == [
        ("envoy-filter-security", "warning"),
        ("envoy-filter", "warning"),
    ]
