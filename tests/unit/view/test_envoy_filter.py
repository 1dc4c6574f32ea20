"""Which EnvoyFilters concern a proxy."""

from dataclasses import replace

from lateen.view import proxy_class as classes
from lateen.view.envoy_filter import selection
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.unit.translate.outbound_world import mesh_of

PROXY = ProxyClass(namespace="shop", labels=(("app", "web"),))


def envoy_filter(name: str, namespace: str, spec: str = "", proxy: str = "") -> str:
    match = f", match: {{proxy: {proxy}}}" if proxy else ""
    return f"""
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  configPatches:
  - {{applyTo: CLUSTER{match}, patch: {{operation: MERGE, value: {{connect_timeout: 1s}}}}}}
{spec}
"""


def names(mesh: Mesh, proxy: ProxyClass = PROXY) -> list[str]:
    return [each.key.name for each in selection(mesh, proxy)]


def test_those_of_the_root_namespace_come_before_its_own() -> None:
    mesh = mesh_of(
        envoy_filter("a", "shop"), envoy_filter("b", "istio-system"), envoy_filter("c", "other")
    )

    assert names(mesh) == ["b", "a"]


def test_priority_goes_before_the_namespace() -> None:
    mesh = mesh_of(envoy_filter("a", "shop", "  priority: -1"), envoy_filter("b", "istio-system"))

    assert names(mesh) == ["a", "b"]


def test_a_selector_chooses_by_labels() -> None:
    mesh = mesh_of(envoy_filter("a", "shop", "  workloadSelector: {labels: {app: db}}"))

    assert names(mesh) == []
    assert names(mesh, replace(PROXY, labels=(("app", "db"),))) == ["a"]


def test_target_references_choose_gateways_by_name() -> None:
    target = "{group: gateway.networking.k8s.io, kind: Gateway, name: main}"
    mesh = mesh_of(envoy_filter("a", "shop", f"  targetRefs: [{target}]"))
    gateway = replace(PROXY, labels=(("gateway.networking.k8s.io/gateway-name", "main"),))

    assert names(mesh) == []
    assert names(mesh, gateway) == ["a"]


def described(mesh: Mesh, metadata: dict[str, str]) -> ProxyClass:
    proxy = classes.proxy_from_description({"namespace": "shop", "metadata": metadata}, mesh)
    return classes.classify(mesh, proxy.proxy_class)


def test_a_version_matches_by_expression_and_never_when_unknown() -> None:
    mesh = mesh_of(envoy_filter("a", "shop", proxy=r"{proxyVersion: '^1\.30.*'}"))

    assert names(mesh, described(mesh, {"ISTIO_VERSION": "1.30.0"})) == ["a"]
    assert names(mesh, described(mesh, {"ISTIO_VERSION": "1.29.0"})) == []
    assert names(mesh, described(mesh, {})) == []


def test_metadata_matches_exactly_and_makes_proxies_differ_only_when_asked_for() -> None:
    mesh = mesh_of(envoy_filter("a", "shop", proxy="{metadata: {TEAM: red}}"))

    assert names(mesh, described(mesh, {"TEAM": "red"})) == ["a"]
    assert names(mesh, described(mesh, {"TEAM": "blue"})) == []
    assert described(mesh_of(), {"TEAM": "red"}) == described(mesh_of(), {"TEAM": "blue"})
