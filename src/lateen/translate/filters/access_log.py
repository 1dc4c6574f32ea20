"""Access logs from MeshConfig: accessLogFile, accessLogEncoding, accessLogFormat, and by gRPC.

every HTTP and TCP filter chain   all requests and connections
listeners                         only connections that no filter chain took (flag NR)
"""

import json
from typing import Any

from lateen.api.mesh_config import AccessLogEncoding
from lateen.base.incremental import derived
from lateen.config.validation import log_format
from lateen.envoy import messages, types
from lateen.view.mesh import Mesh

FILE_LOG = "envoy.access_loggers.file"
NO_ROUTE = "NR"

HTTP = "HttpConnectionManager"
HTTP_GRPC, TCP_GRPC = "envoy.access_loggers.http_grpc", "envoy.access_loggers.tcp_grpc"
SERVICE_CLUSTER = "envoy_accesslog_service"  # in the bootstrap
HTTP_SERVICE_LOG, TCP_SERVICE_LOG = "http_envoy_accesslog", "tcp_envoy_accesslog"
LISTENER_SERVICE_LOG = "listener_envoy_accesslog"

TEXT_FORMAT = (
    "[%START_TIME%] "
    '"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" '
    "%RESPONSE_CODE% %RESPONSE_FLAGS% "
    "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
    '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% '
    "%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" '
    '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" '
    '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% '
    "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% "
    "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)

JSON_FORMAT = {
    "start_time": "%START_TIME%",
    "route_name": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
    "user_agent": "%REQ(USER-AGENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "authority": "%REQ(:AUTHORITY)%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
}


def add_access_logs(target: Any, mesh: Mesh) -> None:
    """Gives an HttpConnectionManager or TcpProxy the mesh's log, if there is one."""
    kind = HTTP_SERVICE_LOG if target.DESCRIPTOR.name == HTTP else TCP_SERVICE_LOG
    for log in (mesh_log(mesh), service_log(mesh, kind)):
        if log is not None:
            target.access_log.add().MergeFromString(log)


def add_listener_log(listener: Any, mesh: Mesh) -> None:
    """Gives a Listener the log of connections that it could not place."""
    if mesh.config.disable_envoy_listener_log:
        return
    for log in (mesh_log(mesh), service_log(mesh, LISTENER_SERVICE_LOG)):
        if log is not None:
            made = listener.access_log.add()
            made.MergeFromString(log)
            made.filter.response_flag_filter.flags.append(NO_ROUTE)


@derived
def mesh_log(mesh: Mesh) -> bytes | None:
    """The serialized AccessLog that MeshConfig asks for; None without accessLogFile."""
    config = mesh.config
    if not config.access_log_file:
        return None
    return messages.serialize(
        file_log(
            config.access_log_file,
            text=_text_format(config.access_log_format)
            if config.access_log_encoding is AccessLogEncoding.TEXT
            else None,
            labels=_json_format(config.access_log_format),
        )
    )


@derived
def service_log(mesh: Mesh, kind: str) -> bytes | None:
    """The log by gRPC that `enableEnvoyAccessLogService` asks for.

    Its server is in the bootstrap (`envoyAccessLogService`); Envoy would refuse every listener
    without, so then there is no such log.
    """
    config = mesh.config
    defaults = config.default_config
    server = defaults.envoy_access_log_service if defaults is not None else None
    if not config.enable_envoy_access_log_service or server is None or not server.address:
        return None
    is_http = kind == HTTP_SERVICE_LOG
    log = types.HttpGrpcAccessLogConfig() if is_http else types.TcpGrpcAccessLogConfig()
    log.common_config.log_name = kind
    log.common_config.transport_api_version = "V3"
    log.common_config.grpc_service.envoy_grpc.cluster_name = SERVICE_CLUSTER
    made = types.AccessLog(name=HTTP_GRPC if is_http else TCP_GRPC)
    made.typed_config.CopyFrom(messages.pack(log))
    return messages.serialize(made)


def file_log(path: str, *, text: str | None, labels: dict[str, Any]) -> Any:
    """An AccessLog to a file; as JSON objects of `labels` when there is no text format."""
    config = types.FileAccessLog(path=path)
    if text is not None:
        config.log_format.text_format_source.inline_string = text
    else:
        config.log_format.json_format.CopyFrom(messages.struct(labels))
        config.log_format.json_format_options.SetInParent()
    made = types.AccessLog(name=FILE_LOG)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


def _text_format(wanted: str) -> str:
    if not wanted or log_format.fault(wanted):
        return TEXT_FORMAT
    return wanted if wanted.endswith("\n") else wanted + "\n"


def _json_format(wanted: str) -> dict[str, Any]:
    """A format that Envoy would refuse is left out rather than every listener with it."""
    if not wanted or log_format.encoded_fault(wanted):
        return JSON_FORMAT
    found: dict[str, Any] = json.loads(wanted)
    return found
