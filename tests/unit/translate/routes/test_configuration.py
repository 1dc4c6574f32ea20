"""Route configurations of sidecars: which hosts they have, and what happens to all others."""

from dataclasses import replace

import pytest

from lateen.translate.routes import configuration
from lateen.view.mesh import Mesh
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import (
    CLIENT,
    apply,
    http_service,
    mesh_of,
    route_table,
    virtual_host,
)

HOST = "shop.svc.cluster.local"


def hosts(mesh: Mesh, name: str) -> list[str]:
    table = configuration.route_configuration(mesh, CLIENT, name)
    assert_accepted(routes=[table])
    return [host["name"] for host in route_table(mesh, name)["virtual_hosts"]]


def virtual_service(name: str, hostnames: str, target: str = "a", more: str = "") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: {hostnames}
  {more}
  http: [{{name: {name}, route: [{{destination: {{host: {target}}}}}]}}]
---
"""


def service_entry(name: str, hostname: str, more: str = "resolution: DNS") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: ["{hostname}"]
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  {more}
---
"""


@pytest.mark.envoy
def test_port_has_its_services_by_name_and_lets_other_hosts_pass() -> None:
    mesh = mesh_of(http_service("b", address="10.0.0.2"), http_service("a"))

    assert hosts(mesh, "80") == [f"a.{HOST}:80", f"b.{HOST}:80", "allow_any"]


@pytest.mark.envoy
def test_registry_only_answers_502_to_unknown_hosts() -> None:
    mesh = mesh_of(http_service("a"), mesh_config="outboundTrafficPolicy: {mode: REGISTRY_ONLY}")

    [route] = virtual_host(mesh, "80", "block_all")["routes"]

    assert hosts(mesh, "80")[-1] == "block_all"
    assert route["direct_response"] == {"status": 502}


@pytest.mark.envoy
def test_hosts_unknown_to_the_registry_are_routed_on_port_80_alone() -> None:
    mesh = mesh_of(http_service("a", port=8080), virtual_service("new", "[new.example.com]"))

    assert "new.example.com:80" in hosts(mesh, "80")
    assert hosts(mesh, "8080") == [f"a.{HOST}:8080", "allow_any"]


@pytest.mark.envoy
def test_unknown_host_beside_a_known_one_is_routed_on_the_ports_of_that() -> None:
    mesh = mesh_of(
        http_service("a", port=8080), virtual_service("both", f"[a.{HOST}, new.example.com]")
    )

    assert hosts(mesh, "8080") == [f"a.{HOST}:8080", "new.example.com:8080", "allow_any"]


@pytest.mark.envoy
def test_wildcard_rule_governs_the_services_under_it() -> None:
    mesh = mesh_of(
        http_service("a"),
        service_entry("one", "one.example.com"),
        service_entry("two", "two.example.com"),
        virtual_service("all", '["*.example.com"]'),
        virtual_service("exact", "[two.example.com]"),
    )

    def first_route(name: str) -> str:
        return str(virtual_host(mesh, "80", name)["routes"][0]["name"])

    assert first_route("one.example.com:80") == "all"
    assert first_route("two.example.com:80") == "exact"
    assert "*.example.com:80" not in hosts(mesh, "80")


def test_rule_without_routes_for_this_proxy_leaves_the_host_to_the_next_one() -> None:
    mesh = mesh_of(
        http_service("a"),
        """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: aa-tcp, namespace: shop}
spec: {hosts: [a], tcp: [{route: [{destination: {host: a}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bb-others, namespace: shop}
spec:
  hosts: [a]
  http: [{match: [{sourceLabels: {app: other}}], route: [{destination: {host: a}}]}]
---
""",
        virtual_service("wildcard", '["*.shop.svc.cluster.local"]'),
        virtual_service("zz", "[a]"),
    )

    [route] = virtual_host(mesh, "80", f"a.{HOST}:80")["routes"]

    assert route["name"] == "zz"


@pytest.mark.envoy
def test_no_domain_is_in_a_table_twice() -> None:
    mesh = mesh_of(
        http_service("a"),
        service_entry("one", "one.example.com", "resolution: DNS\n  addresses: [10.0.0.1]"),
        virtual_service("short", "[a.shop]"),
    )

    everything = [
        domain for host in route_table(mesh, "80")["virtual_hosts"] for domain in host["domains"]
    ]

    assert_accepted(routes=[configuration.route_configuration(mesh, CLIENT, "80")])
    assert len(everything) == len(set(everything))
    assert virtual_host(mesh, "80", "a.shop:80")["domains"] == ["a.shop"]


@pytest.mark.envoy
def test_sniffed_port_has_one_service_for_every_host() -> None:
    mesh = mesh_of(http_service("a", port=7000, protocol="raw"))

    name = f"a.{HOST}:7000"

    assert virtual_host(mesh, name, name)["domains"] == ["*"]
    assert hosts(mesh, name) == [name]


@pytest.mark.envoy
def test_external_name_is_one_more_domain_of_its_target() -> None:
    mesh = mesh_of(
        http_service("a"),
        f"""
apiVersion: v1
kind: Service
metadata: {{name: old, namespace: shop}}
spec:
  type: ExternalName
  externalName: a.{HOST}
  ports: [{{name: http, port: 80}}]
""",
    )

    assert f"old.{HOST}" in virtual_host(mesh, "80", f"a.{HOST}:80")["domains"]
    assert f"old.{HOST}:80" not in hosts(mesh, "80")


@pytest.mark.envoy
def test_http_proxy_table_tells_ports_apart() -> None:
    mesh = mesh_of(http_service("a"), http_service("b", address="10.0.0.2", port=8080))

    table = route_table(mesh, "http_proxy")

    assert hosts(mesh, "http_proxy") == [f"a.{HOST}:80", f"b.{HOST}:8080", "allow_any"]
    assert {"a", "a:80"} <= set(table["virtual_hosts"][0]["domains"])
    assert all(domain.endswith(":8080") for domain in table["virtual_hosts"][1]["domains"])
    assert not table.get("ignore_port_in_host_matching")


@pytest.mark.envoy
def test_sidecar_listener_on_a_socket_has_routes_of_its_own() -> None:
    mesh = mesh_of(
        http_service("a"),
        http_service("b", address="10.0.0.2"),
        """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec:
  egress:
  - {bind: "unix:///run/a.sock", port: {number: 0, protocol: HTTP, name: a}, hosts: [./a.shop.svc.cluster.local]}
  - {port: {number: 9000, protocol: HTTP_PROXY, name: p}, bind: 127.0.0.1, hosts: ["./*"]}
""",  # noqa: E501
    )

    assert hosts(mesh, "unix:///run/a.sock") == [f"a.{HOST}:80", "allow_any"]
    assert hosts(mesh, "9000") == [f"a.{HOST}:80", f"b.{HOST}:80", "allow_any"]
    assert hosts(mesh, "http_proxy") == [f"a.{HOST}:80", f"b.{HOST}:80", "allow_any"]


@pytest.mark.envoy
def test_http_proxy_port_always_has_routes() -> None:
    mesh = mesh_of(
        http_service("a"),
        """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec: {egress: [{port: {number: 80, protocol: HTTP, name: a}, hosts: ["./*"]}]}
""",
    )

    assert hosts(mesh, "http_proxy") == [f"a.{HOST}:80", "allow_any"]


def test_nobody_asks_for_a_name_that_is_no_route() -> None:
    mesh = mesh_of(http_service("a"))

    assert configuration.route_configuration(mesh, CLIENT, "nonsense") is None
    assert configuration.route_configuration(mesh, CLIENT, "none.example.com:80") is None


def test_proxies_that_differ_only_in_place_share_their_routes() -> None:
    mesh = mesh_of(http_service("a"))
    other = replace(CLIENT, service_account="other", labels=(("app", "other"),))
    configuration.route_configuration(mesh, CLIENT, "80")
    before = mesh.graph.evaluations

    configuration.route_configuration(mesh, other, "80")

    assert mesh.graph.evaluations - before <= 3


def test_service_that_joins_a_port_is_one_more_virtual_host() -> None:
    mesh = mesh_of(*(http_service(f"s{n}", address=f"10.1.0.{n}") for n in range(1, 50)))
    route_table(mesh, "80")
    before = mesh.graph.evaluations

    apply(mesh, http_service("new", address="10.2.0.1"))

    assert f"new.{HOST}:80" in [host["name"] for host in route_table(mesh, "80")["virtual_hosts"]]
    assert mesh.graph.evaluations - before < 30
