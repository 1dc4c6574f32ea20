"""Mutual TLS modes of PeerAuthentication."""

from lateen.view.authentication import namespace_mode, peer_mode, port_modes
from lateen.view.mesh import Mesh
from tests.unit.view.meshes import istio, mesh_of

APP = (("app", "web"),)


def policy(name: str, namespace: str, mode: str, more: str = "", age: str = "") -> str:
    meta = f'creationTimestamp: "{age}"' if age else ""
    return istio("PeerAuthentication", name, f"mtls: {{mode: {mode}}}{more}", namespace, meta)


MINE = ", selector: {matchLabels: {app: web}}"


def modes(mesh: Mesh, namespace: str = "default", port: int = 0) -> tuple[str, str]:
    return peer_mode(mesh, namespace, APP, port), namespace_mode(mesh, namespace)


def test_permissive_without_any_policy() -> None:
    assert modes(mesh_of()) == ("PERMISSIVE", "PERMISSIVE")


def test_workload_beats_namespace_beats_root() -> None:
    mesh = mesh_of(
        policy("mine", "default", "DISABLE", MINE)
        + policy("ours", "default", "PERMISSIVE")
        + policy("all", "istio-system", "STRICT")
    )

    assert modes(mesh) == ("DISABLE", "PERMISSIVE")
    assert modes(mesh, "other") == ("STRICT", "STRICT")


def test_unset_asks_the_wider_policy() -> None:
    mesh = mesh_of(
        policy("mine", "default", "UNSET", MINE)
        + policy("ours", "default", "UNSET")
        + policy("all", "istio-system", "STRICT")
    )

    assert modes(mesh) == ("STRICT", "STRICT")


def test_port_level_beats_its_policy() -> None:
    ports = ", portLevelMtls: {8080: {mode: DISABLE}, 9090: {mode: UNSET}}"
    mesh = mesh_of(policy("mine", "default", "STRICT", MINE + ports))

    assert modes(mesh, port=8080)[0] == "DISABLE"
    assert modes(mesh, port=9090)[0] == "STRICT"
    assert port_modes(mesh, "default", APP) == ((8080, "DISABLE"),)


def test_oldest_policy_of_a_level_counts() -> None:
    mesh = mesh_of(
        policy("a", "default", "STRICT", age="2024-01-01T00:00:00Z")
        + policy("b", "default", "DISABLE", age="2020-01-01T00:00:00Z")
    )

    assert modes(mesh) == ("DISABLE", "DISABLE")


def test_root_selector_reaches_no_other_namespace() -> None:
    mesh = mesh_of(policy("mine", "istio-system", "STRICT", MINE))

    assert modes(mesh) == ("PERMISSIVE", "PERMISSIVE")


def test_port_level_without_a_selector_is_without_effect() -> None:
    mesh = mesh_of(policy("ours", "default", "STRICT", ", portLevelMtls: {8080: {mode: DISABLE}}"))

    assert modes(mesh, port=8080)[0] == "STRICT"


def test_selector_in_the_root_namespace_is_without_effect() -> None:
    mesh = mesh_of(policy("mine", "istio-system", "STRICT", MINE))

    assert modes(mesh, "istio-system")[0] == "PERMISSIVE"
