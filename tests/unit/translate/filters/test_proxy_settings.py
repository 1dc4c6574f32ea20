"""ProxyConfig's headers and connections, in what proxies are sent."""

from dataclasses import replace
from typing import Any

import pytest

from lateen.envoy import messages, types
from lateen.translate.clusters import build as clusters
from lateen.translate.listeners import gateway, inbound, outbound
from lateen.view.mesh import Mesh
from tests.envoy_check import assert_accepted
from tests.unit.translate.gateway_world import ROUTER, gateway_of
from tests.unit.translate.outbound_world import (
    CLIENT,
    http_service,
    listener,
    mesh_of,
    virtual_host,
)

HEADERS = """
defaultConfig:
  proxyHeaders:
    forwardedClientCert: SANITIZE_SET
    setCurrentClientCertDetails: {subject: false, uri: true}
    requestId: {disabled: true}
    server: {disabled: true}
    attemptCount: {disabled: true}
    envoyDebugHeaders: {disabled: true}
    preserveHttp1HeaderCase: true
    xForwardedHost: {enabled: true}
    xForwardedPort: {enabled: true}
"""
CONNECTIONS = """
defaultConfig:
  connectionSettings:
    listenerPerConnectionBufferLimitBytes: 4096
    clusterPerConnectionBufferLimitBytes: 8192
    httpIdleTimeout: 30s
    httpMaxConnectionDuration: 1h
    httpMaxStreamDuration: 2h
    httpStreamIdleTimeout: 40s
    httpRequestTimeout: 50s
    httpRequestHeadersTimeout: 5s
    httpDrainTimeout: 6s
    httpMaxConcurrentStreams: 10
    http2InitialStreamWindowSize: 65536
    http2InitialConnectionWindowSize: 131072
    httpHeadersWithUnderscoresAction: HEADERS_WITH_UNDERSCORES_DROP_HEADER
    httpMergeSlashes: true
    httpPathWithEscapedSlashesAction: REJECT_REQUEST
"""
EDGE = "defaultConfig: {connectionSettings: {profile: EDGE, httpMaxConcurrentStreams: 7}}"
HTTP = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}"
SERVER = replace(CLIENT, labels=(("app", "web"),), addresses=("10.1.0.1",))


def manager(chain: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = chain["filters"][-1]["typed_config"]
    return found


def client_side(mesh: Mesh) -> dict[str, Any]:
    return manager(listener(mesh, "0.0.0.0_80")["filter_chains"][0])


def server_side(mesh: Mesh) -> dict[str, Any]:
    made = inbound.listener(mesh, SERVER, "virtualInbound")
    assert made is not None
    shown = messages.to_json(types.Listener.FromString(made))
    chains = [chain for chain in shown["filter_chains"] if chain["name"] == "0.0.0.0_80"]
    return manager(chains[0])


def gateway_side(mesh: Mesh) -> dict[str, Any]:
    made = gateway.listener(mesh, ROUTER, "0.0.0.0_80")
    assert made is not None
    return messages.to_json(types.Listener.FromString(made))


def cluster(mesh: Mesh) -> dict[str, Any]:
    made = clusters.cluster(mesh, CLIENT, "outbound|80||web.shop.svc.cluster.local")
    assert made is not None
    return messages.to_json(types.Cluster.FromString(made))


def test_headers_are_kept_out_or_in_as_the_mesh_says() -> None:
    mesh = mesh_of(http_service("web"), mesh_config=HEADERS)

    made = client_side(mesh)

    assert made["server_header_transformation"] == "PASS_THROUGH"
    assert made["generate_request_id"] is False
    assert made["append_x_forwarded_port"] is True
    assert made["http_filters"][-1]["typed_config"]["suppress_envoy_headers"] is True
    formatter = made["http_protocol_options"]["header_key_format"]["stateful_formatter"]
    assert formatter["name"] == "envoy.http.stateful_header_formatters.preserve_case"
    assert "forward_client_cert_details" not in made


def test_servers_tell_of_client_certificates_what_the_mesh_says() -> None:
    made = server_side(mesh_of(http_service("web"), mesh_config=HEADERS))

    assert made["forward_client_cert_details"] == "SANITIZE_SET"
    assert made["set_current_client_cert_details"] == {"subject": False, "uri": True}


def test_gateways_take_the_mode_from_their_topology() -> None:
    config = HEADERS.replace("SANITIZE_SET", "FORWARD_ONLY")

    made = manager(gateway_side(mesh_of(gateway_of(HTTP), mesh_config=config))["filter_chains"][0])

    assert made["forward_client_cert_details"] == "SANITIZE_SET"


def test_routes_hide_attempts_and_tell_the_original_host_as_the_mesh_says() -> None:
    rewrite = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http: [{rewrite: {authority: other}, route: [{destination: {host: web}}]}]
"""
    mesh = mesh_of(http_service("web"), rewrite, mesh_config=HEADERS)

    made = virtual_host(mesh, "80", "web.shop.svc.cluster.local:80")

    assert "include_request_attempt_count" not in made
    assert made["routes"][0]["route"]["append_x_forwarded_host"] is True


def test_connections_are_limited_as_the_mesh_says() -> None:
    mesh = mesh_of(http_service("web"), mesh_config=CONNECTIONS)

    made = client_side(mesh)

    assert made["common_http_protocol_options"] == {
        "idle_timeout": "30s",
        "max_connection_duration": "3600s",
        "max_stream_duration": "7200s",
        "headers_with_underscores_action": "DROP_HEADER",
    }
    assert made["http2_protocol_options"] == {
        "max_concurrent_streams": 10,
        "initial_stream_window_size": 65536,
        "initial_connection_window_size": 131072,
    }
    assert (made["stream_idle_timeout"], made["request_timeout"]) == ("40s", "50s")
    assert (made["request_headers_timeout"], made["drain_timeout"]) == ("5s", "6s")
    assert (made["merge_slashes"], made["path_with_escaped_slashes_action"]) == (
        True,
        "REJECT_REQUEST",
    )
    assert listener(mesh, "0.0.0.0_80")["per_connection_buffer_limit_bytes"] == 4096
    assert cluster(mesh)["per_connection_buffer_limit_bytes"] == 8192


def test_the_edge_profile_is_for_gateways_and_what_is_written_beats_it() -> None:
    mesh = mesh_of(http_service("web"), gateway_of(HTTP), mesh_config=EDGE)

    made = gateway_side(mesh)

    http2 = manager(made["filter_chains"][0])["http2_protocol_options"]
    assert (http2["max_concurrent_streams"], http2["initial_stream_window_size"]) == (7, 65536)
    assert made["per_connection_buffer_limit_bytes"] == 32768
    assert "per_connection_buffer_limit_bytes" not in listener(mesh, "0.0.0.0_80")


def test_a_proxys_own_settings_beat_the_meshs() -> None:
    mesh = mesh_of(http_service("web"), mesh_config=CONNECTIONS)
    own = (("PROXY_CONFIG", '{"connectionSettings": {"httpIdleTimeout": "9s"}}'),)

    made = listener(mesh, "0.0.0.0_80", replace(CLIENT, settings=own))

    options = manager(made["filter_chains"][0])["common_http_protocol_options"]
    assert options == {"idle_timeout": "9s"}


@pytest.mark.envoy
@pytest.mark.parametrize("config", [HEADERS, CONNECTIONS, EDGE])
def test_envoy_accepts_them(config: str) -> None:
    mesh = mesh_of(http_service("web"), gateway_of(HTTP), mesh_config=config)

    assert_accepted(
        listeners=[
            outbound.listener(mesh, CLIENT, "0.0.0.0_80"),
            inbound.listener(mesh, SERVER, "virtualInbound"),
            gateway.listener(mesh, ROUTER, "0.0.0.0_80"),
        ],
        clusters=[clusters.cluster(mesh, CLIENT, "outbound|80||web.shop.svc.cluster.local")],
    )
