"""Policies of which a namespace or a workload has one."""

from lateen.view.conflicts import conflicts
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import istio, mesh_of


def policy(name: str, selector: str = "", namespace: str = "default") -> str:
    labels = f", selector: {{matchLabels: {{{selector}}}}}" if selector else ""
    return istio("PeerAuthentication", name, f"mtls: {{mode: STRICT}}{labels}", namespace)


def test_second_policy_of_a_namespace_is_reported_with_the_first() -> None:
    (found,) = conflicts(mesh_of(policy("a") + policy("b")))

    assert found.code == "peerauthentication-conflict"
    assert found.resource == "PeerAuthentication default/b"
    assert "namespace default already has PeerAuthentication default/a (mesh.yaml:2)" in (
        found.message
    )


def test_second_sidecar_of_the_same_workloads_is_reported() -> None:
    both = "".join(
        istio(
            "Sidecar", name,
            "workloadSelector: {labels: {app: web}}, egress: [{hosts: ['./*']}]",
        )
        for name in "ab"
    )  # fmt: skip

    assert told(mesh_of(both)) == [("sidecar-conflict", "Sidecar default/b", "spec")]


def test_policies_of_other_workloads_and_namespaces_do_not_meet() -> None:
    mesh = mesh_of(policy("a") + policy("b", "app: web") + policy("c", namespace="far"))

    assert told(mesh) == []
