"""Patches that touch what keeps a workload safe."""

import pytest

from tests.unit.translate.envoy_filter.patch_world import (
    HCM,
    LUA,
    found_problems,
    patch,
    patched_mesh,
)

TLS = (
    "{name: envoy.transport_sockets.tls, typed_config: {'@type': "
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}}"
)
RBAC = (
    "{name: NAME, typed_config: "
    "{'@type': type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC}}"
)
OFF = (
    "{envoy.filters.http.rbac: {'@type': "
    "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute}}"
)


def of_filter(name: str) -> str:
    sub_filter = HCM.replace("manager}", f"manager, subFilter: {{name: {name}}}}}")
    return f"{{listener: {sub_filter}}}"


def is_pointed_out(text: str) -> bool:
    return "envoy-filter-security" in [each.code for each in found_problems(patched_mesh(text))]


@pytest.mark.parametrize(
    "text",
    [
        patch("HTTP_FILTER", "REMOVE", match=of_filter("envoy.filters.http.rbac")),
        patch("HTTP_FILTER", "REMOVE", match=of_filter("envoy.filters.http.jwt_authn")),
        patch("HTTP_FILTER", "REPLACE", LUA, of_filter("envoy.filters.http.ext_authz-http")),
        patch("HTTP_FILTER", "MERGE", RBAC.replace("NAME", "x"), f"{{listener: {HCM}}}"),
        patch("CLUSTER", "MERGE", f"{{transport_socket: {TLS}}}"),
        patch(
            "CLUSTER", "MERGE",
            f"{{transport_socket_matches: [{{name: a, transport_socket: {TLS}}}]}}",
        ),
        patch("FILTER_CHAIN", "REMOVE", match="{context: SIDECAR_INBOUND}"),
        patch("LISTENER", "REMOVE", match="{listener: {name: virtualInbound}}"),
        patch("VIRTUAL_HOST", "MERGE", f"{{typed_per_filter_config: {OFF}}}"),
        patch("HTTP_ROUTE", "MERGE", f"{{typed_per_filter_config: {OFF}}}"),
    ],
)  # fmt: skip
def test_it_is_pointed_out(text: str) -> None:
    assert is_pointed_out(text)


@pytest.mark.parametrize(
    "text",
    [
        patch("HTTP_FILTER", "INSERT_BEFORE", LUA, of_filter("envoy.filters.http.rbac")),
        patch("HTTP_FILTER", "REMOVE", match=of_filter("envoy.filters.http.fault")),
        patch("LISTENER", "REMOVE", match="{context: SIDECAR_OUTBOUND}"),
        patch("CLUSTER", "MERGE", "{connect_timeout: 1s}"),
        patch("VIRTUAL_HOST", "MERGE", "{include_request_attempt_count: true}"),
    ],
)
def test_the_rest_is_not(text: str) -> None:
    assert not is_pointed_out(text)
