"""MeshConfig: ports, timeouts, trust domains, TLS, retries, and what its parts refer to.

The settings of proxies are examined by `mesh_proxy_config`, providers by `extension_provider`. What
is examined is a whole configuration, with the defaults of what was not written.
"""

from collections.abc import Sequence

from lateen.api.destination_rule import TCPSettings
from lateen.api.duration import Duration
from lateen.api.mesh_config import AccessLogEncoding, MeshConfig, TLSConfig
from lateen.api.resource import Resource
from lateen.api.virtual_service import HTTPRetry
from lateen.config.validation import log_format, names
from lateen.config.validation.extension_provider import check_provider
from lateen.config.validation.http import MILLISECOND, check_duration, check_retries
from lateen.config.validation.load_balancer import check_locality, check_zone_aware
from lateen.config.validation.mesh_proxy_config import check_proxy_config
from lateen.config.validation.report import Report
from lateen.config.validation.server_tls import CIPHER_SUITES
from lateen.config.validation.traffic_policy import (
    check_connection_pool,
    check_outlier_detection,
    check_tcp_pool,
)

CURVES = frozenset(("P-256", "P-384", "P-521", "X25519", "X25519MLKEM768"))
SHORTEST_TIMEOUT = MILLISECOND
LONGEST_TIMEOUT = 30 * 10**9  # longer, and a dead endpoint holds requests up


def check(resource: Resource[MeshConfig], report: Report) -> None:
    check_mesh_config(report, resource.spec)


def check_mesh_config(report: Report, config: MeshConfig) -> None:
    """Examines a whole, effective configuration."""
    check_port(report, "proxyListenPort", "proxy listen port", config.proxy_listen_port)
    if config.proxy_inbound_listen_port:
        check_port(
            report,
            "proxyInboundListenPort",
            "proxy inbound listen port",
            config.proxy_inbound_listen_port,
        )
    if config.proxy_http_port:
        check_port(report, "proxyHttpPort", "proxy HTTP port", config.proxy_http_port)
    check_timeouts(report, config)
    if config.default_config is None:
        report.error("defaultConfig", "missing default config")
    else:
        check_proxy_config(report, "defaultConfig", config.default_config)
    check_trust_domains(report, config)
    for index, provider in enumerate(config.extension_providers):
        check_provider(report, f"extensionProviders[{index}]", provider)
    check_providers_unique(report, config)
    for index, settings in enumerate(config.service_settings):
        for number, host in enumerate(settings.hosts):
            fault = names.wildcard_domain_fault(host)
            if fault:
                report.error(f"serviceSettings[{index}].hosts[{number}]", f'"{host}" {fault}')
    check_tls(report, config)
    check_log_format(report, config)
    check_traffic_defaults(report, config)


def check_port(report: Report, path: str, title: str, port: int) -> None:
    if not 1 <= port <= 65535:
        report.error(path, f"invalid {title}: {port} is not from 1 to 65535")


def check_timeouts(report: Report, config: MeshConfig) -> None:
    check_connect_timeout(report, "connectTimeout", config.connect_timeout)
    detection = config.protocol_detection_timeout
    if detection:
        check_duration(report, "protocolDetectionTimeout", detection)
    check_duration(report, "dnsRefreshRate", config.dns_refresh_rate)
    if config.tcp_keepalive is not None:
        check_tcp_pool(report, "", TCPSettings(tcp_keepalive=config.tcp_keepalive))


def check_connect_timeout(report: Report, path: str, timeout: Duration | None) -> None:
    if timeout is None:
        report.error(path, "invalid connect timeout: it must be set")
    elif timeout < SHORTEST_TIMEOUT or timeout % MILLISECOND:
        report.error(path, "invalid connect timeout: duration must be greater than 1ms")
    elif timeout > LONGEST_TIMEOUT:
        report.error(path, "invalid connect timeout: it must be at most 30s")


def check_trust_domains(report: Report, config: MeshConfig) -> None:
    fault = trust_domain_fault(config.trust_domain)
    if fault:
        report.error("trustDomain", f"trustDomain: {fault}")
    for index, alias in enumerate(config.trust_domain_aliases):
        fault = trust_domain_fault(alias)
        if fault:
            report.error(f"trustDomainAliases[{index}]", f"trustDomainAliases[{index}]: {fault}")


def trust_domain_fault(domain: str) -> str:
    """A trust domain is a domain name, which may be of digits alone."""
    if not domain:
        return "empty domain name not allowed"
    for label in domain.removesuffix(".").split("."):
        if len(label) > names.LONGEST_LABEL or not names.DNS_LABEL.fullmatch(label):
            return f'"{domain}" is invalid: "{label}" is not a part of a domain name'
    return ""


def check_providers_unique(report: Report, config: MeshConfig) -> None:
    seen: set[str] = set()
    for index, provider in enumerate(config.extension_providers):
        if provider.name and provider.name in seen:
            report.error(
                f"extensionProviders[{index}].name", f'duplicate provider name "{provider.name}"'
            )
        seen.add(provider.name)


def check_tls(report: Report, config: MeshConfig) -> None:
    if config.mesh_mtls is not None:
        if config.mesh_mtls.ecdh_curves:
            report.error(
                "meshMTLS.ecdhCurves", "mesh TLS does not support ECDH curves configuration"
            )
        check_ciphers(report, "meshMTLS", config.mesh_mtls)
    if config.tls_defaults is not None:
        check_ciphers(report, "tlsDefaults", config.tls_defaults)
        warn_of_values(report, "tlsDefaults.ecdhCurves", config.tls_defaults.ecdh_curves, CURVES)


def check_log_format(report: Report, config: MeshConfig) -> None:
    """A warning: the logs have the default format then, and the rest of the mesh goes on."""
    path, hint = "accessLogFormat", "the default format is used instead"
    if config.access_log_encoding is AccessLogEncoding.TEXT:
        fault = log_format.fault(config.access_log_format)
    else:
        fault = log_format.encoded_fault(config.access_log_format)
    if fault:
        report.warning(path, fault, hint)


def check_ciphers(report: Report, path: str, tls: TLSConfig) -> None:
    warn_of_values(report, f"{path}.cipherSuites", tls.cipher_suites, CIPHER_SUITES)


def warn_of_values(report: Report, path: str, values: Sequence[str], known: frozenset[str]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            report.warning(f"{path}[{index}]", f'"{value}" is there twice')
        elif value not in known:
            report.warning(f"{path}[{index}]", f'"{value}" is not known and is ignored')


def check_traffic_defaults(report: Report, config: MeshConfig) -> None:
    check_retries(report, "defaultHttpRetryPolicy", config.default_http_retry_policy)
    inbound = config.default_inbound_http_retry_policy
    check_retries(report, "defaultInboundHttpRetryPolicy", inbound)
    warn_of_ignored(report, "defaultInboundHttpRetryPolicy", inbound)
    policy = config.default_traffic_policy
    if policy is not None:
        path = "defaultTrafficPolicy"
        check_connection_pool(report, f"{path}.connectionPool", policy.connection_pool)
        check_outlier_detection(report, f"{path}.outlierDetection", policy.outlier_detection)
        for field, value in (
            ("tls", policy.tls),
            ("loadBalancer", policy.load_balancer),
            ("portLevelSettings", policy.port_level_settings),
            ("tunnel", policy.tunnel),
        ):
            if value:
                report.warning(f"{path}.{field}", f"{field} has no effect for the whole mesh")
    check_locality(report, "localityLbSetting", config.locality_lb_setting, detects=True)
    check_zone_aware(report, "zoneAwareLbSetting", config.zone_aware_lb_setting, detects=True)


def warn_of_ignored(report: Report, path: str, retries: HTTPRetry | None) -> None:
    """A proxy retries towards its own workload only, where these mean nothing."""
    if retries is None or not retries.attempts:
        return
    for field, value in (
        ("perTryTimeout", retries.per_try_timeout),
        ("retryRemoteLocalities", retries.retry_remote_localities),
        ("retryIgnorePreviousHosts", retries.retry_ignore_previous_hosts),
    ):
        if value is not None:
            report.warning(f"{path}.{field}", f"{field} has no effect on inbound retries")
