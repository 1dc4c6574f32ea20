"""ProxyConfig of the mesh: how a proxy is started, and the services that it talks to."""

from lateen.api.duration import Duration
from lateen.api.mesh_proxy_config import (
    AuthenticationPolicy,
    ConnectionSettings,
    CustomTag,
    PrivateKeyProvider,
    ProxyConfig,
    Tracing,
)
from lateen.config.validation import names, re2
from lateen.config.validation.report import Report
from lateen.config.validation.traffic_policy import check_client_tls
from lateen.config.validation.workload import check_probe

SECOND = 10**9
MILLISECOND = 10**6
LONGEST_DRAIN = 3600 * SECOND
SMALLEST_WINDOW = 65535  # of HTTP/2, bytes
LARGEST_WINDOW = 2**31 - 1


def check_proxy_config(report: Report, path: str, config: ProxyConfig) -> None:
    check_required(report, path, config)
    check_drain(report, f"{path}.drainDuration", config.drain_duration)
    check_addresses(report, path, config)
    if config.tracing is not None:
        check_tracing(report, f"{path}.tracing", config.tracing)
    check_auth_policy(report, f"{path}.controlPlaneAuthPolicy", config.control_plane_auth_policy)
    for field, title, port in (
        ("proxyAdminPort", "proxy admin port", config.proxy_admin_port),
        ("statusPort", "status port", config.status_port),
    ):
        if not 1 <= port <= 65535:
            report.error(f"{path}.{field}", f"invalid {title}: {port} is not from 1 to 65535")
    check_key_provider(report, f"{path}.privateKeyProvider", config.private_key_provider)
    check_connections(report, f"{path}.connectionSettings", config.connection_settings)
    check_probe(report, f"{path}.readinessProbe", config.readiness_probe)
    if config.concurrency is not None and config.concurrency < 0:
        report.error(f"{path}.concurrency", "concurrency must be greater than or equal to 0")
    if config.proxy_stats_matcher is not None:
        for index, pattern in enumerate(config.proxy_stats_matcher.inclusion_regexps):
            fault = re2.fault(pattern)
            if fault:
                report.error(f"{path}.proxyStatsMatcher.inclusionRegexps[{index}]", fault)


def check_required(report: Report, path: str, config: ProxyConfig) -> None:
    if not config.config_path:
        report.error(f"{path}.configPath", "config path must be set")
    if not config.binary_path:
        report.error(f"{path}.binaryPath", "binary path must be set")
    if config.service_cluster is None and config.tracing_service_name is None:
        report.error(path, "oneof service cluster or tracing service name must be specified")
    elif config.service_cluster == "":
        report.error(f"{path}.serviceCluster", "service cluster must be specified")


def check_drain(report: Report, path: str, drain: Duration | None) -> None:
    if drain is None or drain < MILLISECOND:
        report.error(path, "invalid drain duration: duration must be greater than 1ms")
    elif drain > LONGEST_DRAIN:
        report.error(path, "invalid drain duration: it must be at most one hour")
    elif drain % SECOND:
        report.error(path, "invalid drain duration: it is in whole seconds")


def check_addresses(report: Report, path: str, config: ProxyConfig) -> None:
    if not config.discovery_address:
        report.error(
            f"{path}.discoveryAddress",
            "discovery address must be set to the proxy discovery service",
        )
    else:
        check_address(report, f"{path}.discoveryAddress", config.discovery_address)
    for field, address in (
        ("statsdUdpAddress", config.statsd_udp_address),
        ("zipkinAddress", config.zipkin_address),
        ("envoyMetricsServiceAddress", config.envoy_metrics_service_address),
    ):
        if address:
            check_address(report, f"{path}.{field}", address)
    for field, service in (
        ("envoyMetricsService", config.envoy_metrics_service),
        ("envoyAccessLogService", config.envoy_access_log_service),
    ):
        if service is not None and service.address:
            check_address(report, f"{path}.{field}.address", service.address)
        if service is not None:
            check_client_tls(report, f"{path}.{field}.tlsSettings", service.tls_settings)


def check_address(report: Report, path: str, address: str) -> None:
    fault = address_fault(address)
    if fault:
        report.error(path, f'"{address}" {fault}', "write HOST:PORT")


def address_fault(address: str) -> str:
    """`host:port`, an IPv6 address in brackets."""
    host, colon, port = address.rpartition(":")
    if not colon:
        return "has no port"
    if host.startswith("[") and host.endswith("]"):
        if not names.is_ip(host[1:-1]):
            return "has an invalid IPv6 address"
    elif ":" in host:
        return "has an IPv6 address without brackets, or more than one port"
    elif not names.is_ip(host) and not names.is_fqdn(host):
        return "has neither an IP address nor a domain name before its port"
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        return f'has no port from 1 to 65535 but "{port}"'
    return ""


def check_tracing(report: Report, path: str, tracing: Tracing) -> None:
    for field, tracer in (
        ("zipkin", tracing.zipkin),
        ("lightstep", tracing.lightstep),
        ("datadog", tracing.datadog),
    ):
        if tracer is not None:
            address = tracer.address.replace("$(HOST_IP)", "127.0.0.1")
            check_address(report, f"{path}.{field}.address", address)
    if tracing.lightstep is not None and not tracing.lightstep.access_token:
        report.error(f"{path}.lightstep.accessToken", "access token is required")
    for name, tag in tracing.custom_tags.items():
        check_tag(report, f"{path}.customTags[{name}]", tag)
    if not 0 <= tracing.sampling <= 100:
        report.error(f"{path}.sampling", f"must be from 0 to 100, not {tracing.sampling:g}")
    check_client_tls(report, f"{path}.tlsSettings", tracing.tls_settings)


def check_tag(report: Report, path: str, tag: CustomTag) -> None:
    if tag.literal is not None:
        if not tag.literal.value:
            report.error(f"{path}.literal.value", "literal tag value may not be empty")
    elif tag.environment is not None:
        if not tag.environment.name:
            report.error(f"{path}.environment.name", "environment tag name may not be empty")
    elif tag.header is not None:
        if not tag.header.name:
            report.error(f"{path}.header.name", "header tag name may not be empty")
    else:
        report.error(path, "one of literal, environment or header must be set")


def check_auth_policy(report: Report, path: str, policy: AuthenticationPolicy) -> None:
    if not is_auth_policy(policy):
        report.error(path, f"must be NONE or MUTUAL_TLS, not {policy}")


def is_auth_policy(policy: object) -> bool:
    return policy in (AuthenticationPolicy.NONE, AuthenticationPolicy.MUTUAL_TLS)


def check_key_provider(report: Report, path: str, provider: PrivateKeyProvider | None) -> None:
    if provider is None:
        return
    if provider == PrivateKeyProvider():
        report.error(path, "private key provider configuration is required")
    for field, one in (("cryptomb", provider.cryptomb), ("qat", provider.qat)):
        if one is None:
            continue
        if one.poll_delay is None:
            report.error(f"{path}.{field}.pollDelay", "pollDelay is required")
        elif one.poll_delay <= 0:
            report.error(f"{path}.{field}.pollDelay", "pollDelay must be greater than 0")


def check_connections(report: Report, path: str, settings: ConnectionSettings | None) -> None:
    if settings is None:
        return
    for field, name in (
        ("http_idle_timeout", "httpIdleTimeout"),
        ("http_stream_idle_timeout", "httpStreamIdleTimeout"),
        ("http_request_timeout", "httpRequestTimeout"),
        ("http_request_headers_timeout", "httpRequestHeadersTimeout"),
        ("http_drain_timeout", "httpDrainTimeout"),
        ("http_max_stream_duration", "httpMaxStreamDuration"),
        ("http_max_connection_duration", "httpMaxConnectionDuration"),
    ):
        value = getattr(settings, field)
        if value is not None and value < 0:
            report.error(f"{path}.{name}", f"duration must not be negative, not {value}")
    for field, name in (
        ("global_downstream_connection_limit", "globalDownstreamConnectionLimit"),
        ("listener_per_connection_buffer_limit_bytes", "listenerPerConnectionBufferLimitBytes"),
        ("cluster_per_connection_buffer_limit_bytes", "clusterPerConnectionBufferLimitBytes"),
        ("http_max_concurrent_streams", "httpMaxConcurrentStreams"),
    ):
        number = getattr(settings, field)
        if number is not None and number < 1:
            report.error(f"{path}.{name}", f"must be at least 1, not {number}")
    for field, name in (
        ("http2_initial_stream_window_size", "http2InitialStreamWindowSize"),
        ("http2_initial_connection_window_size", "http2InitialConnectionWindowSize"),
    ):
        size = getattr(settings, field)
        if size is not None and not SMALLEST_WINDOW <= size <= LARGEST_WINDOW:
            report.error(
                f"{path}.{name}", f"must be from {SMALLEST_WINDOW} to {LARGEST_WINDOW}, not {size}"
            )
