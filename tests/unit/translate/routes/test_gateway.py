"""Route configurations of gateways."""

from typing import Any

import pytest

from lateen.translate.routes import gateway
from lateen.view.scope import outbound_scope
from tests.envoy_check import assert_accepted
from tests.unit.translate.gateway_world import ROUTER, WEB, gateway_of, table, virtual_service
from tests.unit.translate.outbound_world import apply, mesh_of

HTTP = """{port: {number: 80, name: http, protocol: HTTP},
    hosts: ["*.example.com", "shop/only.example.org"]}"""
REDIRECT = HTTP.removesuffix("}") + ", tls: {httpsRedirect: true}}"
TO_WEB = """http:
  - match: [{uri: {prefix: /api}}]
    route: [{destination: {host: web, port: {number: 80}}}]
  - route: [{destination: {host: web, port: {number: 443}}}]"""


def hosts(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {host["name"]: host for host in found["virtual_hosts"]}


def clusters(host: dict[str, Any]) -> list[str]:
    return [route["route"]["cluster"].split("|")[1] for route in host["routes"]]


def test_nothing_bound_answers_404() -> None:
    found = hosts(table(mesh_of(gateway_of(HTTP)), "http.80"))

    assert found == {"blackhole:80": {"name": "blackhole:80", "domains": ["*"]}}


def test_a_name_that_no_server_has_is_no_route_configuration() -> None:
    assert gateway.route_configuration(mesh_of(gateway_of(HTTP)), ROUTER, "http.81") is None


def test_hosts_are_what_server_and_virtual_service_share() -> None:
    made = virtual_service("a.example.com, only.example.org, other.example.net", TO_WEB)

    found = hosts(table(mesh_of(WEB, gateway_of(HTTP), made), "http.80"))

    assert sorted(found) == ["a.example.com:80", "only.example.org:80"]
    assert clusters(found["a.example.com:80"]) == ["80", "443"]


def test_virtual_services_of_one_host_are_joined_and_catch_alls_come_last() -> None:
    second = virtual_service(
        "a.example.com",
        """http:
  - match: [{uri: {exact: /second}}]
    route: [{destination: {host: web, port: {number: 81}}}]""",
        name="web-second",
    )
    first = virtual_service("a.example.com", TO_WEB)

    found = hosts(table(mesh_of(WEB, gateway_of(HTTP), first, second), "http.80"))

    assert clusters(found["a.example.com:80"]) == ["80", "81", "443"]


def test_a_redirecting_server_redirects_its_hosts_bound_or_not() -> None:
    made = virtual_service("a.example.com", TO_WEB)

    found = hosts(table(mesh_of(WEB, gateway_of(REDIRECT), made), "http.80"))

    assert {name: host["require_tls"] for name, host in found.items()} == {
        "*.example.com:80": "ALL",
        "a.example.com:80": "ALL",
        "only.example.org:80": "ALL",
    }


def test_only_the_gateways_own_port_and_name_select_a_route() -> None:
    made = virtual_service(
        "a.example.com",
        """http:
  - match: [{port: 443}]
    route: [{destination: {host: web, port: {number: 443}}}]
  - match: [{gateways: [istio-ingress/other]}]
    route: [{destination: {host: web, port: {number: 81}}}]
  - match: [{gateways: [istio-ingress/public], port: 80}]
    route: [{destination: {host: web, port: {number: 80}}}]""",
        gateway="istio-ingress/public, istio-ingress/other",
    )

    found = hosts(table(mesh_of(WEB, gateway_of(HTTP), made), "http.80"))

    assert clusters(found["a.example.com:80"]) == ["80"]


def test_a_changed_virtual_service_makes_its_own_hosts_anew() -> None:
    first = virtual_service("a.example.com", TO_WEB)
    second = virtual_service("b.example.com", TO_WEB, name="web-b")
    mesh = mesh_of(WEB, gateway_of(HTTP), first, second)
    table(mesh, "http.80")
    found = gateway.hosts(mesh, ROUTER, "http.80")
    nodes = [gateway.virtual_host.node(mesh, outbound_scope(mesh, ROUTER), host) for host in found]
    before = [node.read() for node in nodes]

    apply(mesh, second.replace("/api", "/v2"))

    changed = [node.read() is not old for node, old in zip(nodes, before, strict=True)]
    assert changed == [False, True]


@pytest.mark.envoy
def test_envoy_accepts_the_routes() -> None:
    made = virtual_service("a.example.com", TO_WEB)
    mesh = mesh_of(WEB, gateway_of(REDIRECT), made)

    assert_accepted(routes=[gateway.route_configuration(mesh, ROUTER, "http.80")])
