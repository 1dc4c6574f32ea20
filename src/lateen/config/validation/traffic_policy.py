"""Traffic policies: connection pools, outlier detection, client TLS, tunnels.

Load balancing is examined by `load_balancer`.
"""

from lateen.api.destination_rule import (
    ClientTLSSettings,
    ConnectionPoolSettings,
    H2UpgradePolicy,
    HTTPSettings,
    OutlierDetection,
    PortTrafficPolicy,
    RetryBudget,
    TCPSettings,
    TLSmode,
    TrafficPolicy,
    TunnelSettings,
)
from lateen.config.validation import names
from lateen.config.validation.http import check_duration
from lateen.config.validation.load_balancer import check_load_balancer
from lateen.config.validation.report import Report

TUNNEL_PROTOCOLS = ("CONNECT", "POST")


def check_traffic_policy(report: Report, path: str, policy: TrafficPolicy | None) -> None:
    if policy is None:
        return
    if policy == TrafficPolicy():
        report.error(path, "traffic policy must have at least one field")
    if policy.tunnel is not None and policy.proxy_protocol is not None:
        report.error(path, "tunnel and proxyProtocol exclude each other", "keep one of them")
    check_blocks(report, path, policy)
    for index, port_policy in enumerate(policy.port_level_settings):
        where = f"{path}.portLevelSettings[{index}]"
        if port_policy.port is None:
            report.error(f"{where}.port", "port is required")
        else:
            names.check_port(report, f"{where}.port.number", port_policy.port.number)
        check_blocks(report, where, port_policy)
    check_tunnel(report, f"{path}.tunnel", policy.tunnel)
    check_retry_budget(report, f"{path}.retryBudget", policy.retry_budget)


def check_blocks(report: Report, path: str, policy: TrafficPolicy | PortTrafficPolicy) -> None:
    outlier = policy.outlier_detection
    check_outlier_detection(report, f"{path}.outlierDetection", outlier)
    check_connection_pool(report, f"{path}.connectionPool", policy.connection_pool)
    check_load_balancer(
        report, f"{path}.loadBalancer", policy.load_balancer, detects=outlier is not None
    )
    check_client_tls(report, f"{path}.tls", policy.tls)


def check_outlier_detection(report: Report, path: str, outlier: OutlierDetection | None) -> None:
    if outlier is None:
        return
    check_duration(report, f"{path}.interval", outlier.interval)
    check_duration(report, f"{path}.baseEjectionTime", outlier.base_ejection_time)
    if outlier.consecutive_errors:
        report.warning(
            f"{path}.consecutiveErrors",
            "outlier detection consecutiveErrors is deprecated and has no effect",
            "use consecutiveGatewayErrors or consecutive5xxErrors",
            code="deprecated",
        )
    if not outlier.split_external_local_origin_errors and outlier.consecutive_local_origin_failures:
        report.error(
            f"{path}.consecutiveLocalOriginFailures",
            "needs splitExternalLocalOriginErrors: true",
        )
    for field, percent in (
        ("maxEjectionPercent", outlier.max_ejection_percent),
        ("minHealthPercent", outlier.min_health_percent),
    ):
        if not 0 <= percent <= 100:
            report.error(f"{path}.{field}", f"must be from 0 to 100, not {percent}")


def check_connection_pool(report: Report, path: str, pool: ConnectionPoolSettings | None) -> None:
    if pool is None:
        return
    if pool.http is None and pool.tcp is None:
        report.error(path, "connection pool must have at least one field", "set http or tcp")
    if pool.tcp is not None:
        check_tcp_pool(report, f"{path}.tcp", pool.tcp)
    if pool.http is not None:
        check_http_pool(report, f"{path}.http", pool.http)


def check_tcp_pool(report: Report, path: str, pool: TCPSettings) -> None:
    check_not_negative(report, f"{path}.maxConnections", pool.max_connections)
    check_duration(report, f"{path}.connectTimeout", pool.connect_timeout)
    check_duration(report, f"{path}.maxConnectionDuration", pool.max_connection_duration)
    check_duration(report, f"{path}.idleTimeout", pool.idle_timeout)
    if pool.tcp_keepalive is not None:
        check_duration(report, f"{path}.tcpKeepalive.time", pool.tcp_keepalive.time)
        check_duration(report, f"{path}.tcpKeepalive.interval", pool.tcp_keepalive.interval)


def check_http_pool(report: Report, path: str, pool: HTTPSettings) -> None:
    for field, value in (
        ("http1MaxPendingRequests", pool.http1_max_pending_requests),
        ("http2MaxRequests", pool.http2_max_requests),
        ("maxRequestsPerConnection", pool.max_requests_per_connection),
        ("maxRetries", pool.max_retries),
        ("maxConcurrentStreams", pool.max_concurrent_streams),
    ):
        check_not_negative(report, f"{path}.{field}", value)
    check_duration(report, f"{path}.idleTimeout", pool.idle_timeout)
    if pool.h2_upgrade_policy is H2UpgradePolicy.UPGRADE and pool.use_client_protocol:
        report.error(path, "useClientProtocol and h2UpgradePolicy: UPGRADE exclude each other")
    keepalive = pool.http2_keep_alive
    if keepalive is not None:
        where = f"{path}.http2KeepAlive"
        for field, duration in (("interval", keepalive.interval), ("timeout", keepalive.timeout)):
            if duration is None:
                report.error(f"{where}.{field}", f"{field} is required")
            check_duration(report, f"{where}.{field}", duration)


def check_not_negative(report: Report, path: str, value: int) -> None:
    if value < 0:
        report.error(path, f"must not be negative, not {value}")


def check_client_tls(report: Report, path: str, tls: ClientTLSSettings | None) -> None:
    if tls is None:
        return
    originates = tls.mode in (TLSmode.SIMPLE, TLSmode.MUTUAL)
    if tls.insecure_skip_verify and originates:
        for field, value in (
            ("caCertificates", tls.ca_certificates),
            ("subjectAltNames", tls.subject_alt_names),
        ):
            if value:
                report.error(
                    f"{path}.{field}", f"{field} has no use when insecureSkipVerify is set"
                )
    if tls.credential_name and originates:
        for field, value in (
            ("clientCertificate", tls.client_certificate),
            ("privateKey", tls.private_key),
            ("caCertificates", tls.ca_certificates),
            ("caCrl", tls.ca_crl),
        ):
            if value:
                report.error(
                    f"{path}.{field}",
                    f"cannot specify {field} when credentialName is set",
                    "keep one of them",
                )
    elif tls.mode is TLSmode.MUTUAL:
        for field, value in (
            ("clientCertificate", tls.client_certificate),
            ("privateKey", tls.private_key),
        ):
            if not value:
                report.error(f"{path}.{field}", f"{field} is required for mutual TLS")


def check_tunnel(report: Report, path: str, tunnel: TunnelSettings | None) -> None:
    if tunnel is None:
        return
    if tunnel.protocol and tunnel.protocol not in TUNNEL_PROTOCOLS:
        report.error(f"{path}.protocol", f'"{tunnel.protocol}" is neither CONNECT nor POST')
    host = tunnel.target_host
    if not host:
        report.error(f"{path}.targetHost", "target host cannot be empty")
    elif not names.is_ip(host) and not names.is_fqdn(host):
        report.error(f"{path}.targetHost", f'"{host}" is neither an address nor a domain name')
    names.check_port(report, f"{path}.targetPort", tunnel.target_port)


def check_retry_budget(report: Report, path: str, budget: RetryBudget | None) -> None:
    if budget is None or budget.percent is None:
        return
    if not 0 <= budget.percent <= 100:
        report.error(f"{path}.percent", f"must be from 0 to 100, not {budget.percent:g}")
