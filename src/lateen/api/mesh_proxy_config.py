"""ProxyConfig, the mesh's message: how one proxy is started.

Not to be confused with the kind of the same name, see `proxy_config.ProxyConfigResource`.
"""

from enum import StrEnum

from lateen.api.destination_rule import ClientTLSSettings, TcpKeepalive
from lateen.api.duration import Duration
from lateen.api.proxy_config import ProxyImage
from lateen.api.resource import Spec
from lateen.api.scalars import Int32, Int64, UInt32
from lateen.api.workload_group import ReadinessProbe


class AuthenticationPolicy(StrEnum):
    NONE = "NONE"
    MUTUAL_TLS = "MUTUAL_TLS"
    INHERIT = "INHERIT"


class TraceContext(StrEnum):
    UNSPECIFIED = "UNSPECIFIED"
    W3C_TRACE_CONTEXT = "W3C_TRACE_CONTEXT"
    GRPC_BIN = "GRPC_BIN"
    CLOUD_TRACE_CONTEXT = "CLOUD_TRACE_CONTEXT"
    B3 = "B3"


class Zipkin(Spec, frozen=True):
    address: str = ""


class Lightstep(Spec, frozen=True):
    address: str = ""
    access_token: str = ""


class Datadog(Spec, frozen=True):
    address: str = ""


class Stackdriver(Spec, frozen=True):
    debug: bool = False
    max_number_of_attributes: Int64 | None = None
    max_number_of_annotations: Int64 | None = None
    max_number_of_message_events: Int64 | None = None


class OpenCensusAgent(Spec, frozen=True):
    address: str = ""
    context: tuple[TraceContext, ...] = ()


class Literal(Spec, frozen=True):
    value: str = ""


class Environment(Spec, frozen=True):
    name: str = ""
    default_value: str = ""


class RequestHeader(Spec, frozen=True):
    name: str = ""
    default_value: str = ""


class CustomTag(Spec, frozen=True):
    """Tracing.CustomTag"""

    ONEOFS = (("literal", "environment", "header"),)

    literal: Literal | None = None
    environment: Environment | None = None
    header: RequestHeader | None = None


class Tracing(Spec, frozen=True):
    ONEOFS = (("zipkin", "lightstep", "datadog", "stackdriver", "open_census_agent"),)

    zipkin: Zipkin | None = None
    lightstep: Lightstep | None = None
    datadog: Datadog | None = None
    stackdriver: Stackdriver | None = None
    open_census_agent: OpenCensusAgent | None = None
    custom_tags: dict[str, CustomTag] = {}
    max_path_tag_length: UInt32 = 0
    sampling: float = 0.0
    tls_settings: ClientTLSSettings | None = None
    enable_istio_tags: bool | None = None


class SDS(Spec, frozen=True):
    enabled: bool = False
    k8s_sa_jwt_path: str = ""


class ForwardClientCertDetails(StrEnum):
    UNDEFINED = "UNDEFINED"
    SANITIZE = "SANITIZE"
    FORWARD_ONLY = "FORWARD_ONLY"
    APPEND_FORWARD = "APPEND_FORWARD"
    SANITIZE_SET = "SANITIZE_SET"
    ALWAYS_FORWARD_ONLY = "ALWAYS_FORWARD_ONLY"


class ProxyProtocolConfiguration(Spec, frozen=True):
    """Topology.ProxyProtocolConfiguration"""


class Topology(Spec, frozen=True):
    num_trusted_proxies: UInt32 = 0
    forward_client_cert_details: ForwardClientCertDetails = ForwardClientCertDetails.UNDEFINED
    proxy_protocol: ProxyProtocolConfiguration | None = None


class CryptoMb(Spec, frozen=True):
    poll_delay: Duration | None = None
    fallback: bool | None = None


class QAT(Spec, frozen=True):
    poll_delay: Duration | None = None
    fallback: bool | None = None


class PrivateKeyProvider(Spec, frozen=True):
    ONEOFS = (("cryptomb", "qat"),)

    cryptomb: CryptoMb | None = None
    qat: QAT | None = None


class TracingServiceName(StrEnum):
    APP_LABEL_AND_NAMESPACE = "APP_LABEL_AND_NAMESPACE"
    CANONICAL_NAME_ONLY = "CANONICAL_NAME_ONLY"
    CANONICAL_NAME_AND_NAMESPACE = "CANONICAL_NAME_AND_NAMESPACE"


class InboundInterceptionMode(StrEnum):
    REDIRECT = "REDIRECT"
    TPROXY = "TPROXY"
    NONE = "NONE"


class RemoteService(Spec, frozen=True):
    address: str = ""
    tls_settings: ClientTLSSettings | None = None
    tcp_keepalive: TcpKeepalive | None = None


class ProxyStatsMatcher(Spec, frozen=True):
    inclusion_prefixes: tuple[str, ...] = ()
    inclusion_suffixes: tuple[str, ...] = ()
    inclusion_regexps: tuple[str, ...] = ()


class HeaderSwitch(Spec, frozen=True):
    disabled: bool | None = None


class ForwardedSwitch(Spec, frozen=True):
    """ProxyHeaders.XForwardedHost, XForwardedPort: off unless switched on."""

    enabled: bool | None = None


class ServerHeader(Spec, frozen=True):
    disabled: bool | None = None
    value: str = ""


class MetadataExchangeMode(StrEnum):
    UNDEFINED = "UNDEFINED"
    IN_MESH = "IN_MESH"


class MetadataExchangeHeaders(Spec, frozen=True):
    mode: MetadataExchangeMode = MetadataExchangeMode.UNDEFINED


class SetCurrentClientCertDetails(Spec, frozen=True):
    subject: bool | None = None
    cert: bool | None = None
    chain: bool | None = None
    dns: bool | None = None
    uri: bool | None = None


class ProxyHeaders(Spec, frozen=True):
    forwarded_client_cert: ForwardClientCertDetails = ForwardClientCertDetails.UNDEFINED
    set_current_client_cert_details: SetCurrentClientCertDetails | None = None
    request_id: HeaderSwitch | None = None
    server: ServerHeader | None = None
    attempt_count: HeaderSwitch | None = None
    envoy_debug_headers: HeaderSwitch | None = None
    metadata_exchange_headers: MetadataExchangeHeaders | None = None
    preserve_http1_header_case: bool | None = None
    x_forwarded_host: ForwardedSwitch | None = None
    x_forwarded_port: ForwardedSwitch | None = None


class FileFlushSettings(Spec, frozen=True):
    flush_interval: Duration | None = None
    min_flush_size_kb: UInt32 | None = None


class ConnectionProfile(StrEnum):
    """ProxyConfig.ConnectionSettings.Profile"""

    PROFILE_UNSPECIFIED = "PROFILE_UNSPECIFIED"
    SIDECAR = "SIDECAR"
    EDGE = "EDGE"


class UnderscoresAction(StrEnum):
    """ProxyConfig.ConnectionSettings.HeadersWithUnderscoresAction"""

    UNSPECIFIED = "HEADERS_WITH_UNDERSCORES_UNSPECIFIED"
    ALLOW = "HEADERS_WITH_UNDERSCORES_ALLOW"
    REJECT_REQUEST = "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST"
    DROP_HEADER = "HEADERS_WITH_UNDERSCORES_DROP_HEADER"


class EscapedSlashesAction(StrEnum):
    """ProxyConfig.ConnectionSettings.PathWithEscapedSlashesAction"""

    UNSPECIFIED = "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED"
    KEEP_UNCHANGED = "KEEP_UNCHANGED"
    REJECT_REQUEST = "REJECT_REQUEST"
    UNESCAPE_AND_REDIRECT = "UNESCAPE_AND_REDIRECT"
    UNESCAPE_AND_FORWARD = "UNESCAPE_AND_FORWARD"


class ConnectionSettings(Spec, frozen=True):
    """ProxyConfig.ConnectionSettings"""

    profile: ConnectionProfile = ConnectionProfile.PROFILE_UNSPECIFIED
    global_downstream_connection_limit: Int32 | None = None
    listener_per_connection_buffer_limit_bytes: Int32 | None = None
    cluster_per_connection_buffer_limit_bytes: Int32 | None = None
    http_idle_timeout: Duration | None = None
    http_max_connection_duration: Duration | None = None
    http_max_stream_duration: Duration | None = None
    http_stream_idle_timeout: Duration | None = None
    http_request_timeout: Duration | None = None
    http_request_headers_timeout: Duration | None = None
    http_drain_timeout: Duration | None = None
    http_max_concurrent_streams: Int32 | None = None
    http2_initial_stream_window_size: Int32 | None = None
    http2_initial_connection_window_size: Int32 | None = None
    http_headers_with_underscores_action: UnderscoresAction = UnderscoresAction.UNSPECIFIED
    http_merge_slashes: bool | None = None
    http_path_with_escaped_slashes_action: EscapedSlashesAction = EscapedSlashesAction.UNSPECIFIED


class ProxyConfig(Spec, frozen=True):
    ONEOFS = (("service_cluster", "tracing_service_name"),)

    config_path: str = ""
    binary_path: str = ""
    service_cluster: str | None = None
    tracing_service_name: TracingServiceName | None = None
    drain_duration: Duration | None = None
    parent_shutdown_duration: Duration | None = None
    discovery_address: str = ""
    discovery_refresh_delay: Duration | None = None
    zipkin_address: str = ""
    statsd_udp_address: str = ""
    envoy_metrics_service_address: str = ""
    proxy_admin_port: Int32 = 0
    availability_zone: str = ""
    control_plane_auth_policy: AuthenticationPolicy = AuthenticationPolicy.NONE
    custom_config_file: str = ""
    stat_name_length: Int32 = 0
    concurrency: Int32 | None = None
    proxy_bootstrap_template_path: str = ""
    interception_mode: InboundInterceptionMode = InboundInterceptionMode.REDIRECT
    tracing: Tracing | None = None
    sds: SDS | None = None
    envoy_access_log_service: RemoteService | None = None
    envoy_metrics_service: RemoteService | None = None
    proxy_metadata: dict[str, str] = {}
    runtime_values: dict[str, str] = {}
    status_port: Int32 = 0
    extra_stat_tags: tuple[str, ...] = ()
    gateway_topology: Topology | None = None
    termination_drain_duration: Duration | None = None
    mesh_id: str = ""
    readiness_probe: ReadinessProbe | None = None
    proxy_stats_matcher: ProxyStatsMatcher | None = None
    hold_application_until_proxy_starts: bool | None = None
    ca_certificates_pem: tuple[str, ...] = ()
    image: ProxyImage | None = None
    private_key_provider: PrivateKeyProvider | None = None
    proxy_headers: ProxyHeaders | None = None
    file_flush_interval: Duration | None = None
    file_flush_min_size_kb: UInt32 | None = None
    stats_compression: bool | None = None
    stats_eviction_interval: Duration | None = None
    connection_settings: ConnectionSettings | None = None


PROXY_DEFAULTS = ProxyConfig(
    config_path="./etc/istio/proxy",
    binary_path="/usr/local/bin/envoy",
    service_cluster="istio-proxy",
    drain_duration=Duration.parse("45s"),
    termination_drain_duration=Duration.parse("5s"),
    proxy_admin_port=15000,
    control_plane_auth_policy=AuthenticationPolicy.MUTUAL_TLS,
    discovery_address="istiod.istio-system.svc:15012",
    tracing=None,
    proxy_metadata={},
    stat_name_length=189,
    status_port=15020,
)
