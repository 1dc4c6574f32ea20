"""MeshConfig.ExtensionProvider: services that proxies call for authorization, traces and logs."""

from typing import Any

from msgspec import field

from lateen.api.duration import Duration
from lateen.api.mesh_proxy_config import TraceContext
from lateen.api.resource import Spec
from lateen.api.scalars import Int64, UInt32


class EnvoyExternalAuthorizationRequestBody(Spec, frozen=True):
    max_request_bytes: UInt32 = 0
    allow_partial_message: bool = False
    pack_as_bytes: bool = False


class EnvoyExternalAuthorizationHttpProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    timeout: Duration | None = None
    path_prefix: str = ""
    fail_open: bool = False
    clear_route_cache: bool = False
    status_on_error: str = ""
    include_headers_in_check: tuple[str, ...] = ()
    include_request_headers_in_check: tuple[str, ...] = ()
    include_additional_headers_in_check: dict[str, str] = {}
    include_request_body_in_check: EnvoyExternalAuthorizationRequestBody | None = None
    headers_to_upstream_on_allow: tuple[str, ...] = ()
    headers_to_downstream_on_deny: tuple[str, ...] = ()
    headers_to_downstream_on_allow: tuple[str, ...] = ()


class EnvoyExternalAuthorizationGrpcProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    timeout: Duration | None = None
    fail_open: bool = False
    clear_route_cache: bool = False
    status_on_error: str = ""
    include_request_body_in_check: EnvoyExternalAuthorizationRequestBody | None = None


class ZipkinTracingProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    max_tag_length: UInt32 = 0
    enable_64bit_trace_id: bool = field(default=False, name="enable64bitTraceId")
    path: str = ""
    trace_context_option: str = ""
    timeout: Duration | None = None
    headers: tuple["HttpHeader", ...] = ()


class LightstepTracingProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    access_token: str = ""
    max_tag_length: UInt32 = 0


class DatadogTracingProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    max_tag_length: UInt32 = 0


class SkyWalkingTracingProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    access_token: str = ""


class Logging(Spec, frozen=True):
    """StackdriverProvider.Logging"""

    labels: dict[str, str] = {}


class StackdriverProvider(Spec, frozen=True):
    debug: bool = False
    max_number_of_attributes: Int64 | None = None
    max_number_of_annotations: Int64 | None = None
    max_number_of_message_events: Int64 | None = None
    max_tag_length: UInt32 = 0
    logging: Logging | None = None


class OpenCensusAgentTracingProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    context: tuple[TraceContext, ...] = ()
    max_tag_length: UInt32 = 0


class PrometheusMetricsProvider(Spec, frozen=True):
    pass


class LogFormat(Spec, frozen=True):
    """EnvoyFileAccessLogProvider.LogFormat"""

    ONEOFS = (("text", "labels"),)

    text: str | None = None
    labels: dict[str, Any] | None = None


class EnvoyFileAccessLogProvider(Spec, frozen=True):
    path: str = ""
    log_format: LogFormat | None = None
    omit_empty_values: bool = False


class EnvoyHttpGrpcV3LogProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    log_name: str = ""
    filter_state_objects_to_log: tuple[str, ...] = ()
    additional_request_headers_to_log: tuple[str, ...] = ()
    additional_response_headers_to_log: tuple[str, ...] = ()
    additional_response_trailers_to_log: tuple[str, ...] = ()


class EnvoyTcpGrpcV3LogProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    log_name: str = ""
    filter_state_objects_to_log: tuple[str, ...] = ()


class OpenTelemetryLogFormat(Spec, frozen=True):
    """EnvoyOpenTelemetryLogProvider.LogFormat"""

    text: str = ""
    labels: dict[str, Any] | None = None


class EnvoyOpenTelemetryLogProvider(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    log_name: str = ""
    log_format: OpenTelemetryLogFormat | None = None


class HttpHeader(Spec, frozen=True):
    ONEOFS = (("value", "env_name"),)

    name: str = ""
    value: str | None = None
    env_name: str | None = None


class HttpService(Spec, frozen=True):
    path: str = ""
    timeout: Duration | None = None
    headers: tuple[HttpHeader, ...] = ()


class GrpcService(Spec, frozen=True):
    timeout: Duration | None = None
    initial_metadata: tuple[HttpHeader, ...] = ()


class EnvironmentResourceDetector(Spec, frozen=True):
    pass


class DynatraceResourceDetector(Spec, frozen=True):
    pass


class ResourceDetectors(Spec, frozen=True):
    environment: EnvironmentResourceDetector | None = None
    dynatrace: DynatraceResourceDetector | None = None


class DynatraceSampler(Spec, frozen=True):
    tenant: str = ""
    cluster_id: Int64 = 0
    root_spans_per_minute: UInt32 = 0
    http_service: "DynatraceApi | None" = None


class DynatraceApi(Spec, frozen=True):
    service: str = ""
    port: UInt32 = 0
    http: HttpService | None = None


class OpenTelemetryTracingProvider(Spec, frozen=True):
    ONEOFS = (("http", "grpc"),)

    service: str = ""
    port: UInt32 = 0
    max_tag_length: UInt32 = 0
    http: HttpService | None = None
    grpc: GrpcService | None = None
    resource_detectors: ResourceDetectors | None = None
    dynatrace_sampler: DynatraceSampler | None = None
    service_attribute_enrichment: str = ""


class SDSProvider(Spec, frozen=True):
    name: str = ""
    service: str = ""
    port: UInt32 = 0


PROVIDERS = (
    "envoy_ext_authz_http",
    "envoy_ext_authz_grpc",
    "zipkin",
    "lightstep",
    "datadog",
    "stackdriver",
    "opencensus",
    "skywalking",
    "opentelemetry",
    "prometheus",
    "envoy_file_access_log",
    "envoy_http_als",
    "envoy_tcp_als",
    "envoy_otel_als",
    "sds",
)


class ExtensionProvider(Spec, frozen=True):
    ONEOFS = (PROVIDERS,)

    name: str = ""
    envoy_ext_authz_http: EnvoyExternalAuthorizationHttpProvider | None = None
    envoy_ext_authz_grpc: EnvoyExternalAuthorizationGrpcProvider | None = None
    zipkin: ZipkinTracingProvider | None = None
    lightstep: LightstepTracingProvider | None = None
    datadog: DatadogTracingProvider | None = None
    stackdriver: StackdriverProvider | None = None
    opencensus: OpenCensusAgentTracingProvider | None = None
    skywalking: SkyWalkingTracingProvider | None = None
    opentelemetry: OpenTelemetryTracingProvider | None = None
    prometheus: PrometheusMetricsProvider | None = None
    envoy_file_access_log: EnvoyFileAccessLogProvider | None = None
    envoy_http_als: EnvoyHttpGrpcV3LogProvider | None = None
    envoy_tcp_als: EnvoyTcpGrpcV3LogProvider | None = None
    envoy_otel_als: EnvoyOpenTelemetryLogProvider | None = None
    sds: SDSProvider | None = None
