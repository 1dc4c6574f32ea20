from dataclasses import replace

import pytest

from lateen.translate.clusters import build
from lateen.view.proxy import Interception, ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.clusters.worlds import (
    cluster,
    http_options,
    istio,
    reviews,
    rule,
    service,
)

SERVER = ProxyClass(
    namespace="default", labels=(("app", "reviews"), ("version", "v1")), addresses=("10.1.0.1",)
)
NAME = "inbound|8080||"


def test_captured_traffic_goes_on_to_where_it_was_sent() -> None:
    made = cluster(reviews(), NAME, SERVER)

    assert (made["type"], made["lb_policy"]) == ("ORIGINAL_DST", "CLUSTER_PROVIDED")
    assert made["upstream_bind_config"]["source_address"]["address"] == "127.0.0.6"


@pytest.mark.parametrize("mode", ["mesh", "proxy"])
def test_otherwise_the_application_is_on_loopback(mode: str) -> None:
    config = "inboundTrafficPolicy: {mode: LOCALHOST}" if mode == "mesh" else ""
    client = SERVER if mode == "mesh" else replace(SERVER, interception=Interception.NONE)
    made = cluster(reviews(mesh_config=config), NAME, client)
    endpoint = made["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]

    assert endpoint["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 8080}


def test_services_on_one_port_share_its_cluster() -> None:
    more = service("copy", "selector: {app: reviews}, ports: [{port: 81, targetPort: 8080}]")
    made = cluster(reviews(more), NAME, SERVER)
    listed = made["metadata"]["filter_metadata"]["istio"]["services"]

    assert {item["name"] for item in listed} == {"reviews", "copy"}


def test_only_the_connection_pool_of_a_rule_counts_here() -> None:
    policy = (
        "trafficPolicy: {connectionPool: {tcp: {maxConnections: 3}, http: {h2UpgradePolicy: "
        "UPGRADE}}, outlierDetection: {consecutive5xxErrors: 1}, tls: {mode: SIMPLE}}"
    )
    made = cluster(reviews(rule(policy)), NAME, SERVER)

    assert made["circuit_breakers"]["thresholds"][0]["max_connections"] == 3
    assert not {"outlier_detection", "transport_socket"} & set(made)
    assert http_options(made) == {}


def test_the_sidecar_resource_has_the_last_word_on_the_pool() -> None:
    policy = rule("trafficPolicy: {connectionPool: {tcp: {maxConnections: 3}}}")
    own = istio("Sidecar", "own", "inboundConnectionPool: {tcp: {maxConnections: 9}}")
    made = cluster(reviews(policy + own), NAME, SERVER)

    assert made["circuit_breakers"]["thresholds"][0]["max_connections"] == 9


def test_grpc_ports_are_spoken_to_in_http2() -> None:
    made = cluster(reviews(protocol="grpc"), NAME, SERVER)

    assert "http2_protocol_options" in http_options(made)["explicit_http_config"]


def test_ingress_listeners_replace_the_ports_of_services() -> None:
    ingress = (
        "ingress: [{port: {number: 9000, protocol: HTTP, name: http}, "
        "defaultEndpoint: '127.0.0.1:7000'}, {port: {number: 9001, protocol: TCP, name: tcp}, "
        "defaultEndpoint: 'unix:///run/app.sock'}]"
    )
    mesh = reviews(istio("Sidecar", "own", ingress))
    first, second = (
        cluster(mesh, name, SERVER)["load_assignment"]["endpoints"][0]["lb_endpoints"][0]
        for name in ("inbound|9000||", "inbound|9001||")
    )

    assert NAME not in build.cluster_names(mesh, SERVER)
    assert first["endpoint"]["address"]["socket_address"]["port_value"] == 7000
    assert second["endpoint"]["address"]["pipe"] == {"path": "/run/app.sock"}


@pytest.mark.envoy
def test_envoy_accepts_both_kinds() -> None:
    mesh = reviews()
    local = replace(SERVER, interception=Interception.NONE)

    assert_accepted(clusters=[build.cluster(mesh, SERVER, NAME)])
    assert_accepted(clusters=[build.cluster(mesh, local, NAME)])
