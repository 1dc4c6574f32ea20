"""What a gateway's proxy listens on."""

from dataclasses import replace
from typing import Any

import pytest

from lateen.translate.listeners import gateway
from tests.envoy_check import assert_accepted
from tests.unit.translate.gateway_world import (
    ROUTER,
    WEB,
    config,
    gateway_of,
    server_names,
    shown,
    virtual_service,
)
from tests.unit.translate.outbound_world import mesh_of

HTTP = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com]}"
HTTPS = """{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example.com],
    tls: {mode: SIMPLE, credentialName: a-cert}}"""
MUTUAL = """{port: {number: 443, name: mutual, protocol: HTTPS}, hosts: [b.example.com],
    tls: {mode: MUTUAL, credentialName: b-cert, subjectAltNames: [client.example.com]}}"""
PASSTHROUGH = """{port: {number: 443, name: pass, protocol: TLS}, hosts: ["*.pass.example.com"],
    tls: {mode: PASSTHROUGH}}"""
TCP = "{port: {number: 5432, name: tcp, protocol: TCP}, hosts: ['*']}"
TLS_ROUTES = virtual_service(
    '"*.pass.example.com"',
    """tls:
  - match: [{port: 443, sniHosts: [a.pass.example.com, b.pass.example.com]}]
    route: [{destination: {host: web, port: {number: 443}}}]""",
    name="pass",
)
TCP_ROUTES = virtual_service(
    '"*"',
    """tcp:
  - match: [{port: 5432}]
    route:
    - {destination: {host: web, port: {number: 80}}, weight: 90}
    - {destination: {host: web, port: {number: 443}}, weight: 10}""",
    name="tcp",
)


ROOTS = """
apiVersion: v1
kind: Secret
metadata: {name: c, namespace: istio-ingress}
stringData: {ca.crt: "-----BEGIN CERTIFICATE-----"}
"""


def common_tls(chain: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = chain["transport_socket"]["typed_config"]["common_tls_context"]
    return found


def test_http_servers_of_a_port_share_one_chain_and_its_routes() -> None:
    other = HTTP.replace("name: http,", "name: http-b,").replace("a.example", "b.example")

    made = shown(mesh_of(gateway_of(HTTP, other)), "0.0.0.0_80")

    assert len(made["filter_chains"]) == 1
    assert config(made["filter_chains"][0])["rds"]["route_config_name"] == "http.80"
    assert "listener_filters" not in made


def test_the_listener_is_on_the_target_port_of_the_gateways_service() -> None:
    service = """
apiVersion: v1
kind: Service
metadata: {name: ingressgateway, namespace: istio-ingress}
spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, targetPort: 8080}]}
"""
    mesh = mesh_of(gateway_of(HTTP), service)

    assert gateway.listener_names(mesh, ROUTER) == ("0.0.0.0_8080",)


def test_the_client_is_whoever_connects() -> None:
    made = config(shown(mesh_of(gateway_of(HTTP)), "0.0.0.0_80")["filter_chains"][0])

    assert made["use_remote_address"] is True
    assert made["forward_client_cert_details"] == "SANITIZE_SET"
    assert made["server_name"] == "istio-envoy"
    assert made["stat_prefix"] == "outbound_0.0.0.0_80;"


def test_trusted_proxies_are_counted_as_the_mesh_says() -> None:
    settings = """{defaultConfig: {gatewayTopology: {numTrustedProxies: 2,
        forwardClientCertDetails: APPEND_FORWARD, proxyProtocol: {}}}}"""

    made = shown(mesh_of(gateway_of(HTTP), mesh_config=settings), "0.0.0.0_80")

    http = config(made["filter_chains"][0])
    assert http["xff_num_trusted_hops"] == 2
    assert http["forward_client_cert_details"] == "APPEND_FORWARD"
    assert made["listener_filters"][0]["name"] == "envoy.filters.listener.proxy_protocol"


def test_a_gateways_own_settings_beat_the_meshs() -> None:
    proxy_config = '{"gatewayTopology": {"numTrustedProxies": 3}}'
    own = replace(ROUTER, settings=(("PROXY_CONFIG", proxy_config),))

    made = shown(mesh_of(gateway_of(HTTP)), "0.0.0.0_80", own)

    assert config(made["filter_chains"][0])["xff_num_trusted_hops"] == 3


def test_tls_servers_are_told_apart_by_server_name() -> None:
    made = shown(mesh_of(gateway_of(HTTPS, MUTUAL)), "0.0.0.0_443")

    first, second = made["filter_chains"]
    assert (server_names(first), server_names(second)) == (["a.example.com"], ["b.example.com"])
    assert config(first)["rds"]["route_config_name"] == "https.443.https.public.istio-ingress"
    assert made["listener_filters"][0]["name"] == "envoy.filters.listener.tls_inspector"


def test_a_simple_server_shows_its_certificate_and_asks_for_none() -> None:
    chain = shown(mesh_of(gateway_of(HTTPS)), "0.0.0.0_443")["filter_chains"][0]

    common = common_tls(chain)
    secret = common["tls_certificate_sds_secret_configs"][0]
    assert secret["name"] == "kubernetes://a-cert"
    assert "ads" in secret["sds_config"]
    assert common["alpn_protocols"] == ["h2", "http/1.1"]
    assert "combined_validation_context" not in common


def test_a_mutual_server_checks_clients_against_the_credentials_roots() -> None:
    chain = shown(mesh_of(gateway_of(MUTUAL)), "0.0.0.0_443")["filter_chains"][0]

    validation = common_tls(chain)["combined_validation_context"]
    names = validation["default_validation_context"]["match_typed_subject_alt_names"]
    roots = validation["validation_context_sds_secret_config"]["name"]
    assert roots == "kubernetes://b-cert-cacert"
    assert names == [{"san_type": "DNS", "matcher": {"exact": "client.example.com"}}]
    assert chain["transport_socket"]["typed_config"]["require_client_certificate"] is True


@pytest.mark.parametrize(
    ("settings", "certificate", "roots", "required"),
    [
        ("mode: ISTIO_MUTUAL", "default", "ROOTCA", True),
        (
            "mode: OPTIONAL_MUTUAL, credentialName: c",
            "kubernetes://c",
            "kubernetes://c-cacert",
            False,
        ),
        (
            "mode: MUTUAL, credentialName: c, caCertCredentialName: roots",
            "kubernetes://c",
            "kubernetes://roots-cacert",
            True,
        ),
        (
            "mode: MUTUAL, serverCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem",
            "file-cert:/c.pem~/k.pem",
            "file-root:/ca.pem",
            True,
        ),
    ],
)
def test_where_certificates_and_roots_come_from(
    settings: str, certificate: str, roots: str, required: bool
) -> None:
    server = HTTPS.replace("mode: SIMPLE, credentialName: a-cert", settings)
    chain = shown(mesh_of(gateway_of(server), ROOTS), "0.0.0.0_443")["filter_chains"][0]

    common = common_tls(chain)
    validation = common["combined_validation_context"]["validation_context_sds_secret_config"]
    assert common["tls_certificate_sds_secret_configs"][0]["name"] == certificate
    assert validation["name"] == roots
    assert chain["transport_socket"]["typed_config"]["require_client_certificate"] is required


def test_an_optional_mutual_server_without_roots_asks_for_no_certificate() -> None:
    server = HTTPS.replace("mode: SIMPLE", "mode: OPTIONAL_MUTUAL")

    chain = shown(mesh_of(gateway_of(server)), "0.0.0.0_443")["filter_chains"][0]

    assert "combined_validation_context" not in common_tls(chain)


def test_a_revocation_list_beside_the_gateway_is_checked() -> None:
    files = "serverCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem"
    server = HTTPS.replace(
        "mode: SIMPLE, credentialName: a-cert", f"mode: MUTUAL, {files}, caCrl: /crl.pem"
    )

    chain = shown(mesh_of(gateway_of(server)), "0.0.0.0_443")["filter_chains"][0]

    validation = common_tls(chain)["combined_validation_context"]["default_validation_context"]
    assert validation["crl"] == {"filename": "/crl.pem"}


def test_the_meshs_tls_defaults_hold_unless_the_server_says_otherwise() -> None:
    defaults = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    tlsDefaults: {minProtocolVersion: TLSV1_3, ecdhCurves: [P-256]}
"""
    other = HTTPS.replace("name: https", "name: other").replace("a.example", "b.example")
    other = other.replace("mode: SIMPLE", "mode: SIMPLE, minProtocolVersion: TLSV1_2")

    made = shown(mesh_of(gateway_of(HTTPS, other), defaults), "0.0.0.0_443")

    assert [common_tls(chain)["tls_params"] for chain in made["filter_chains"]] == [
        {"tls_minimum_protocol_version": "TLSv1_3", "ecdh_curves": ["P-256"]},
        {"tls_minimum_protocol_version": "TLSv1_2", "ecdh_curves": ["P-256"]},
    ]


def test_versions_and_ciphers_are_those_of_the_server() -> None:
    wanted = """mode: SIMPLE, minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_3,
        cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]"""
    server = HTTPS.replace("mode: SIMPLE", wanted)

    chain = shown(mesh_of(gateway_of(server)), "0.0.0.0_443")["filter_chains"][0]

    assert common_tls(chain)["tls_params"] == {
        "tls_minimum_protocol_version": "TLSv1_3",
        "tls_maximum_protocol_version": "TLSv1_3",
        "cipher_suites": ["ECDHE-RSA-AES128-GCM-SHA256"],
    }


def test_passthrough_follows_the_tls_routes() -> None:
    chain = shown(mesh_of(WEB, gateway_of(PASSTHROUGH), TLS_ROUTES), "0.0.0.0_443")[
        "filter_chains"
    ][0]

    assert server_names(chain) == ["a.pass.example.com", "b.pass.example.com"]
    assert config(chain)["cluster"] == "outbound|443||web.shop.svc.cluster.local"
    assert "transport_socket" not in chain


def test_a_server_name_that_is_taken_keeps_its_older_route() -> None:
    younger = TLS_ROUTES.replace("name: pass,", "name: x-pass,").replace("[a.pass", "[c.pass")

    made = shown(mesh_of(WEB, gateway_of(PASSTHROUGH), TLS_ROUTES, younger), "0.0.0.0_443")

    names = [server_names(chain) for chain in made["filter_chains"]]
    assert names == [["a.pass.example.com", "b.pass.example.com"], ["c.pass.example.com"]]


def test_tcp_follows_the_first_tcp_route_with_its_weights() -> None:
    chain = shown(mesh_of(WEB, gateway_of(TCP), TCP_ROUTES), "0.0.0.0_5432")["filter_chains"][0]

    assert config(chain)["weighted_clusters"]["clusters"] == [
        {"name": "outbound|80||web.shop.svc.cluster.local", "weight": 90},
        {"name": "outbound|443||web.shop.svc.cluster.local", "weight": 10},
    ]


def test_a_port_to_which_nothing_is_bound_does_not_listen() -> None:
    assert gateway.listener_names(mesh_of(gateway_of(TCP)), ROUTER) == ()


def test_other_networks_reach_every_service_and_subset_by_its_server_name() -> None:
    server = """{port: {number: 15443, name: tls, protocol: TLS}, hosts: ["*.local"],
        tls: {mode: AUTO_PASSTHROUGH}}"""
    rule = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: shop}
spec: {host: web, subsets: [{name: v1, labels: {version: v1}}]}
"""
    made = shown(mesh_of(WEB, gateway_of(server), rule), "0.0.0.0_15443")

    found = {server_names(chain)[0]: config(chain)["cluster"] for chain in made["filter_chains"]}
    assert sorted(found) == [
        "outbound_.443_._.web.shop.svc.cluster.local",
        "outbound_.443_.v1_.web.shop.svc.cluster.local",
        "outbound_.80_._.web.shop.svc.cluster.local",
        "outbound_.80_.v1_.web.shop.svc.cluster.local",
    ]
    assert all(name == cluster for name, cluster in found.items())


def test_privileged_ports_are_left_out_where_they_cannot_be_bound() -> None:
    unprivileged = replace(ROUTER, unprivileged=True)

    assert gateway.listener_names(mesh_of(gateway_of(HTTP)), unprivileged) == ()


@pytest.mark.envoy
def test_envoy_accepts_the_listeners() -> None:
    mesh = mesh_of(WEB, gateway_of(HTTP, HTTPS, MUTUAL, PASSTHROUGH, TCP), TLS_ROUTES, TCP_ROUTES)
    names = gateway.listener_names(mesh, ROUTER)

    assert names == ("0.0.0.0_80", "0.0.0.0_443", "0.0.0.0_5432")
    assert_accepted(listeners=[gateway.listener(mesh, ROUTER, name) for name in names])
