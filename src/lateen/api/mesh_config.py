"""MeshConfig: settings of the whole mesh. Defaults here are protobuf's; the effective ones are in
`DEFAULTS`, over which a user's MeshConfig is laid."""

from enum import StrEnum

from msgspec import field

from lateen.api.destination_rule import (
    ClientTLSSettings,
    LocalityLoadBalancerSetting,
    TcpKeepalive,
    TrafficPolicy,
    ZoneAwareLoadBalancerSetting,
)
from lateen.api.duration import Duration
from lateen.api.extension_provider import (
    EnvoyFileAccessLogProvider,
    ExtensionProvider,
    PrometheusMetricsProvider,
    StackdriverProvider,
)
from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.mesh_proxy_config import PROXY_DEFAULTS
from lateen.api.mesh_proxy_config import AuthenticationPolicy as AuthenticationPolicy
from lateen.api.mesh_proxy_config import ProxyConfig as ProxyConfig
from lateen.api.resource import Spec
from lateen.api.scalars import Int32
from lateen.api.sidecar import OutboundTrafficPolicyMode
from lateen.api.virtual_service import HTTPRetry


class IngressControllerMode(StrEnum):
    UNSPECIFIED = "UNSPECIFIED"
    OFF = "OFF"
    DEFAULT = "DEFAULT"
    STRICT = "STRICT"


class AccessLogEncoding(StrEnum):
    TEXT = "TEXT"
    JSON = "JSON"


class OutboundTrafficPolicy(Spec, frozen=True):
    """MeshConfig.OutboundTrafficPolicy"""

    mode: OutboundTrafficPolicyMode = OutboundTrafficPolicyMode.REGISTRY_ONLY


class InboundTrafficPolicyMode(StrEnum):
    PASSTHROUGH = "PASSTHROUGH"
    LOCALHOST = "LOCALHOST"


class InboundTrafficPolicy(Spec, frozen=True):
    mode: InboundTrafficPolicyMode = InboundTrafficPolicyMode.PASSTHROUGH


class Resource(StrEnum):
    SERVICE_REGISTRY = "SERVICE_REGISTRY"


class ConfigSource(Spec, frozen=True):
    address: str = ""
    tls_settings: ClientTLSSettings | None = None
    subscribed_resources: tuple[Resource, ...] = ()


class CertificateData(Spec, frozen=True):
    ONEOFS = (("pem", "spiffe_bundle_url"),)

    pem: str | None = None
    spiffe_bundle_url: str | None = None
    cert_signers: tuple[str, ...] = ()
    trust_domains: tuple[str, ...] = ()


class H2UpgradePolicy(StrEnum):
    """MeshConfig.H2UpgradePolicy"""

    DO_NOT_UPGRADE = "DO_NOT_UPGRADE"
    UPGRADE = "UPGRADE"


class Certificate(Spec, frozen=True):
    secret_name: str = ""
    dns_names: tuple[str, ...] = ()


class Settings(Spec, frozen=True):
    """MeshConfig.ServiceSettings.Settings"""

    cluster_local: bool = False


class ServiceScopeType(StrEnum):
    LOCAL = "LOCAL"
    GLOBAL = "GLOBAL"


class ServiceSettings(Spec, frozen=True):
    settings: Settings | None = None
    hosts: tuple[str, ...] = ()


class CA(Spec, frozen=True):
    address: str = ""
    tls_settings: ClientTLSSettings | None = None
    request_timeout: Duration | None = None
    istiod_side: bool = False


class DefaultProviders(Spec, frozen=True):
    tracing: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    access_logging: tuple[str, ...] = ()


class NormalizationType(StrEnum):
    DEFAULT = "DEFAULT"
    NONE = "NONE"
    BASE = "BASE"
    MERGE_SLASHES = "MERGE_SLASHES"
    DECODE_AND_MERGE_SLASHES = "DECODE_AND_MERGE_SLASHES"


class ProxyPathNormalization(Spec, frozen=True):
    normalization: NormalizationType = NormalizationType.DEFAULT


class TLSProtocol(StrEnum):
    """MeshConfig.TLSConfig.TLSProtocol"""

    TLS_AUTO = "TLS_AUTO"
    TLSV1_2 = "TLSV1_2"
    TLSV1_3 = "TLSV1_3"


class TLSConfig(Spec, frozen=True):
    min_protocol_version: TLSProtocol = TLSProtocol.TLS_AUTO
    ecdh_curves: tuple[str, ...] = ()
    cipher_suites: tuple[str, ...] = ()


class ServiceScopeConfigs(Spec, frozen=True):
    service_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    scope: ServiceScopeType = ServiceScopeType.LOCAL


class MeshConfig(Spec, frozen=True):
    proxy_listen_port: Int32 = 0
    proxy_inbound_listen_port: Int32 = 0
    proxy_http_port: Int32 = 0
    connect_timeout: Duration | None = None
    protocol_detection_timeout: Duration | None = None
    tcp_keepalive: TcpKeepalive | None = None
    ingress_class: str = ""
    ingress_service: str = ""
    ingress_controller_mode: IngressControllerMode = IngressControllerMode.UNSPECIFIED
    ingress_selector: str = ""
    enable_tracing: bool = False
    access_log_file: str = ""
    access_log_format: str = ""
    access_log_encoding: AccessLogEncoding = AccessLogEncoding.TEXT
    enable_envoy_access_log_service: bool = False
    disable_envoy_listener_log: bool = False
    default_config: ProxyConfig | None = None
    outbound_traffic_policy: OutboundTrafficPolicy | None = None
    inbound_traffic_policy: InboundTrafficPolicy | None = None
    config_sources: tuple[ConfigSource, ...] = ()
    enable_auto_mtls: bool | None = None
    trust_domain: str = ""
    trust_domain_aliases: tuple[str, ...] = ()
    ca_certificates: tuple[CertificateData, ...] = ()
    default_service_export_to: tuple[str, ...] = ()
    default_virtual_service_export_to: tuple[str, ...] = ()
    default_destination_rule_export_to: tuple[str, ...] = ()
    root_namespace: str = ""
    locality_lb_setting: LocalityLoadBalancerSetting | None = None
    zone_aware_lb_setting: ZoneAwareLoadBalancerSetting | None = None
    dns_refresh_rate: Duration | None = None
    h2_upgrade_policy: H2UpgradePolicy = H2UpgradePolicy.DO_NOT_UPGRADE
    inbound_cluster_stat_name: str = ""
    outbound_cluster_stat_name: str = ""
    certificates: tuple[Certificate, ...] = ()
    service_settings: tuple[ServiceSettings, ...] = ()
    enable_prometheus_merge: bool | None = None
    verify_certificate_at_client: bool | None = None
    ca: CA | None = None
    extension_providers: tuple[ExtensionProvider, ...] = ()
    default_providers: DefaultProviders | None = None
    discovery_selectors: tuple[LabelSelector, ...] = ()
    path_normalization: ProxyPathNormalization | None = None
    default_http_retry_policy: HTTPRetry | None = None
    default_inbound_http_retry_policy: HTTPRetry | None = None
    default_traffic_policy: TrafficPolicy | None = None
    mesh_mtls: TLSConfig | None = field(default=None, name="meshMTLS")
    tls_defaults: TLSConfig | None = None
    service_scope_configs: tuple[ServiceScopeConfigs, ...] = ()
    compliance_policy: str = ""


DEFAULTS = MeshConfig(
    proxy_listen_port=15001,
    proxy_inbound_listen_port=15006,
    connect_timeout=Duration.parse("10s"),
    protocol_detection_timeout=Duration(0),
    ingress_class="istio",
    ingress_service="istio-ingressgateway",
    ingress_selector="ingressgateway",
    ingress_controller_mode=IngressControllerMode.STRICT,
    enable_tracing=True,
    access_log_encoding=AccessLogEncoding.TEXT,
    default_config=PROXY_DEFAULTS,
    outbound_traffic_policy=OutboundTrafficPolicy(mode=OutboundTrafficPolicyMode.ALLOW_ANY),
    inbound_traffic_policy=InboundTrafficPolicy(mode=InboundTrafficPolicyMode.PASSTHROUGH),
    enable_auto_mtls=True,
    trust_domain="cluster.local",
    root_namespace="istio-system",
    default_service_export_to=("*",),
    default_virtual_service_export_to=("*",),
    default_destination_rule_export_to=("*",),
    locality_lb_setting=LocalityLoadBalancerSetting(enabled=True),
    dns_refresh_rate=Duration.parse("60s"),
    h2_upgrade_policy=H2UpgradePolicy.DO_NOT_UPGRADE,
    enable_prometheus_merge=True,
    path_normalization=ProxyPathNormalization(normalization=NormalizationType.DEFAULT),
    extension_providers=(
        ExtensionProvider(name="prometheus", prometheus=PrometheusMetricsProvider()),
        ExtensionProvider(name="stackdriver", stackdriver=StackdriverProvider()),
        ExtensionProvider(
            name="envoy", envoy_file_access_log=EnvoyFileAccessLogProvider(path="/dev/stdout")
        ),
    ),
)
