"""ProxyConfig `proxyHeaders` and `connectionSettings` in connection managers and listeners."""

from typing import Any

from lateen.api.mesh_proxy_config import (
    ConnectionSettings,
    EscapedSlashesAction,
    ForwardClientCertDetails,
    ProxyHeaders,
    SetCurrentClientCertDetails,
    UnderscoresAction,
)
from lateen.envoy import messages
from lateen.view import proxy_settings
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass, ProxyKind

PRESERVE_CASE = "envoy.http.stateful_header_formatters.preserve_case"
PRESERVE_CASE_CONFIG = (
    "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"
)
UNDERSCORES = {
    UnderscoresAction.ALLOW: "ALLOW",
    UnderscoresAction.REJECT_REQUEST: "REJECT_REQUEST",
    UnderscoresAction.DROP_HEADER: "DROP_HEADER",
}
CERTIFICATE_PARTS = ("cert", "chain", "dns", "uri")


def apply_to_manager(made: Any, mesh: Mesh, proxy: ProxyClass, *, is_server: bool) -> None:
    """`is_server`: others call it, so that X-Forwarded-Client-Cert is for it to set."""
    headers = proxy_settings.headers(mesh, proxy)
    if headers != ProxyHeaders():
        _apply_headers(made, headers)
        if is_server:
            _apply_client_certificates(made, headers, proxy.kind)
    settings = proxy_settings.connections(mesh, proxy)
    if settings != ConnectionSettings():
        _apply_limits(made, settings)
        _apply_normalization(made, settings)


def apply_to_listener(made: Any, mesh: Mesh, proxy: ProxyClass) -> None:
    limit = proxy_settings.connections(mesh, proxy).listener_per_connection_buffer_limit_bytes
    if limit is not None:
        made.per_connection_buffer_limit_bytes.value = limit


def hides_debug_headers(mesh: Mesh, proxy: ProxyClass) -> bool:
    """Whether `x-envoy-*` headers are kept out of requests and responses."""
    wanted = proxy_settings.headers(mesh, proxy).envoy_debug_headers
    return wanted is not None and bool(wanted.disabled)


def preserve_case(http1_options: Any) -> None:
    """Header names reach the other side in the case in which they came."""
    formatter = http1_options.header_key_format.stateful_formatter
    formatter.name = PRESERVE_CASE
    formatter.typed_config.CopyFrom(messages.empty(PRESERVE_CASE_CONFIG))


def _apply_headers(made: Any, headers: ProxyHeaders) -> None:
    if headers.server is not None:
        if headers.server.disabled:
            made.server_name = ""
            made.server_header_transformation = "PASS_THROUGH"
        elif headers.server.value:
            made.server_name = headers.server.value
    if headers.request_id is not None and headers.request_id.disabled:
        made.generate_request_id.value = False
    if headers.preserve_http1_header_case:
        preserve_case(made.http_protocol_options)
    if headers.x_forwarded_port is not None and headers.x_forwarded_port.enabled:
        made.append_x_forwarded_port = True


def _apply_client_certificates(made: Any, headers: ProxyHeaders, kind: ProxyKind) -> None:
    """Gateways take the mode from `gatewayTopology`: theirs is set by then and stays."""
    wanted = headers.forwarded_client_cert
    if wanted is not ForwardClientCertDetails.UNDEFINED and kind is ProxyKind.SIDECAR:
        made.forward_client_cert_details = wanted.value
    details = headers.set_current_client_cert_details
    if details is not None:
        _set_details(made.set_current_client_cert_details, details)


def _set_details(made: Any, details: SetCurrentClientCertDetails) -> None:
    made.Clear()
    if details.subject is not None:
        made.subject.value = details.subject
    for name in CERTIFICATE_PARTS:
        if getattr(details, name):
            setattr(made, name, True)


def _apply_limits(made: Any, settings: ConnectionSettings) -> None:
    common = made.common_http_protocol_options
    for message, field, value in (
        (common, "idle_timeout", settings.http_idle_timeout),
        (common, "max_connection_duration", settings.http_max_connection_duration),
        (common, "max_stream_duration", settings.http_max_stream_duration),
        (made, "stream_idle_timeout", settings.http_stream_idle_timeout),
        (made, "request_timeout", settings.http_request_timeout),
        (made, "request_headers_timeout", settings.http_request_headers_timeout),
        (made, "drain_timeout", settings.http_drain_timeout),
    ):
        if value is not None:
            getattr(message, field).CopyFrom(messages.duration(value))
    http2 = made.http2_protocol_options
    for field, number in (
        ("max_concurrent_streams", settings.http_max_concurrent_streams),
        ("initial_stream_window_size", settings.http2_initial_stream_window_size),
        ("initial_connection_window_size", settings.http2_initial_connection_window_size),
    ):
        if number is not None:
            getattr(http2, field).value = number


def _apply_normalization(made: Any, settings: ConnectionSettings) -> None:
    """Beats the mesh's `pathNormalization`."""
    underscores = UNDERSCORES.get(settings.http_headers_with_underscores_action)
    if underscores:
        made.common_http_protocol_options.headers_with_underscores_action = underscores
    if settings.http_merge_slashes is not None:
        made.merge_slashes = settings.http_merge_slashes
    escaped = settings.http_path_with_escaped_slashes_action
    if escaped is not EscapedSlashesAction.UNSPECIFIED:
        made.path_with_escaped_slashes_action = escaped.value
