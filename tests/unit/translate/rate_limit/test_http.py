"""The HTTP filters of RateLimits."""

from typing import Any

from lateen.envoy import messages
from lateen.translate.listeners import inbound
from lateen.translate.rate_limit import http
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import apply, http_service, mesh_of

WORKLOAD = ProxyClass(namespace="shop", labels=(("app", "web"),))


def limit(name: str, *rules: str, namespace: str = "shop", more: str = "") -> str:
    return f"""
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{rules: [{", ".join(rules)}]{more}}}
"""


def filters(mesh: Mesh, workload: ProxyClass = WORKLOAD) -> list[dict[str, Any]]:
    return [messages.to_json(each) for each in http.http_filters(mesh, workload)]


def configs(mesh: Mesh) -> list[tuple[str, dict[str, Any]]]:
    return [(each["name"].rpartition(".")[2], each["typed_config"]) for each in filters(mesh)]


LOCAL = "{name: all, local: {requests: 60, unit: MINUTE, burst: 90}}"
GLOBAL = "{name: all, global: {requests: 1000, unit: HOUR}}"
EVERYTHING = """
- name: api
  from: [{source: {principals: [cluster.local/ns/app/sa/front], remoteIpBlocks: [10.0.0.0/8]}}]
  to: [{operation: {methods: [GET], paths: ["/api/*"]}}]
  when: [{key: "request.auth.claims[tier]", values: [free]}]
  by:
  - {header: {name: X-User, default: 'no "one"'}}
  - {principal: {}}
  - {path: {templates: ["/api/{*}/a.b", "/api/{**}"]}}
  - {claim: {path: [sub]}}
  - {remoteAddress: {ipv6Prefix: 64}}
  - {destination: {}}
  - {fixed: {value: v}, key: k}
  local: {requests: 5}
"""


def test_without_rate_limits_nothing_is_counted() -> None:
    assert filters(mesh_of()) == []


def test_a_local_limit_is_a_token_bucket_of_the_rule() -> None:
    ((name, config),) = configs(mesh_of(limit("api", LOCAL)))

    assert name == "local_ratelimit"
    (descriptor,) = config["descriptors"]
    assert descriptor["entries"] == [{"key": "rate_limit", "value": "shop/api/all"}]
    bucket = {"max_tokens": 90, "tokens_per_fill": 60, "fill_interval": "60s"}
    assert descriptor["token_bucket"] == bucket
    assert "token_bucket" not in config


def test_a_global_limit_goes_with_the_question_to_lateens_service() -> None:
    ((name, config),) = configs(mesh_of(limit("api", GLOBAL)))

    assert name == "ratelimit"
    assert config["domain"] == "lateen"
    grpc = config["rate_limit_service"]["grpc_service"]["envoy_grpc"]
    host = "lateen-rate-limit.istio-system.svc.cluster.local"
    assert grpc == {"cluster_name": f"rate-limit|8081||{host}", "authority": host}
    (asked,) = config["rate_limits"]
    assert asked["limit"]["rate_limit"] == {"requests_per_unit": 1000, "unit": "HOUR"}


def test_conditions_are_seen_by_shadow_rules_and_read_by_the_counting() -> None:
    rule = "{name: a, to: [{operation: {paths: [/a]}}], local: {requests: 1}}"
    (seen, counted) = configs(mesh_of(limit("api", rule)))

    assert seen[0] == "rbac"
    assert "rules" not in seen[1]
    assert list(seen[1]["shadow_rules"]["policies"]) == ["shop/api/a"]
    prefix = seen[1]["shadow_rules_stat_prefix"]
    (action,) = counted[1]["rate_limits"][0]["actions"]
    assert action["metadata"]["metadata_key"] == {
        "key": "envoy.filters.http.rbac",
        "path": [{"key": f"{prefix}shadow_effective_policy_id"}],
    }


def test_several_rate_limits_all_apply_root_namespace_first() -> None:
    mesh = mesh_of(
        limit("b", LOCAL), limit("z", LOCAL, namespace="istio-system"), limit("a", LOCAL)
    )

    prefixes = [config["stat_prefix"] for _, config in configs(mesh)]
    assert prefixes == [
        "istio_rate_limit.istio-system.z",
        "istio_rate_limit.shop.a",
        "istio_rate_limit.shop.b",
    ]


def test_global_rules_that_are_answered_alike_are_one_question() -> None:
    mesh = mesh_of(
        limit("a", GLOBAL), limit("b", GLOBAL), limit("c", GLOBAL, more=", response: {status: 503}")
    )

    found = configs(mesh)
    assert [len(config["rate_limits"]) for _, config in found] == [2, 1]
    assert found[1][1]["rate_limited_status"] == {"code": "ServiceUnavailable"}


def test_shadow_rules_refuse_nothing() -> None:
    local, asked = (
        rule.replace("name: all", "name: all, shadow: true") for rule in (LOCAL, GLOBAL)
    )
    (_, bucket), (_, question) = configs(mesh_of(limit("a", local), limit("b", asked)))

    assert bucket["descriptors"][0]["shadow_mode"] is True
    assert question["filter_enforced"]["default_value"] == {}


def test_a_service_that_knows_the_limits_is_asked_with_the_entries_alone() -> None:
    rule = "{name: a, by: [{fixed: {value: v}, key: k}], global: {}}"
    service = ", service: {host: rls.shop, domain: d, failureMode: DENY, timeout: 1s}"
    ((_, config),) = configs(mesh_of(limit("api", rule, more=service)))

    assert config["rate_limits"] == [
        {"actions": [{"generic_key": {"descriptor_value": "v", "descriptor_key": "k"}}]}
    ]
    assert config["domain"] == "d"
    assert config["failure_mode_deny"] is True
    assert config["timeout"] == "1s"


def test_selectors_and_references_choose_the_workloads() -> None:
    gateway = ", targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: public}]"
    other = ", selector: {matchLabels: {app: other}}"
    mesh = mesh_of(limit("a", LOCAL, more=gateway), limit("b", LOCAL, more=other))
    labels = (("gateway.networking.k8s.io/gateway-name", "public"),)

    assert filters(mesh) == []
    assert len(filters(mesh, ProxyClass(namespace="shop", labels=labels))) == 1


def test_envoy_accepts_every_kind_of_rule() -> None:
    text = f"""
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {{name: api, namespace: shop}}
spec:
  rules: {EVERYTHING.replace(chr(10), chr(10) + "  ")}
  - name: everything
    from: [{{source: {{notNamespaces: [app]}}}}]
    by: [{{remoteAddress: {{}}}}]
    global: {{requests: 5, unit: DAY}}
  connections:
  - {{name: new, ports: [80], local: {{connections: 5, burst: 9}}}}
  - {{name: both, global: {{connections: 100, unit: MINUTE}}}}
  response: {{status: 503, headers: {{x-limited: "yes"}}}}
"""
    mesh = mesh_of(http_service("web"), text)

    made = [inbound.listener(mesh, WORKLOAD, inbound.VIRTUAL_INBOUND)]

    assert_accepted(listeners=made)
    chain = str(made[0])
    assert "/namespaces/shop/rate-limit/api" in chain


def test_a_rate_limit_of_other_workloads_makes_no_listener_anew() -> None:
    mesh = mesh_of(http_service("web"), limit("a", LOCAL))
    node = inbound.listener.node(mesh, WORKLOAD, inbound.VIRTUAL_INBOUND)
    before = node.read()
    apply(mesh, limit("b", LOCAL, more=", selector: {matchLabels: {app: other}}"))
    evaluations = mesh.graph.evaluations

    assert node.read() is before
    assert mesh.graph.evaluations == evaluations + 1  # which RateLimits are for the workload
