"""Prefixes of the Gateway API mean whole path segments, on real Envoy messages."""

import json
from typing import Any

import pytest

from lateen.simulate import configuration
from lateen.view import proxy_class as classes
from tests.envoy_check import assert_accepted
from tests.unit.gateway_api import world
from tests.unit.gateway_api.world import route

RULES = """
  - {matches: [{path: {type: PathPrefix, value: /shop/}}], backendRefs: [{name: web, port: 80}],
     filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch,
                                                      replacePrefixMatch: /}}}]}
  - {matches: [{path: {type: PathPrefix, value: /old}}],
     filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch,
                                                                replacePrefixMatch: /}}}]}
  - {matches: [{path: {type: PathPrefix, value: /none}}]}
  - {backendRefs: [{name: web, port: 80}, {name: web, namespace: other, port: 80}]}
"""


@pytest.fixture(scope="module")
def held() -> configuration.Configuration:
    mesh = world.mesh(route("a", "a.example.com", RULES))
    world.apply(mesh, POD)
    proxy = classes.proxy_from_description(json.loads(world.ROUTER), mesh)
    return configuration.configuration(mesh, classes.classify(mesh, proxy.proxy_class))


POD = """
apiVersion: v1
kind: Pod
metadata: {name: edge, namespace: infra, labels: {app: edge}}
spec: {containers: [{name: istio-proxy, image: auto}]}
status: {phase: Running, podIP: 10.1.0.1, conditions: [{type: Ready, status: "True"}]}
"""


@pytest.fixture
def made(held: configuration.Configuration) -> dict[str, Any]:
    hosts = held.routes["http.8080"].virtual_hosts
    return {each.name: each for host in hosts for each in host.routes}


def test_a_prefix_is_separated(made: dict[str, Any]) -> None:
    assert made["shop.a.0"].match.path_separated_prefix == "/shop"


def test_a_prefix_rewritten_to_the_root_leaves_one_slash(made: dict[str, Any]) -> None:
    assert made["shop.a.0"].route.regex_rewrite.substitution == r"/\2"


def test_a_redirect_to_the_root_leaves_one_slash(made: dict[str, Any]) -> None:
    assert made["shop.a.1"].redirect.regex_rewrite.pattern.regex == "^/old(/?)(.*)"


def test_a_rule_without_backends_answers_500(made: dict[str, Any]) -> None:
    assert made["shop.a.2"].direct_response.status == 500


def test_a_missing_cluster_answers_500(made: dict[str, Any]) -> None:
    action = made["shop.a.3"].route

    assert action.cluster_not_found_response_code == action.INTERNAL_SERVER_ERROR


@pytest.mark.envoy
def test_envoy_accepts_the_routes(held: configuration.Configuration) -> None:
    assert_accepted(routes=held.routes.values())
