from dataclasses import replace

import pytest

from lateen.envoy import messages, types
from lateen.translate.clusters import build
from lateen.view.proxy import Interception
from tests.envoy_check import assert_accepted
from tests.unit.translate.clusters.worlds import (
    CLIENT,
    GATEWAY,
    REVIEWS,
    apply,
    cluster,
    entry,
    http_options,
    istio,
    mesh_of,
    reviews,
    rule,
    service,
)

NAME = f"outbound|80||{REVIEWS}"


def test_each_subset_has_a_cluster_that_names_it() -> None:
    mesh = reviews(rule("subsets: [{name: v1, labels: {version: v1}}]"))
    made = cluster(mesh, f"outbound|80|v1|{REVIEWS}")

    assert made["metadata"]["filter_metadata"]["istio"]["subset"] == "v1"
    assert build.cluster(mesh, CLIENT, f"outbound|80|v9|{REVIEWS}") is None


def test_the_cluster_says_which_rule_shaped_it() -> None:
    made = cluster(reviews(rule("trafficPolicy: {loadBalancer: {simple: RANDOM}}")), NAME)

    assert made["metadata"]["filter_metadata"]["istio"]["config"] == (
        "/apis/networking.istio.io/v1/namespaces/default/destination-rule/reviews"
    )


def test_headless_services_keep_the_address_on_sidecars_only() -> None:
    mesh = mesh_of(
        service("db", "clusterIP: None, selector: {app: db}, ports: [{name: tcp, port: 5432}]")
    )
    name = "outbound|5432||db.default.svc.cluster.local"

    assert cluster(mesh, name)["type"] == "ORIGINAL_DST"
    assert cluster(mesh, name, GATEWAY)["type"] == "EDS"
    assert cluster(mesh, name, replace(CLIENT, interception=Interception.NONE))["type"] == "EDS"


def test_a_name_to_resolve_travels_inside_the_cluster() -> None:
    mesh = mesh_of(
        entry(
            "api.example.com", "resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]"
        )
    )
    made = cluster(mesh, "outbound|443||api.example.com")
    address = made["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]

    assert made["type"] == "STRICT_DNS"
    assert address["socket_address"] == {"address": "api.example.com", "port_value": 443}


def test_passing_through_leaves_nothing_to_resolve() -> None:
    host = "api.example.com"
    mesh = mesh_of(
        entry(host, "resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]")
        + rule("trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}", host)
    )
    made = cluster(mesh, f"outbound|80||{host}")

    assert made["type"] == "ORIGINAL_DST"
    assert "load_assignment" not in made


def test_one_name_at_a_time_is_the_first_of_several() -> None:
    mesh = mesh_of(
        entry(
            "api.example.com",
            "resolution: DNS_ROUND_ROBIN, ports: [{number: 80, name: http, protocol: HTTP}], "
            "endpoints: [{address: a.example.com, locality: r/z}, {address: b.example.com}]",
        )
    )
    made = cluster(mesh, "outbound|80||api.example.com")
    (place,) = made["load_assignment"]["endpoints"]

    assert made["type"] == "LOGICAL_DNS"
    assert len(place["lb_endpoints"]) == 1


def test_names_without_endpoints_have_no_cluster_until_one_comes() -> None:
    written = (
        "resolution: DNS, workloadSelector: {labels: {app: vm}}, location: MESH_INTERNAL, "
        "ports: [{number: 80, name: http, protocol: HTTP}]"
    )
    mesh = mesh_of(entry("vm.example.com", written))
    name = "outbound|80||vm.example.com"
    assert name not in build.cluster_names(mesh, CLIENT)
    assert build.cluster(mesh, CLIENT, name) is None

    apply(mesh, istio("WorkloadEntry", "vm", "address: vm.internal, labels: {app: vm}"))

    assert name in build.cluster_names(mesh, CLIENT)
    assert cluster(mesh, name)["load_assignment"]["endpoints"]


def test_an_entry_without_resolution_can_lead_to_another_port() -> None:
    mesh = mesh_of(
        entry(
            "raw.example.com",
            "resolution: NONE, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]",
        )
    )
    made = cluster(mesh, "outbound|80||raw.example.com")

    assert made["original_dst_lb_config"] == {"upstream_port_override": 8080}


def test_external_names_and_udp_ports_have_no_cluster() -> None:
    mesh = mesh_of(
        service("alias", "type: ExternalName, externalName: example.com, ports: [{port: 80}]")
        + service("dns", "clusterIP: 10.0.0.9, ports: [{name: dns, port: 53, protocol: UDP}]")
    )

    assert not [name for name in build.cluster_names(mesh, CLIENT) if name.startswith("outbound")]


def test_protocol_of_the_port_decides_how_http_is_spoken() -> None:
    grpc = http_options(cluster(reviews(protocol="grpc"), NAME))
    sniffed = http_options(cluster(reviews(protocol="web"), NAME))
    plain = http_options(cluster(reviews(protocol="http"), NAME))

    assert grpc["explicit_http_config"] == {"http2_protocol_options": {}}
    assert set(sniffed["use_downstream_protocol_config"]) == {
        "http_protocol_options", "http2_protocol_options",
    }  # fmt: skip
    assert plain == {}


def test_gateways_do_not_follow_the_client_to_sniffed_ports() -> None:
    assert http_options(cluster(reviews(protocol="web"), NAME, GATEWAY)) == {}


def test_a_change_of_endpoints_leaves_the_cluster_alone() -> None:
    mesh = reviews()
    node = build.cell(mesh, CLIENT, NAME)
    mesh.graph.observe(node)
    mesh.graph.settle()

    apply(
        mesh,
        istio(
            "WorkloadEntry",
            "more",
            "address: 10.9.9.9, labels: {app: reviews}, serviceAccount: reviews",
        ),
    )

    assert mesh.graph.settle() == []


def test_clients_in_different_zones_share_the_cluster_of_a_static_service() -> None:
    mesh = reviews()
    bodies = {build.cluster(mesh, replace(CLIENT, service_account=x), NAME) for x in ("a", "b")}

    assert len(bodies) == 1


def test_stat_names_follow_the_mesh() -> None:
    mesh = reviews(mesh_config="outboundClusterStatName: '%SERVICE%_%SERVICE_PORT%'")

    assert cluster(mesh, NAME)["alt_stat_name"] == "reviews.default_80;"


@pytest.mark.envoy
def test_envoy_accepts_a_name_that_each_request_brings() -> None:
    mesh = mesh_of(
        entry(
            "*.dynamic.example.com",
            "resolution: DYNAMIC_DNS, location: MESH_EXTERNAL, "
            "ports: [{number: 443, name: https, protocol: TLS}, "
            "{number: 80, name: http, protocol: HTTP}]",
        )
        + rule("trafficPolicy: {tls: {mode: SIMPLE}}", "*.dynamic.example.com")
    )
    names = ("outbound|443||*.dynamic.example.com", "outbound|80||*.dynamic.example.com")
    made = [build.cluster(mesh, CLIENT, name) for name in names]

    shown = messages.to_json(types.Cluster.FromString(made[0]))
    assert shown["cluster_type"]["name"] == "envoy.clusters.dynamic_forward_proxy"
    assert http_options(shown)["upstream_http_protocol_options"] == {
        "auto_sni": True, "auto_san_validation": True,
    }  # fmt: skip
    assert_accepted(clusters=made)
