"""HTTP/3 beside HTTPS."""

from dataclasses import replace

import pytest

from lateen.translate.listeners import gateway
from lateen.translate.routes import gateway as routes
from lateen.view.mesh import Mesh
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

HTTPS = """{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example.com],
    tls: {mode: SIMPLE, credentialName: a-cert}}"""
PASSTHROUGH = """{port: {number: 8443, name: pass, protocol: TLS}, hosts: ["*.pass.example.com"],
    tls: {mode: AUTO_PASSTHROUGH}}"""
HTTP = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example.com]}"
ASKING = replace(ROUTER, settings=(("QUIC_LISTENERS", "true"),))


def world() -> Mesh:
    bound = virtual_service(
        "a.example.com", "http: [{route: [{destination: {host: web, port: {number: 80}}}]}]"
    )
    return mesh_of(WEB, gateway_of(HTTP, HTTPS, PASSTHROUGH), bound)


def test_only_https_that_ends_here_is_on_udp_too_and_only_where_it_is_asked_for() -> None:
    assert [name for name in gateway.listener_names(world(), ASKING) if "udp" in name] == [
        "udp_0.0.0.0_443"
    ]
    assert not [name for name in gateway.listener_names(world(), ROUTER) if "udp" in name]


def test_it_has_the_same_routes_and_certificate() -> None:
    made = shown(world(), "udp_0.0.0.0_443", ASKING)

    chain = made["filter_chains"][0]
    assert made["address"]["socket_address"]["protocol"] == "UDP"
    assert "listener_filters" not in made
    assert server_names(chain) == ["a.example.com"]
    assert config(chain)["codec_type"] == "HTTP3"
    assert config(chain)["rds"]["route_config_name"] == "https.443.https.public.istio-ingress"
    context = chain["transport_socket"]["typed_config"]["downstream_tls_context"]
    common = context["common_tls_context"]
    assert common["alpn_protocols"] == ["h3"]
    assert common["tls_certificate_sds_secret_configs"][0]["name"] == "kubernetes://a-cert"


def test_clients_of_https_are_told() -> None:
    name = "https.443.https.public.istio-ingress"

    (host,) = routes.hosts(world(), ASKING, name)
    (other,) = routes.hosts(world(), ROUTER, name)
    (plain,) = routes.hosts(world(), ASKING, "http.80")

    assert (host.alt_svc, other.alt_svc, plain.alt_svc) == ('h3=":443"; ma=86400', "", "")


@pytest.mark.envoy
def test_envoy_accepts_it() -> None:
    mesh = world()

    assert_accepted(
        listeners=[gateway.listener(mesh, ASKING, "udp_0.0.0.0_443")],
        routes=[routes.route_configuration(mesh, ASKING, "https.443.https.public.istio-ingress")],
    )
