"""Which DestinationRule governs."""

from lateen.view.destination_rule import (
    DestinationPolicy,
    destination_rule,
    inbound_destination_rule,
)
from lateen.view.mesh import Mesh
from tests.unit.view.meshes import apply, istio, mesh_of, scope_of

WEB = "web.shop.svc.cluster.local"


def rule(name: str, namespace: str, host: str = WEB, more: str = "", age: str = "") -> str:
    """A rule whose only subset has its name."""
    spec = f"host: '{host}', subsets: [{{name: {name}}}]{', ' if more else ''}{more}"
    meta = f'creationTimestamp: "{age}"' if age else ""
    return istio("DestinationRule", name, spec, namespace, meta)


def governing(mesh: Mesh, namespace: str = "client", **labels: str) -> DestinationPolicy | None:
    return destination_rule(mesh, scope_of(mesh, namespace, **labels), WEB, "shop")


def names(policy: DestinationPolicy | None) -> list[str]:
    return [subset.name for subset in policy.subsets] if policy is not None else []


def test_client_then_service_then_root_namespace() -> None:
    mesh = mesh_of(rule("root", "istio-system"))
    assert names(governing(mesh)) == ["root"]

    apply(mesh, rule("service", "shop"))
    assert names(governing(mesh)) == ["service"]

    apply(mesh, rule("client", "client"))
    assert names(governing(mesh)) == ["client"]


def test_rule_of_an_unrelated_namespace_never_governs() -> None:
    assert governing(mesh_of(rule("other", "other"))) is None


def test_rule_that_is_not_exported_governs_its_own_namespace_only() -> None:
    mesh = mesh_of(rule("private", "shop", more="exportTo: ['.']"))

    assert governing(mesh) is None
    assert names(governing(mesh, "shop")) == ["private"]


def test_root_clients_prefer_the_services_rule() -> None:
    mesh = mesh_of(rule("root", "istio-system", "*.svc.cluster.local") + rule("service", "shop"))

    assert names(governing(mesh, "istio-system")) == ["service"]


def test_private_root_rule_is_for_root_clients() -> None:
    mesh = mesh_of(rule("root", "istio-system", more="exportTo: ['.']") + rule("service", "shop"))

    assert names(governing(mesh, "istio-system")) == ["root"]


def test_short_name_is_of_the_rules_namespace() -> None:
    assert names(governing(mesh_of(rule("a", "shop", "web")))) == ["a"]
    assert governing(mesh_of(rule("a", "client", "web"))) is None


def test_most_specific_host_wins_within_a_namespace() -> None:
    wide = rule("wide", "client", "*.local")
    mesh = mesh_of(wide + rule("narrow", "client", "*.shop.svc.cluster.local"))
    assert names(governing(mesh)) == ["narrow"]

    apply(mesh, rule("exact", "client"))
    assert names(governing(mesh)) == ["exact"]


TLS = "trafficPolicy: {tls: {mode: SIMPLE}}"


def test_rules_of_one_host_merge_by_age() -> None:
    mesh = mesh_of(
        rule("new", "client", age="2024-01-01T00:00:00Z", more=TLS)
        + rule("old", "client", age="2020-01-01T00:00:00Z")
        + rule("mid", "client", age="2022-01-01T00:00:00Z", more=TLS.replace("SIMPLE", "DISABLE"))
    )

    policy = governing(mesh)

    assert names(policy) == ["old", "mid", "new"]
    assert policy is not None
    assert policy.traffic_policy is not None
    assert policy.traffic_policy.tls is not None
    assert policy.traffic_policy.tls.mode == "DISABLE"
    assert [key.name for key in policy.sources] == ["old", "mid", "new"]


def test_later_subset_of_the_same_name_is_dropped() -> None:
    first = istio(
        "DestinationRule", "a", f"host: {WEB}, subsets: [{{name: v1, labels: {{v: a}}}}]", "shop"
    )
    second = istio(
        "DestinationRule", "b", f"host: {WEB}, subsets: [{{name: v1, labels: {{v: b}}}}]", "shop"
    )

    policy = governing(mesh_of(first + second))

    assert policy is not None
    assert [subset.labels for subset in policy.subsets] == [{"v": "a"}]


def test_rules_exported_differently_do_not_merge() -> None:
    mesh = mesh_of(rule("a", "shop") + rule("b", "shop", more="exportTo: [client, shop]"))

    assert names(governing(mesh)) == ["a"]


SELECTOR = "workloadSelector: {matchLabels: {app: x}}"


def test_workload_selector_is_preferred_by_those_it_selects() -> None:
    mesh = mesh_of(rule("all", "client") + rule("mine", "client", more=SELECTOR))

    assert names(governing(mesh, app="x")) == ["mine", "all"]
    assert names(governing(mesh, app="y")) == ["all"]


def test_workload_selector_is_private_to_its_namespace() -> None:
    mesh = mesh_of(rule("mine", "shop", more=SELECTOR))

    assert governing(mesh, app="x") is None


def test_server_side_knows_no_workload_selector() -> None:
    mesh = mesh_of(rule("mine", "shop", more=SELECTOR) + rule("all", "shop"))

    assert names(inbound_destination_rule(mesh, "shop", WEB, "shop")) == ["all"]


def test_change_of_a_rule_is_not_seen_at_another_host() -> None:
    mesh = mesh_of("".join(rule(f"r{i}", "client", f"h{i}.com") for i in range(50)))
    scope = scope_of(mesh, "client")
    for i in range(50):
        destination_rule(mesh, scope, f"h{i}.com", "shop")
    before = mesh.graph.evaluations

    apply(mesh, rule("r7", "client", "h7.com", "trafficPolicy: {tls: {mode: SIMPLE}}"))
    for i in range(50):
        destination_rule(mesh, scope, f"h{i}.com", "shop")

    assert mesh.graph.evaluations - before == 1
