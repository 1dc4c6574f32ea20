"""The filters that enforce policies, in order."""

from typing import Any

import pytest

from lateen.envoy import messages
from lateen.translate.authorization import filters
from lateen.translate.listeners import inbound
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import apply, mesh_of

WORKLOAD = ProxyClass(namespace="shop", labels=(("app", "web"),))
EXT_AUTHZ = """
apiVersion: v1
kind: Service
metadata: {name: opa, namespace: security}
spec: {clusterIP: 10.0.0.9, ports: [{name: grpc, port: 9000}]}
"""
PROVIDERS = """
extensionProviders:
- name: opa
  envoyExtAuthzGrpc: {service: opa.security.svc.cluster.local, port: 9000}
- name: web
  envoyExtAuthzHttp:
    service: security/opa.security.svc.cluster.local
    port: 9000
    pathPrefix: /check
    includeRequestHeadersInCheck: [x-user]
    headersToUpstreamOnAllow: ["x-ok-*"]
- name: lost
  envoyExtAuthzGrpc: {service: nowhere.example.com, port: 9000}
"""


def policy(
    name: str, action: str, rules: str = "[{}]", *, namespace: str = "shop", more: str = ""
) -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{action: {action}, rules: {rules}{more}}}
"""


def http(mesh: Mesh) -> list[dict[str, Any]]:
    return [messages.to_json(each) for each in filters.http_filters(mesh, WORKLOAD)]


def tcp(mesh: Mesh) -> list[dict[str, Any]]:
    return [messages.to_json(each) for each in filters.network_filters(mesh, WORKLOAD)]


def summary(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    made = []
    for each in found:
        config = each["typed_config"]
        action = config.get("rules", {}).get("action", "ALLOW") if "rules" in config else ""
        made.append((each["name"].rpartition(".")[2], action))
    return made


def test_without_policies_there_is_nothing_to_enforce() -> None:
    assert http(mesh_of()) == []
    assert tcp(mesh_of()) == []


def test_actions_decide_in_istios_order() -> None:
    custom = policy("a-custom", "CUSTOM", more=", provider: {name: opa}")
    mesh = mesh_of(
        policy("b-allow", "ALLOW"), policy("c-deny", "DENY"), policy("d-audit", "AUDIT"), custom,
        EXT_AUTHZ, mesh_config=PROVIDERS,
    )  # fmt: skip
    expected = [
        ("rbac", ""),
        ("ext_authz", ""),
        ("rbac", "LOG"),
        ("rbac", "DENY"),
        ("rbac", "ALLOW"),
    ]

    assert summary(http(mesh)) == expected
    assert summary(tcp(mesh)) == expected


def test_policies_of_the_root_namespace_hold_everywhere_those_of_others_nowhere() -> None:
    mesh = mesh_of(
        policy("deny", "DENY", namespace="istio-system"), policy("x", "DENY", namespace="other")
    )

    (found,) = http(mesh)

    assert list(found["typed_config"]["rules"]["policies"]) == [
        "ns[istio-system]-policy[deny]-rule[0]"
    ]


def test_a_selector_limits_a_policy_to_its_workloads() -> None:
    mesh = mesh_of(policy("deny", "DENY", more=", selector: {matchLabels: {app: other}}"))
    before = http(mesh)
    apply(mesh, policy("deny", "DENY", more=", selector: {matchLabels: {app: web}}"))

    assert before == []
    assert len(http(mesh)) == 1


def test_policies_attached_by_reference_are_not_for_ordinary_workloads() -> None:
    reference = ", targetRefs: [{kind: Service, name: web}]"

    assert http(mesh_of(policy("deny", "DENY", more=reference))) == []


def test_allowing_nothing_denies_everything() -> None:
    (found,) = http(mesh_of(policy("nothing", "ALLOW", "[]")))

    rules = found["typed_config"]["rules"]["policies"]["ns[shop]-policy[nothing]-rule[0]"]
    assert rules == {
        "permissions": [{"not_rule": {"any": True}}],
        "principals": [{"not_id": {"any": True}}],
    }


def test_dry_runs_are_shadow_rules() -> None:
    dry = policy("dry", "DENY").replace(
        "namespace: shop}", 'namespace: shop, annotations: {istio.io/dry-run: "true"}}'
    )

    (found,) = http(mesh_of(dry))

    config = found["typed_config"]
    assert "rules" not in config
    assert config["shadow_rules"]["action"] == "DENY"
    assert config["shadow_rules_stat_prefix"] == "istio_dry_run_deny_"


def test_an_authorization_service_is_asked_about_what_the_policies_cover() -> None:
    covers = '[{to: [{operation: {paths: ["/admin/*"]}}]}]'
    custom = policy("custom", "CUSTOM", covers, more=", provider: {name: opa}")

    shadow, asks = http(mesh_of(custom, EXT_AUTHZ, mesh_config=PROVIDERS))

    policies = shadow["typed_config"]["shadow_rules"]["policies"]
    assert list(policies) == ["istio-ext-authz-opa-ns[shop]-policy[custom]-rule[0]"]
    config = asks["typed_config"]
    assert config["grpc_service"]["envoy_grpc"] == {
        "cluster_name": "outbound|9000||opa.security.svc.cluster.local",
        "authority": "opa.security.svc.cluster.local",
    }
    assert config["filter_enabled_metadata"]["value"] == {
        "string_match": {"prefix": "istio-ext-authz-opa"}
    }


def test_a_service_that_speaks_http_is_asked_with_the_headers_it_wants() -> None:
    custom = policy("custom", "CUSTOM", more=", provider: {name: web}")
    mesh = mesh_of(custom, EXT_AUTHZ, mesh_config=PROVIDERS)

    config = http(mesh)[1]["typed_config"]

    assert config["http_service"]["path_prefix"] == "/check"
    assert config["allowed_headers"]["patterns"] == [{"exact": "x-user", "ignore_case": True}]
    response = config["http_service"]["authorization_response"]
    assert response["allowed_upstream_headers"]["patterns"] == [
        {"prefix": "x-ok-", "ignore_case": True}
    ]
    assert tcp(mesh) == []  # it cannot decide on bytes


@pytest.mark.parametrize("provider", ["lost", "unknown"])
def test_without_a_service_to_ask_what_is_covered_is_denied(provider: str) -> None:
    custom = policy("custom", "CUSTOM", more=f", provider: {{name: {provider}}}")

    (found,) = http(mesh_of(custom, mesh_config=PROVIDERS))

    rules = found["typed_config"]["rules"]
    assert rules["action"] == "DENY"
    assert list(rules["policies"]) == [
        "ns[shop]-policy[custom]-rule[0]-deny-due-to-bad-CUSTOM-action"
    ]


def test_two_providers_for_one_workload_are_a_mistake_that_denies() -> None:
    mesh = mesh_of(
        policy("a", "CUSTOM", more=", provider: {name: opa}"),
        policy("b", "CUSTOM", more=", provider: {name: web}"),
        EXT_AUTHZ, mesh_config=PROVIDERS,
    )  # fmt: skip

    assert summary(http(mesh)) == [("rbac", "DENY")]


@pytest.mark.envoy
def test_envoy_accepts_the_filters() -> None:
    everything = """[{from: [{source: {principals: ["a/ns/b/sa/c", "*/sa/x"], namespaces: [n*],
        requestPrincipals: ["*"], ipBlocks: [10.0.0.0/8], remoteIpBlocks: ["2001:db8::/32"],
        serviceAccounts: [x/y], trustDomains: ["a*"]}}],
      to: [{operation: {hosts: ["*.example.com"], paths: ["/a/{*}/b", "/c*"], methods: [GET],
        ports: ["80"], notPaths: [/x]}}],
      when: [{key: "request.headers[x-a]", values: ["*"]},
        {key: "request.auth.claims[a][b]", values: [c, d]}, {key: connection.sni, values: [e]},
        {key: "experimental.envoy.filters.a[b]", values: ["[c]", d]}]}]"""
    custom = policy("a-custom", "CUSTOM", more=", provider: {name: web}")
    mesh = mesh_of(
        policy("b-allow", "ALLOW", everything), policy("c-deny", "DENY", everything), custom,
        EXT_AUTHZ, mesh_config=PROVIDERS,
    )  # fmt: skip

    assert_accepted(listeners=[inbound.listener(mesh, WORKLOAD, "virtualInbound")])
