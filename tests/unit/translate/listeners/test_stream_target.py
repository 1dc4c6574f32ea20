"""Where connections go, and what the client says of itself on the way."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from lateen.api.resource import Key
from lateen.api.virtual_service import RouteDestination
from lateen.envoy import messages, types
from lateen.translate.listeners import gateway, outbound
from lateen.translate.listeners.stream_target import stream_target
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import outbound_scope
from tests.envoy_check import assert_accepted
from tests.unit.translate.gateway_world import ROUTER, WEB, gateway_of, virtual_service
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

ROUTE_TO = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: db, namespace: shop}}
spec:
  hosts: [db]
  tcp: [{{route: [{{destination: {{host: {to}, port: {{number: {port}}}}}}}]}}]
"""
RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {host}, namespace: shop}}
spec: {{host: {host}, trafficPolicy: {{{policy}}}}}
"""
TUNNELS = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec:
  host: db
  trafficPolicy: {tunnel: {targetHost: all.example.com, targetPort: 443}}
  subsets:
  - name: v1
    trafficPolicy: {tunnel: {targetHost: v1.example.com, targetPort: 443}}
"""
IDLE = replace(CLIENT, settings=(("IDLE_TIMEOUT", "30s"),))


def routed(to: str, port: int, *more: str) -> Mesh:
    return mesh_of(
        http_service("db", port=5432, protocol="tcp"),
        http_service("web", address="10.0.0.2"),
        http_service("raw", address="10.0.0.3", port=7000, protocol="raw"),
        ROUTE_TO.format(to=to, port=port),
        *more,
    )


def filters(mesh: Mesh, client: ProxyClass = CLIENT) -> list[dict[str, Any]]:
    made = outbound.listener(mesh, client, "10.0.0.1_5432")
    assert made is not None
    assert_accepted(listeners=[made])
    chain = messages.to_json(types.Listener.FromString(made))["filter_chains"][0]
    found: list[dict[str, Any]] = chain["filters"]
    return found


def offers(mesh: Mesh) -> list[str]:
    """What the filters before the proxy make its TLS offer."""
    return [
        state["format_string"]["text_format_source"]["inline_string"]
        for each in filters(mesh)[:-1]
        for state in each["typed_config"]["on_new_connection"]
    ]


def idle_timeout(mesh: Mesh, client: ProxyClass) -> str | None:
    found: str | None = filters(mesh, client)[-1]["typed_config"].get("idle_timeout")
    return found


@pytest.mark.envoy
def test_bytes_to_a_port_declared_as_http_offer_no_version_of_it() -> None:
    assert offers(routed("web", 80)) == ["istio-peer-exchange,istio"]


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("to", "port", "policy"),
    [
        pytest.param("raw", 7000, "", id="of unknown protocol"),
        pytest.param("db", 5432, "", id="of bytes"),
        pytest.param("web", 80, "tls: {mode: SIMPLE}", id="with TLS of the user's own"),
    ],
)
def test_other_destinations_offer_what_their_cluster_says(to: str, port: int, policy: str) -> None:
    rule = [RULE.format(host=to, policy=policy)] if policy else []

    assert offers(routed(to, port, *rule)) == []


@pytest.mark.envoy
def test_idle_connections_end_as_the_proxy_says_where_no_rule_does() -> None:
    rule = RULE.format(host="db", policy="connectionPool: {tcp: {idleTimeout: 60s}}")
    wrong = replace(CLIENT, settings=(("IDLE_TIMEOUT", "30 s"),))

    assert idle_timeout(routed("db", 5432), IDLE) == "30s"
    assert idle_timeout(routed("db", 5432, rule), IDLE) == "60s"
    assert idle_timeout(routed("db", 5432), wrong) is None


def test_of_several_destinations_the_first_one_s_rule_counts_without_its_subset() -> None:
    mesh = routed("db", 5432, TUNNELS)
    scope = outbound_scope(mesh, CLIENT)

    def target(*destinations: str) -> Any:
        written = []
        for each in destinations:
            host, _, subset = each.partition("/")
            to = {"host": f"{host}.shop.svc.cluster.local", "subset": subset}
            written.append({"destination": to, "weight": 50})
        routes = msgspec.convert(written, tuple[RouteDestination, ...])
        return stream_target(mesh, scope, Key("VirtualService", "shop", "r"), routes, 5432)

    assert target("db").policy.tunnel.target_host == "all.example.com"
    assert target("db/v1").policy.tunnel.target_host == "v1.example.com"
    assert target("db/v1", "web").policy.tunnel.target_host == "all.example.com"
    assert target("web", "db/v1").policy.tunnel is None
    assert target("db/v1").stat_prefix == "outbound|5432|v1|db.shop.svc.cluster.local"
    assert target("db/v1", "web").stat_prefix == "r.shop"
    assert target() is None


@pytest.mark.envoy
def test_server_names_match_however_they_are_written() -> None:
    """Envoy knows them in lower case alone."""
    route = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: safe, namespace: shop}
spec:
  hosts: [safe]
  tls:
  - match: [{sniHosts: [Safe.Example.com, safe.example.COM]}]
    route: [{destination: {host: safe}}]
"""
    mesh = mesh_of(http_service("safe", port=443, protocol="tls"), route)
    made = outbound.listener(mesh, CLIENT, "10.0.0.1_443")
    assert made is not None
    assert_accepted(listeners=[made])
    (chain,) = types.Listener.FromString(made).filter_chains

    assert list(chain.filter_chain_match.server_names) == ["safe.example.com"]


DENY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny, namespace: istio-ingress}
spec: {action: DENY, rules: [{from: [{source: {ipBlocks: [192.0.2.0/24]}}]}]}
"""
IN = virtual_service('"*"', "tcp: [{route: [{destination: {host: web, port: {number: 80}}}]}]")
BY_NAME = virtual_service(
    '"*.pass.example.com"',
    """tls:
  - match: [{sniHosts: ["*.pass.example.com"]}]
    route: [{destination: {host: web, port: {number: 80}}}]""",
    name="pass",
)


@pytest.mark.parametrize(
    ("source", "takes"),
    [
        ("sourceNamespace: istio-ingress", True),
        ("sourceNamespace: shop", False),
        ("sourceLabels: {istio: ingressgateway}", True),
        ("sourceLabels: {istio: egressgateway}", False),
    ],
)
def test_the_source_of_a_gateways_connections_is_the_gateway(source: str, takes: bool) -> None:
    route = f"tcp: [{{match: [{{{source}}}], route: [{{destination: {{host: web}}}}]}}]"
    server = "{port: {number: 5432, name: tcp, protocol: TCP}, hosts: ['*']}"
    mesh = mesh_of(WEB, gateway_of(server), virtual_service('"*"', route))

    made = gateway.listener(mesh, ROUTER, "0.0.0.0_5432")

    assert bool(made and types.Listener.FromString(made).filter_chains) is takes


@pytest.mark.envoy
@pytest.mark.parametrize(
    "server",
    [
        "{port: {number: 5432, name: tcp, protocol: TCP}, hosts: ['*']}",
        "{port: {number: 5432, name: tls, protocol: TLS}, hosts: ['*.pass.example.com'],"
        " tls: {mode: PASSTHROUGH}}",
        "{port: {number: 5432, name: tls, protocol: TLS}, hosts: ['*.local'],"
        " tls: {mode: AUTO_PASSTHROUGH}}",
    ],
    ids=["TCP", "PASSTHROUGH", "AUTO_PASSTHROUGH"],
)
def test_policies_of_a_gateway_hold_for_connections_that_are_not_http(server: str) -> None:
    mesh = mesh_of(WEB, gateway_of(server), IN, BY_NAME, DENY)
    (name,) = (each for each in gateway.listener_names(mesh, ROUTER) if "5432" in each)
    made = gateway.listener(mesh, ROUTER, name)
    assert made is not None
    assert_accepted(listeners=[made])

    firsts = {chain.filters[0].name for chain in types.Listener.FromString(made).filter_chains}

    assert firsts == {"envoy.filters.network.rbac"}
