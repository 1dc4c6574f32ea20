"""The HTTP connection manager as MeshConfig and the edge shape it."""

from typing import Any

import pytest

from lateen.api.mesh_proxy_config import ForwardClientCertDetails
from lateen.envoy import messages
from lateen.translate.filters import http
from lateen.translate.filters.http_connection_manager import (
    INBOUND,
    OUTBOUND,
    Edge,
    http_connection_manager,
)
from lateen.view.scope import outbound_scope
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of


def made(
    *,
    edge: Edge = OUTBOUND,
    direction: http.Direction = http.Direction.OUTBOUND,
    mesh_config: str = "",
    is_grpc_web: bool = False,
) -> dict[str, Any]:
    mesh = mesh_of(http_service("zipkin", port=9411), mesh_config=mesh_config)
    return messages.to_json(
        http_connection_manager(
            mesh,
            stat_prefix="outbound_0.0.0.0_80",
            route_name="80",
            http_filters=http.http_filters(direction, is_grpc_web=is_grpc_web),
            edge=edge,
            scope=outbound_scope(mesh, CLIENT),
        )
    )


def test_routes_come_over_the_discovery_stream_without_a_limit_of_time() -> None:
    manager = made()

    assert manager["stat_prefix"] == "outbound_0.0.0.0_80;"
    assert manager["rds"] == {
        "route_config_name": "80",
        "config_source": {
            "ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3",
        },
    }  # fmt: skip
    assert manager["stream_idle_timeout"] == "0s"
    assert manager["upgrade_configs"] == [{"upgrade_type": "websocket"}]


def test_filters_stand_in_istios_order() -> None:
    def names(**settings: Any) -> list[str]:
        return [each["name"].rpartition(".")[2] for each in made(**settings)["http_filters"]]

    assert names() == ["grpc_stats", "alpn", "fault", "cors", "stateful_session", "router"]
    assert names(is_grpc_web=True)[0] == "grpc_web"
    assert "alpn" not in names(direction=http.Direction.INBOUND)


@pytest.mark.parametrize(
    ("kind", "normalizes", "merges", "escaped"),
    [
        ("NONE", False, False, "KEEP_UNCHANGED"),
        ("BASE", True, False, "KEEP_UNCHANGED"),
        ("DEFAULT", True, False, "KEEP_UNCHANGED"),
        ("MERGE_SLASHES", True, True, "KEEP_UNCHANGED"),
        ("DECODE_AND_MERGE_SLASHES", True, True, "UNESCAPE_AND_FORWARD"),
    ],
)
def test_paths_are_normalized_as_the_mesh_says(
    kind: str, normalizes: bool, merges: bool, escaped: str
) -> None:
    manager = made(mesh_config=f"pathNormalization: {{normalization: {kind}}}")

    assert manager["normalize_path"] is normalizes
    assert manager.get("merge_slashes", False) is merges
    assert manager["path_with_escaped_slashes_action"] == escaped


def test_inbound_appends_the_clients_certificate_and_names_the_server() -> None:
    manager = made(edge=INBOUND)

    assert manager["server_name"] == "istio-envoy"
    assert manager["forward_client_cert_details"] == "APPEND_FORWARD"
    assert manager["set_current_client_cert_details"] == {
        "subject": True, "dns": True, "uri": True,
    }  # fmt: skip


def test_gateway_trusts_the_hops_in_front_of_it() -> None:
    manager = made(
        edge=Edge(
            use_remote_address=True,
            xff_trusted_hops=2,
            forward_client_cert=ForwardClientCertDetails.SANITIZE_SET,
        )
    )

    assert manager["use_remote_address"] is True
    assert manager["xff_num_trusted_hops"] == 2
    assert manager["forward_client_cert_details"] == "SANITIZE_SET"


def test_nothing_is_traced_without_a_provider() -> None:
    assert "tracing" not in made()


def test_chosen_provider_gets_the_spans() -> None:
    manager = made(
        mesh_config="""
defaultProviders: {tracing: [zipkin]}
extensionProviders:
- name: zipkin
  zipkin: {service: shop/zipkin.shop.svc.cluster.local, port: 9411}
defaultConfig: {tracing: {sampling: 25, customTags: {env: {literal: {value: prod}}}}}
"""
    )

    tracing = manager["tracing"]
    assert tracing["random_sampling"] == {"value": 25.0}
    assert tracing["custom_tags"] == [{"tag": "env", "literal": {"value": "prod"}}]
    assert tracing["provider"]["typed_config"]["collector_cluster"] == (
        "outbound|9411||zipkin.shop.svc.cluster.local"
    )


def test_zipkin_address_of_the_proxy_settings_may_be_short() -> None:
    manager = made(mesh_config="defaultConfig: {tracing: {zipkin: {address: zipkin.shop:9411}}}")

    assert manager["tracing"]["random_sampling"] == {"value": 1.0}
    assert manager["tracing"]["provider"]["typed_config"]["collector_cluster"] == (
        "outbound|9411||zipkin.shop.svc.cluster.local"
    )


def test_provider_whose_service_nobody_knows_gets_nothing() -> None:
    manager = made(
        mesh_config="""
defaultProviders: {tracing: [zipkin]}
extensionProviders: [{name: zipkin, zipkin: {service: nowhere.example.com, port: 9411}}]
"""
    )

    assert "tracing" not in manager
