"""What a sidecar listens on for its workload's calls."""

from dataclasses import replace
from typing import Any

import pytest

from lateen.translate.listeners import outbound
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import CLIENT, apply, http_service, listener, mesh_of

HOST = "shop.svc.cluster.local"
UNBOUND = replace(CLIENT, interception=Interception.NONE)
EXPLICIT = replace(UNBOUND, loopback_index=7)


def names(mesh: Mesh, client: ProxyClass = CLIENT) -> list[str]:
    """The names of the listeners, all of which Envoy accepts."""
    found = outbound.listener_names(mesh, client)
    assert_accepted(listeners=[outbound.listener(mesh, client, name) for name in found])
    return list(found)


def last_filter(chain: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = chain["filters"][-1]["typed_config"]
    return found


def service_entry(name: str, ports: str, more: str = "") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: ["{name}.example.com"]
  ports: [{ports}]
  {more or "resolution: DNS"}
---
"""


TCP = "{number: 9000, name: tcp, protocol: TCP}"
TLS = "{number: 443, name: tls, protocol: TLS}"
HTTP_9000 = "{number: 9000, name: http, protocol: HTTP}"


@pytest.mark.envoy
def test_http_services_share_the_listener_of_their_port() -> None:
    mesh = mesh_of(http_service("a"), http_service("b", address="10.0.0.2"))

    assert names(mesh) == ["0.0.0.0_80", "virtualOutbound"]
    made = listener(mesh, "0.0.0.0_80")
    assert made["bind_to_port"] is False
    assert last_filter(made["filter_chains"][0])["rds"]["route_config_name"] == "80"
    assert made["default_filter_chain"]["name"] == "PassthroughFilterChain"


def test_service_that_joins_an_http_port_changes_no_listener() -> None:
    mesh = mesh_of(http_service("a"), service_entry("other", TCP, "addresses: [10.9.0.1]"))
    cells = [
        outbound.listener.node(mesh, CLIENT, name) for name in outbound.listener_names(mesh, CLIENT)
    ]
    for cell in cells:
        cell.read()
        mesh.graph.observe(cell)

    apply(mesh, http_service("b", address="10.0.0.2"))

    changed = mesh.graph.settle()
    assert not set(changed) & set(cells)


@pytest.mark.envoy
def test_tcp_has_the_address_of_its_service() -> None:
    mesh = mesh_of(http_service("db", port=5432, protocol="tcp"))

    [chain] = listener(mesh, "10.0.0.1_5432")["filter_chains"]

    assert names(mesh) == ["10.0.0.1_5432", "virtualOutbound"]
    assert last_filter(chain)["cluster"] == f"outbound|5432||db.{HOST}"


@pytest.mark.envoy
def test_tcp_without_an_address_takes_the_port_and_the_oldest_wins() -> None:
    mesh = mesh_of(service_entry("a", TCP), service_entry("b", TCP))

    made = listener(mesh, "0.0.0.0_9000")

    assert names(mesh) == ["0.0.0.0_9000", "virtualOutbound"]
    assert [last_filter(chain)["cluster"] for chain in made["filter_chains"]] == [
        "outbound|9000||a.example.com"
    ]
    assert "default_filter_chain" not in made


@pytest.mark.envoy
def test_http_and_tcp_on_one_port_are_told_apart_by_looking() -> None:
    mesh = mesh_of(service_entry("a", TCP), service_entry("b", HTTP_9000))

    made = listener(mesh, "0.0.0.0_9000")

    assert names(mesh) == ["0.0.0.0_9000", "virtualOutbound"]
    [http] = made["filter_chains"]
    assert http["filter_chain_match"]["application_protocols"] == ["http/1.1", "h2c"]
    assert last_filter(made["default_filter_chain"])["cluster"] == "outbound|9000||a.example.com"
    assert [each["name"] for each in made["listener_filters"]] == [
        "envoy.filters.listener.http_inspector"
    ]


@pytest.mark.envoy
def test_tls_without_an_address_is_told_by_its_server_name() -> None:
    mesh = mesh_of(service_entry("a", TLS), service_entry("b", TLS))

    made = listener(mesh, "0.0.0.0_443")

    assert names(mesh) == ["0.0.0.0_443", "virtualOutbound"]
    assert [chain["filter_chain_match"] for chain in made["filter_chains"]] == [
        {"server_names": ["a.example.com"]},
        {"server_names": ["b.example.com"]},
    ]
    assert made["default_filter_chain"]["name"] == "PassthroughFilterChain"


@pytest.mark.envoy
def test_equal_ranges_are_one_chain_and_different_ones_are_two() -> None:
    def ranged(name: str, cidr: str) -> str:
        return service_entry(name, TCP, f"resolution: NONE\n  addresses: [{cidr}]")

    mesh = mesh_of(
        ranged("a", "198.51.100.0/24"), ranged("b", "198.51.100.9/24"), ranged("c", "10.8.0.0/16")
    )

    made = listener(mesh, "0.0.0.0_9000")

    assert names(mesh) == ["0.0.0.0_9000", "virtualOutbound"]
    assert [last_filter(chain)["cluster"] for chain in made["filter_chains"]] == [
        "outbound|9000||a.example.com", "outbound|9000||c.example.com",
    ]  # fmt: skip


HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: shop}
spec:
  clusterIP: None
  selector: {app: cache}
  ports: [{name: tcp-redis, port: 6379}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cache-1, namespace: shop, labels: {kubernetes.io/service-name: cache}}
addressType: IPv4
endpoints: [{addresses: [10.1.0.4]}, {addresses: [10.1.0.5]}]
ports: [{name: tcp-redis, port: 6379}]
"""


@pytest.mark.envoy
def test_headless_service_has_a_listener_for_each_pod_but_the_proxys_own() -> None:
    mesh = mesh_of(HEADLESS)

    assert names(mesh) == ["10.1.0.4_6379", "10.1.0.5_6379", "virtualOutbound"]
    assert names(mesh, replace(CLIENT, addresses=("10.1.0.5",))) == [
        "10.1.0.4_6379", "virtualOutbound",
    ]  # fmt: skip


@pytest.mark.envoy
def test_headless_service_without_pods_has_no_listener() -> None:
    mesh = mesh_of(HEADLESS.partition("---")[0])

    assert names(mesh) == ["virtualOutbound"]


@pytest.mark.envoy
def test_tcp_routes_are_taken_up_to_the_first_without_a_subnet() -> None:
    mesh = mesh_of(
        http_service("db", port=5432, protocol="tcp"),
        """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: db, namespace: shop}
spec:
  hosts: [db]
  tcp:
  - match: [{sourceLabels: {app: other}}]
    route: [{destination: {host: never}}]
  - match: [{destinationSubnets: [10.0.0.0/24], port: 5432}]
    route: [{destination: {host: near, port: {number: 1}}}]
  - match: [{port: 5432}]
    route:
    - {destination: {host: db, subset: v1}, weight: 80}
    - {destination: {host: db, subset: v2}, weight: 20}
  - route: [{destination: {host: never}}]
""",
    )

    near, rest = listener(mesh, "10.0.0.1_5432")["filter_chains"]

    assert names(mesh) == ["10.0.0.1_5432", "virtualOutbound"]
    assert near["filter_chain_match"]["prefix_ranges"] == [
        {"address_prefix": "10.0.0.0", "prefix_len": 24}
    ]
    assert last_filter(near)["cluster"] == f"outbound|1||near.{HOST}"
    assert last_filter(rest)["stat_prefix"] == "db.shop"
    assert last_filter(rest)["weighted_clusters"]["clusters"] == [
        {"name": f"outbound|5432|v1|db.{HOST}", "weight": 80},
        {"name": f"outbound|5432|v2|db.{HOST}", "weight": 20},
    ]
    assert rest["metadata"]["filter_metadata"]["istio"]["config"].endswith("virtual-service/db")


@pytest.mark.envoy
def test_connection_limits_and_source_hash_of_a_destination_rule_reach_the_tcp_proxy() -> None:
    mesh = mesh_of(
        http_service("db", port=5432, protocol="tcp"),
        """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec:
  host: db
  trafficPolicy:
    connectionPool: {tcp: {idleTimeout: 10m, maxConnectionDuration: 1h}}
    loadBalancer: {consistentHash: {useSourceIp: true}}
    tunnel: {protocol: POST, targetHost: example.com, targetPort: 8443}
""",
    )

    proxy = last_filter(listener(mesh, "10.0.0.1_5432")["filter_chains"][0])

    assert names(mesh) == ["10.0.0.1_5432", "virtualOutbound"]
    assert proxy["idle_timeout"] == "600s"
    assert proxy["max_downstream_connection_duration"] == "3600s"
    assert proxy["hash_policy"] == [{"source_ip": {}}]
    assert proxy["tunneling_config"] == {"hostname": "example.com:8443", "use_post": True}


@pytest.mark.envoy
def test_unknown_destinations_pass_or_go_to_the_egress_proxy_or_nowhere() -> None:
    def destination(mesh: Mesh) -> str:
        return str(last_filter(listener(mesh, "virtualOutbound")["filter_chains"][1])["cluster"])

    sidecar = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec:
  outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: out, port: {number: 90}}}
"""
    closed = "outboundTrafficPolicy: {mode: REGISTRY_ONLY}"

    assert destination(mesh_of()) == "PassthroughCluster"
    assert destination(mesh_of(mesh_config=closed)) == "BlackHoleCluster"
    assert destination(_with_sidecar(sidecar)) == f"outbound|90||out.{HOST}"


def _with_sidecar(text: str) -> Mesh:
    return mesh_of(http_service("out", port=90), text)


@pytest.mark.envoy
def test_without_capture_listeners_bind_localhost() -> None:
    mesh = mesh_of(http_service("a"), http_service("db", port=5432, protocol="tcp"))

    made = listener(mesh, "127.0.0.1_80", UNBOUND)

    assert names(mesh, UNBOUND) == ["127.0.0.1_5432", "127.0.0.1_80"]
    assert "bind_to_port" not in made
    assert "filter_chain_match" not in made["filter_chains"][0]
    assert outbound.listener(mesh, UNBOUND, "virtualOutbound") is None


@pytest.mark.envoy
def test_explicit_mode_binds_the_clients_own_address_of_every_service() -> None:
    mesh = mesh_of(
        http_service("a", address="127.64.1.0"),
        http_service("db", address="127.64.2.0", port=5432, protocol="tcp"),
        http_service("raw", address="127.64.3.0", port=7000, protocol="raw"),
        service_entry("far", TCP, "addresses: [192.0.2.1]"),
    )

    http = last_filter(listener(mesh, "127.64.1.7_80", EXPLICIT)["filter_chains"][0])

    assert names(mesh, EXPLICIT) == ["127.64.1.7_80", "127.64.2.7_5432", "127.64.3.7_7000"]
    assert http["rds"]["route_config_name"] == f"a.{HOST}:80"
    assert outbound.listener(mesh, EXPLICIT, "127.64.1.8_80") is None


@pytest.mark.envoy
def test_sidecars_own_listeners_lock_out_the_catch_all() -> None:
    mesh = mesh_of(
        http_service("a"),
        http_service("b", address="10.0.0.2", port=81),
        """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec:
  egress:
  - {port: {number: 81, protocol: TCP, name: own}, hosts: ["./*"]}
  - {bind: "unix:///run/a.sock", port: {number: 0, protocol: HTTP, name: a}, hosts: ["./*"]}
  - {hosts: ["./*"]}
""",
    )

    assert names(mesh) == ["0.0.0.0_80", "0.0.0.0_81", "unix:///run/a.sock", "virtualOutbound"]
    [chain] = listener(mesh, "0.0.0.0_81")["filter_chains"]
    assert last_filter(chain)["cluster"] == f"outbound|81||b.{HOST}"
    socket = listener(mesh, "unix:///run/a.sock")
    assert socket["address"] == {"pipe": {"path": "/run/a.sock"}}
    assert "bind_to_port" not in socket


@pytest.mark.envoy
def test_proxy_may_have_a_port_for_http_clients() -> None:
    mesh = mesh_of(http_service("a"))

    made = listener(mesh, "127.0.0.1_3128", replace(UNBOUND, http_proxy_port=3128))

    assert names(mesh, replace(UNBOUND, http_proxy_port=3128))[-1] == "127.0.0.1_3128"
    assert last_filter(made["filter_chains"][0])["rds"]["route_config_name"] == "http_proxy"


@pytest.mark.envoy
def test_unprivileged_proxy_binds_no_low_port() -> None:
    mesh = mesh_of(http_service("a"), http_service("b", address="10.0.0.2", port=8080))

    assert names(mesh, replace(UNBOUND, unprivileged=True)) == ["127.0.0.1_8080"]


@pytest.mark.envoy
def test_tproxy_keeps_the_destination_on_a_transparent_socket() -> None:
    mesh = mesh_of(http_service("a"))

    made = listener(mesh, "virtualOutbound", replace(CLIENT, interception=Interception.TPROXY))

    assert made["transparent"] is True


@pytest.mark.envoy
def test_mesh_log_is_on_every_chain_and_on_connections_without_one() -> None:
    mesh = mesh_of(
        http_service("a"),
        http_service("db", address="10.0.0.2", port=5432, protocol="tcp"),
        mesh_config="accessLogFile: /dev/stdout",
    )

    logged = [
        last_filter(chain)["access_log"][0]["typed_config"]["path"]
        for name in ("0.0.0.0_80", "10.0.0.2_5432")
        for chain in listener(mesh, name)["filter_chains"]
    ]
    [of_listener] = listener(mesh, "virtualOutbound")["access_log"]

    assert names(mesh)[-1] == "virtualOutbound"
    assert logged == ["/dev/stdout", "/dev/stdout"]
    assert of_listener["filter"] == {"response_flag_filter": {"flags": ["NR"]}}


@pytest.mark.envoy
def test_tls_to_names_that_only_the_client_knows_is_resolved_by_the_proxy() -> None:
    mesh = mesh_of(
        service_entry("x", TLS, "resolution: DYNAMIC_DNS").replace("x.example", "*.example")
    )

    [chain] = listener(mesh, "0.0.0.0_443")["filter_chains"]

    assert names(mesh) == ["0.0.0.0_443", "virtualOutbound"]
    assert chain["filter_chain_match"] == {"server_names": ["*.example.com"]}
    assert chain["filters"][0]["typed_config"]["port_value"] == 443
    assert last_filter(chain)["cluster"] == "outbound|443||*.example.com"
