"""DestinationRules of one host: subsets, policies and audiences."""

from lateen.view.conflicts import conflicts
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import istio, mesh_of

CODE = "destination-rule-conflict"
V1 = "subsets: [{name: v1, labels: {version: v1}}]"
POLICY = "trafficPolicy: {tls: {mode: DISABLE}}"


def rule(name: str, *parts: str, host: str = "web") -> str:
    return istio("DestinationRule", name, ", ".join((f"host: {host}", *parts)))


def test_rules_that_complete_each_other_merge() -> None:
    assert told(mesh_of(rule("a", V1) + rule("b", POLICY))) == []


def test_second_subset_of_a_name_is_reported_with_the_first() -> None:
    (found,) = conflicts(mesh_of(rule("a", V1) + rule("b", V1)))

    assert (found.code, found.resource) == (CODE, "DestinationRule default/b")
    assert found.path == "spec.subsets[0].name"
    assert "is that of DestinationRule default/a (mesh.yaml:2)" in found.message


def test_second_policy_is_reported() -> None:
    assert told(mesh_of(rule("a", POLICY) + rule("b", POLICY))) == [
        (CODE, "DestinationRule default/b", "spec.trafficPolicy")
    ]


def test_rules_with_other_audiences_do_not_merge_and_are_reported() -> None:
    mesh = mesh_of(rule("a", V1) + rule("b", POLICY, "exportTo: ['.']"))

    assert told(mesh) == [(CODE, "DestinationRule default/b", "spec.exportTo")]


def test_rules_of_other_hosts_or_workloads_do_not_meet() -> None:
    chosen = "workloadSelector: {matchLabels: {app: a}}"
    mesh = mesh_of(rule("a", V1) + rule("b", V1, host="other") + rule("c", V1, chosen))

    assert told(mesh) == []
