"""The mesh as a whole: changes, configuration, addresses that it gives."""

from lateen.api.resource import Key
from lateen.view import service as services
from lateen.view.mesh import Mesh, Settings
from tests.unit.view.meshes import apply, delete, istio, mesh_of, service

CONFIG = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    accessLogFile: /dev/stdout
"""


def address(mesh: Mesh, name: str) -> tuple[str, ...]:
    made = services.service(mesh, f"{name}.default.svc.cluster.local", "default")
    assert made is not None
    return made.addresses


def test_equal_object_changes_nothing() -> None:
    text = service("web", "ports: [{port: 80}]")
    mesh = mesh_of(text)
    address(mesh, "web")
    before = mesh.graph.evaluations

    apply(mesh, text)
    address(mesh, "web")

    assert mesh.graph.evaluations == before


def test_last_change_of_an_object_in_a_batch_counts() -> None:
    mesh = mesh_of(
        service("web", "clusterIP: 10.0.0.1, ports: [{port: 80}]")
        + service("other", "ports: [{port: 80}]")
    )

    apply(mesh, service("web", "clusterIP: 10.0.0.2, ports: [{port: 80}]"))

    assert address(mesh, "web") == ("10.0.0.2",)


def test_config_map_sets_the_mesh_configuration() -> None:
    mesh = mesh_of()
    assert mesh.config.access_log_file == ""

    apply(mesh, CONFIG)
    assert mesh.config.access_log_file == "/dev/stdout"

    delete(mesh, "ConfigMap", "istio-system", "istio")
    assert mesh.config.access_log_file == ""


def test_setting_replaces_the_config_map() -> None:
    mesh = mesh_of(CONFIG, mesh_config="trustDomain: other")

    assert mesh.config.access_log_file == ""
    assert mesh.trust_domain == "other"


def test_document_of_kind_mesh_config_is_the_mesh_configuration() -> None:
    mesh = mesh_of(CONFIG + "---\nkind: MeshConfig\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n")
    assert mesh.config.access_log_file == ""
    assert mesh.config.outbound_traffic_policy is not None
    assert mesh.config.outbound_traffic_policy.mode == "REGISTRY_ONLY"
    assert mesh.config.proxy_listen_port == 15001

    delete(mesh, "MeshConfig", "", "default")
    assert mesh.config.access_log_file == "/dev/stdout"


def test_unreadable_mesh_configuration_is_reported_and_changes_nothing() -> None:
    mesh = mesh_of(CONFIG.replace("accessLogFile: /dev/stdout", "accessLogFile: {a"))

    assert mesh.config == Mesh().config
    assert [problem.code for problem in mesh.problems] == ["syntax"]


def test_root_namespace_is_the_settings() -> None:
    assert Mesh(Settings(root_namespace="mesh-root")).root_namespace == "mesh-root"


def test_services_get_addresses_of_the_network_they_keep() -> None:
    text = "".join(service(f"s{i}", "ports: [{port: 80}]") for i in range(20))
    mesh = mesh_of(text, service_cidr="198.19.0.0/16")
    given = [address(mesh, f"s{i}") for i in range(20)]

    apply(mesh, service("more", "ports: [{port: 80}]"))

    assert len(set(given)) == 20
    assert all(item[0].startswith("198.19.") for item in given)
    assert [address(mesh, f"s{i}") for i in range(20)] == given


def test_addresses_do_not_depend_on_the_order_of_a_batch() -> None:
    texts = [service(f"s{i}", "ports: [{port: 80}]") for i in range(200)]
    forward = mesh_of("".join(texts), service_cidr="198.19.0.0/24")
    backward = mesh_of("".join(reversed(texts)), service_cidr="198.19.0.0/24")

    assert all(address(forward, f"s{i}") == address(backward, f"s{i}") for i in range(200))


def test_explicit_mode_leaves_the_last_byte_to_clients() -> None:
    mesh = mesh_of(
        service("web", "ports: [{port: 80}]"), service_cidr="127.64.0.0/10", service_step=256
    )

    (given,) = address(mesh, "web")

    assert given.startswith("127.")
    assert given.endswith(".0")


def test_headless_and_addressed_services_get_no_other_address() -> None:
    mesh = mesh_of(
        service("headless", "clusterIP: None, ports: [{port: 80}]")
        + service("fixed", "clusterIP: 10.0.0.1, ports: [{port: 80}]"),
        service_cidr="198.19.0.0/16",
    )

    assert address(mesh, "headless") == ()
    assert address(mesh, "fixed") == ("10.0.0.1",)


def test_address_is_free_again_after_its_service() -> None:
    mesh = mesh_of(service("web", "ports: [{port: 80}]"), service_cidr="198.19.0.0/30")
    first = address(mesh, "web")

    delete(mesh, "Service", "default", "web")
    apply(mesh, service("other", "ports: [{port: 80}]"))
    apply(mesh, service("third", "ports: [{port: 80}]"))

    assert first[0] in (*address(mesh, "other"), *address(mesh, "third"))


def test_resources_are_listed_by_kind_and_namespace() -> None:
    mesh = mesh_of(istio("Sidecar", "b", "egress: []") + istio("Sidecar", "a", "egress: []", "far"))

    assert [item.name for item in mesh.of_kind("Sidecar", "default")] == ["b"]
    assert [item.name for item in mesh.all_of_kind("Sidecar")] == ["b", "a"]
    assert mesh.resource(Key("Sidecar", "default", "none")) is None


def test_network_of_the_root_namespace_is_the_default() -> None:
    mesh = mesh_of()
    assert mesh.network == ""

    apply(
        mesh,
        "apiVersion: v1\nkind: Namespace\n"
        "metadata: {name: istio-system, labels: {topology.istio.io/network: n1}}\n",
    )

    assert mesh.network == "n1"
    assert Mesh(Settings(network="n2")).network == "n2"
