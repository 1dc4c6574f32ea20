"""HTTP routes of VirtualServices, field by field, and the route of a service without any."""

from typing import Any

import pytest

from lateen.translate.routes import configuration
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import (
    CLIENT,
    apply,
    http_service,
    mesh_of,
    route_table,
    routes,
)

SERVICES = http_service("reviews") + http_service("ratings", address="10.0.0.2", port=9080)
HOST = "shop.svc.cluster.local"


def virtual_service(http: str, *, name: str = "reviews", hosts: str = "[reviews]") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: {hosts}
  http:
{http}
"""


def made(http: str, *more: str, mesh_config: str = "") -> list[dict[str, Any]]:
    mesh = mesh_of(SERVICES, virtual_service(http), *more, mesh_config=mesh_config)
    found = routes(mesh)
    assert_accepted(routes=[_raw(mesh)])
    return found


def _raw(mesh: Any) -> bytes:
    table = configuration.route_configuration(mesh, CLIENT, "80")
    assert table is not None
    return table


TO_REVIEWS = "route: [{destination: {host: reviews}}]"


@pytest.mark.envoy
def test_service_without_rules_gets_everything_with_two_retries_and_no_timeout() -> None:
    [route] = routes(mesh_of(SERVICES))

    assert route["name"] == "default"
    assert route["match"] == {"prefix": "/"}
    assert route["route"]["cluster"] == f"outbound|80||reviews.{HOST}"
    assert route["route"]["timeout"] == "0s"
    assert route["route"]["retry_policy"]["num_retries"] == 2
    assert route["decorator"] == {"operation": f"reviews.{HOST}:80/*"}


@pytest.mark.envoy
def test_each_match_is_a_route_named_after_both_and_says_who_configured_it() -> None:
    first, second = made(f"""
  - name: canary
    match: [{{name: a, uri: {{prefix: /a}}, statPrefix: sp}}, {{uri: {{exact: /b}}}}]
    {TO_REVIEWS}
""")

    assert (first["name"], second["name"]) == ("canary.a", "canary")
    assert first["stat_prefix"] == "sp"
    assert first["metadata"]["filter_metadata"]["istio"] == {
        "config": "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews"
    }


@pytest.mark.envoy
def test_nothing_follows_a_route_that_takes_every_request() -> None:
    found = made(f"""
  - match: [{{uri: {{prefix: /}}}}]
    {TO_REVIEWS}
  - match: [{{uri: {{prefix: /never}}}}]
    {TO_REVIEWS}
""")

    assert len(found) == 1


@pytest.mark.envoy
def test_matches_that_cannot_hold_for_this_proxy_and_port_are_left_out() -> None:
    found = made(f"""
  - match:
    - {{uri: {{prefix: /port}}, port: 81}}
    - {{uri: {{prefix: /labels}}, sourceLabels: {{app: other}}}}
    - {{uri: {{prefix: /namespace}}, sourceNamespace: other}}
    - {{uri: {{prefix: /gateway}}, gateways: [istio-system/main]}}
    - {{uri: {{prefix: /kept}}, port: 80, sourceLabels: {{app: front}}, sourceNamespace: shop}}
    - {{uri: {{prefix: /mesh}}, gateways: [mesh], sourceLabels: {{app: other}}}}
    {TO_REVIEWS}
""")

    assert [route["match"]["prefix"] for route in found] == ["/kept", "/mesh"]


@pytest.mark.envoy
def test_virtual_service_none_of_whose_routes_apply_leaves_the_service_as_it_was() -> None:
    [route] = made(f"""
  - match: [{{sourceLabels: {{app: other}}}}]
    {TO_REVIEWS}
""")

    assert route["name"] == "default"


@pytest.mark.envoy
def test_weights_of_zero_are_dropped_and_the_only_destination_takes_everything() -> None:
    several, one = made("""
  - match: [{uri: {prefix: /several}}]
    route:
    - {destination: {host: reviews, subset: v1}, weight: 90}
    - {destination: {host: reviews, subset: v2}, weight: 10}
    - {destination: {host: reviews, subset: v3}, weight: 0}
  - route: [{destination: {host: ratings, subset: v1}, weight: 5}]
""")

    assert several["route"]["weighted_clusters"]["clusters"] == [
        {"name": f"outbound|80|v1|reviews.{HOST}", "weight": 90},
        {"name": f"outbound|80|v2|reviews.{HOST}", "weight": 10},
    ]
    assert several["decorator"] == {"operation": "reviews:80/several*"}
    assert one["route"]["cluster"] == f"outbound|9080|v1|ratings.{HOST}"  # its only port


@pytest.mark.envoy
def test_unknown_destination_is_a_cluster_of_the_listeners_port() -> None:
    [route] = made("  - route: [{destination: {host: nowhere.example.com}}]")

    assert route["route"]["cluster"] == "outbound|80||nowhere.example.com"


@pytest.mark.envoy
def test_destination_that_is_an_external_name_means_the_host_it_stands_for() -> None:
    external_name = f"""
apiVersion: v1
kind: Service
metadata: {{name: old, namespace: shop}}
spec: {{type: ExternalName, externalName: ratings.{HOST}, ports: [{{name: http, port: 9080}}]}}
"""

    [route] = made("  - route: [{destination: {host: old}}]", external_name)

    assert route["route"]["cluster"] == f"outbound|9080||ratings.{HOST}"


@pytest.mark.envoy
def test_headers_are_set_added_and_removed_and_the_host_is_rewritten() -> None:
    [route] = made("""
  - headers:
      request: {set: {x-a: "1", Host: set.example.com}, add: {x-b: "2", ":authority": beaten}, remove: [x-c, host]}
      response: {set: {x-d: "3"}, add: {x-e: "4"}, remove: [x-f]}
    route: [{destination: {host: reviews}, headers: {request: {set: {x-g: "5", host: beaten}}}}]
""")  # noqa: E501

    assert [header["header"]["key"] for header in route["request_headers_to_add"]] == [
        "x-a", "x-b", "x-g",
    ]  # fmt: skip
    assert route["request_headers_to_add"][0]["append_action"] == "OVERWRITE_IF_EXISTS_OR_ADD"
    assert "append_action" not in route["request_headers_to_add"][1]
    assert route["request_headers_to_remove"] == ["x-c"]
    assert route["response_headers_to_remove"] == ["x-f"]
    assert route["route"]["host_rewrite_literal"] == "set.example.com"


@pytest.mark.envoy
def test_headers_of_a_weighted_destination_belong_to_its_weight() -> None:
    [route] = made("""
  - route:
    - {destination: {host: reviews}, weight: 1, headers: {request: {set: {host: a, x-a: "1"}}}}
    - {destination: {host: ratings}, weight: 1}
""")

    first, second = route["route"]["weighted_clusters"]["clusters"]
    assert first["host_rewrite_literal"] == "a"
    assert first["request_headers_to_add"][0]["header"] == {"key": "x-a", "value": "1"}
    assert "request_headers_to_add" not in second


@pytest.mark.envoy
def test_redirect_leaves_the_schemes_own_port_out() -> None:
    found = made("""
  - match: [{uri: {exact: /a}}]
    redirect: {uri: /new, authority: other.example.com, redirectCode: 302, port: 8080}
  - match: [{uri: {exact: /b}}]
    redirect: {scheme: https, port: 443}
  - match: [{uri: {exact: /c}}]
    redirect: {derivePort: FROM_REQUEST_PORT, scheme: https}
  - redirect: {derivePort: FROM_PROTOCOL_DEFAULT}
""")

    assert [route["redirect"] for route in found] == [
        {
            "host_redirect": "other.example.com", "path_redirect": "/new",
            "response_code": "FOUND", "port_redirect": 8080,
        },
        {"scheme_redirect": "https"},
        {"scheme_redirect": "https", "port_redirect": 80},
        {},
    ]  # fmt: skip


@pytest.mark.envoy
def test_direct_response_carries_status_and_body() -> None:
    text, binary = made("""
  - match: [{uri: {prefix: /text}}]
    directResponse: {status: 418, body: {string: short and stout}}
  - directResponse: {status: 503, body: {bytes: aGVsbG8=}}
""")

    assert text["direct_response"] == {
        "status": 418, "body": {"inline_string": "short and stout"},
    }  # fmt: skip
    assert binary["direct_response"] == {"status": 503, "body": {"inline_bytes": "aGVsbG8="}}


@pytest.mark.envoy
def test_paths_and_host_are_rewritten() -> None:
    prefix, pattern = made(f"""
  - match: [{{uri: {{prefix: /a}}}}]
    rewrite: {{uri: /b, authority: new.example.com}}
    headers: {{request: {{set: {{host: beaten.example.com}}}}}}
    {TO_REVIEWS}
  - rewrite: {{uriRegexRewrite: {{match: "^/(.*)$", rewrite: '/x/\\1'}}}}
    {TO_REVIEWS}
""")

    assert prefix["route"]["prefix_rewrite"] == "/b"
    assert prefix["route"]["host_rewrite_literal"] == "new.example.com"
    assert pattern["route"]["regex_rewrite"] == {
        "pattern": {"regex": "^/(.*)$"}, "substitution": "/x/\\1",
    }  # fmt: skip


@pytest.mark.envoy
def test_timeout_is_also_the_limit_of_grpc_timeouts() -> None:
    [route] = made(f"""
  - timeout: 1.5s
    {TO_REVIEWS}
""")

    assert route["route"]["timeout"] == route["route"]["max_grpc_timeout"] == "1.500s"


@pytest.mark.envoy
def test_faults_are_exact_to_four_decimals_of_a_percent() -> None:
    [route] = made(f"""
  - fault:
      delay: {{fixedDelay: 5s, percentage: {{value: 0.0001}}}}
      abort: {{grpcStatus: UNAVAILABLE, percentage: {{value: 50}}}}
    {TO_REVIEWS}
""")

    fault = route["typed_per_filter_config"]["envoy.filters.http.fault"]
    assert fault["delay"] == {
        "fixed_delay": "5s", "percentage": {"numerator": 1, "denominator": "MILLION"},
    }  # fmt: skip
    assert fault["abort"] == {
        "grpc_status": 14, "percentage": {"numerator": 500000, "denominator": "MILLION"},
    }  # fmt: skip


@pytest.mark.envoy
def test_mirrors_copy_all_requests_unless_told_otherwise() -> None:
    [route] = made(f"""
  - mirror: {{host: ratings}}
    mirrors:
    - {{destination: {{host: reviews, subset: v2}}, percentage: {{value: 12.5}}}}
    - {{destination: {{host: reviews, subset: v3}}, percentage: {{value: 0}}}}
    {TO_REVIEWS}
""")

    copies = route["route"]["request_mirror_policies"]
    assert [
        (copy["cluster"], copy["runtime_fraction"]["default_value"]["numerator"]) for copy in copies
    ] == [
        (f"outbound|9080||ratings.{HOST}", 1_000_000),
        (f"outbound|80|v2|reviews.{HOST}", 125_000),
    ]
    assert copies[0]["disable_shadow_host_suffix_append"] is True


@pytest.mark.envoy
def test_cors_policy_is_that_of_the_route() -> None:
    [route] = made(f"""
  - corsPolicy:
      allowOrigins: [{{exact: https://a}}, {{prefix: https://b}}, {{regex: "https://.*"}}]
      allowMethods: [GET, POST]
      allowHeaders: [x-a, x-b]
      exposeHeaders: [x-c]
      maxAge: 24h
      allowCredentials: false
      unmatchedPreflights: IGNORE
    {TO_REVIEWS}
""")

    cors = route["typed_per_filter_config"]["envoy.filters.http.cors"]
    assert cors["allow_origin_string_match"] == [
        {"exact": "https://a"}, {"prefix": "https://b"}, {"safe_regex": {"regex": "https://.*"}},
    ]  # fmt: skip
    assert cors["allow_methods"] == "GET,POST"
    assert cors["allow_headers"] == "x-a,x-b"
    assert cors["max_age"] == "86400"
    assert cors["allow_credentials"] is False
    assert cors["forward_not_matching_preflights"] is False


def destination_rule(consistent_hash: str) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: reviews, namespace: shop}}
spec:
  host: reviews
  trafficPolicy: {{loadBalancer: {{consistentHash: {consistent_hash}}}}}
"""


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        ("{httpHeaderName: x-user}", {"header": {"header_name": "x-user"}}),
        (
            "{httpCookie: {name: user, path: /a, ttl: 1h}}",
            {"cookie": {"name": "user", "path": "/a", "ttl": "3600s"}},
        ),
        ("{httpCookie: {name: user, ttl: 0s}}", {"cookie": {"name": "user", "ttl": "0s"}}),
        ("{httpQueryParameterName: id}", {"query_parameter": {"name": "id"}}),
        ("{useSourceIp: true}", {"connection_properties": {"source_ip": True}}),
    ],
)
def test_consistent_hash_chooses_by_the_request_and_may_try_the_same_host_again(
    settings: str, policy: dict[str, Any]
) -> None:
    [with_rule] = made(f"  - {TO_REVIEWS}", destination_rule(settings))
    [without_rule] = routes(mesh_of(SERVICES, destination_rule(settings)))

    for route in (with_rule, without_rule):
        assert route["route"]["hash_policy"] == [policy]
        assert "retry_host_predicate" not in route["route"]["retry_policy"]


@pytest.mark.envoy
def test_retry_policy_of_the_mesh_replaces_the_default() -> None:
    config = "defaultHttpRetryPolicy: {attempts: 0}"

    [with_rule] = made(f"  - {TO_REVIEWS}", mesh_config=config)
    [without_rule] = routes(mesh_of(SERVICES, mesh_config=config))

    assert "retry_policy" not in with_rule["route"]
    assert "retry_policy" not in without_rule["route"]


def test_a_changed_route_is_one_virtual_host_generated_again() -> None:
    mesh = mesh_of(
        *(http_service(f"s{index}", address=f"10.1.0.{index}") for index in range(50)),
        virtual_service(f"  - {TO_REVIEWS}", name="s7", hosts="[s7]"),
    )
    route_table(mesh, "80")
    before = mesh.graph.evaluations

    apply(mesh, virtual_service("  - redirect: {uri: /new}", name="s7", hosts="[s7]"))
    table = route_table(mesh, "80")

    assert [host["name"] for host in table["virtual_hosts"] if "redirect" in host["routes"][0]] == [
        f"s7.{HOST}:80"
    ]
    assert mesh.graph.evaluations - before < 25
