"""Names that users, tools and proxies of a mesh match on: clusters, SNI, statistics, routes.

outbound|80|v1|reviews.shop.svc.cluster.local      a cluster and its endpoints
outbound_.80_.v1_.reviews.shop.svc.cluster.local   the same as a TLS server name
inbound|8080||                                     a port of the workload itself
/apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews    who configured it
"""

from typing import Literal, NamedTuple, NewType

from lateen.api.resource import Key

ClusterName = NewType("ClusterName", str)
Direction = Literal["outbound", "inbound"]

BLACK_HOLE_CLUSTER = "BlackHoleCluster"
PASSTHROUGH_CLUSTER = "PassthroughCluster"
INBOUND_PASSTHROUGH_CLUSTER = "InboundPassthroughCluster"
DYNAMIC_DNS_CLUSTER = "AllowAnyDynamicDNSCluster"
SDS_CLUSTER = "sds-grpc"
XDS_CLUSTER = "xds-grpc"
AGENT_CLUSTER = "agent"
PROMETHEUS_CLUSTER = "prometheus_stats"

VIRTUAL_OUTBOUND = "virtualOutbound"
VIRTUAL_INBOUND = "virtualInbound"
HTTP_PROXY_ROUTE = "http_proxy"

# The group and version under which a kind is named in metadata, and the kind in kebab case.
_CONFIG_KINDS: dict[str, tuple[str, str]] = {
    "VirtualService": ("networking.istio.io/v1", "virtual-service"),
    "DestinationRule": ("networking.istio.io/v1", "destination-rule"),
    "Gateway": ("networking.istio.io/v1", "gateway"),
    "ServiceEntry": ("networking.istio.io/v1", "service-entry"),
    "WorkloadEntry": ("networking.istio.io/v1", "workload-entry"),
    "WorkloadGroup": ("networking.istio.io/v1", "workload-group"),
    "Sidecar": ("networking.istio.io/v1", "sidecar"),
    "EnvoyFilter": ("networking.istio.io/v1alpha3", "envoy-filter"),
    "ProxyConfig": ("networking.istio.io/v1beta1", "proxy-config"),
    "PeerAuthentication": ("security.istio.io/v1", "peer-authentication"),
    "RequestAuthentication": ("security.istio.io/v1", "request-authentication"),
    "AuthorizationPolicy": ("security.istio.io/v1", "authorization-policy"),
    "Telemetry": ("telemetry.istio.io/v1", "telemetry"),
    "WasmPlugin": ("extensions.istio.io/v1alpha1", "wasm-plugin"),
    "RateLimit": ("ratelimit.lateen.dev/v1alpha1", "rate-limit"),
}


class ClusterParts(NamedTuple):
    """What a cluster's name says."""

    direction: str
    port: int
    subset: str
    host: str


def outbound_cluster(port: int, subset: str, host: str) -> ClusterName:
    return ClusterName(f"outbound|{port}|{subset}|{host}")


def inbound_cluster(target_port: int) -> ClusterName:
    return ClusterName(f"inbound|{target_port}||")


def server_name(port: int, subset: str, host: str) -> str:
    """The SNI that a client presents; also the name of an SNI-DNAT cluster of a gateway."""
    return f"outbound_.{port}_.{subset}_.{host}"


def parse_cluster(name: str) -> ClusterParts | None:
    """Reads `outbound|80|v1|host` and `outbound_.80_.v1_.host`; None for every other name."""
    parts = name.split("|") if "|" in name else name.split("_.")
    if len(parts) != 4 or parts[0] not in ("outbound", "inbound") or not parts[1].isdecimal():
        return None
    return ClusterParts(parts[0], int(parts[1]), parts[2], parts[3])


def is_server_name(name: str) -> bool:
    return name.startswith("outbound_.")


def stat_name(name: str) -> str:
    """A statistics prefix; the closing `;` lets the tag expressions of the bootstrap cut it off."""
    return f"{name};"


def host_form(address: str) -> str:
    """An address as it stands before a port and in a Host header: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def format_stat_name(  # MeshConfig.inboundClusterStatName and outboundClusterStatName
    pattern: str, *, host: str, namespace: str, service: str, port: int, port_name: str, subset: str
) -> str:
    short = f"{service}.{namespace}" if service and namespace else host
    return (
        pattern.replace("%SERVICE_NAME%", service)
        .replace("%SERVICE%", short)
        .replace("%SERVICE_FQDN%", host)
        .replace("%SUBSET_NAME%", subset)
        .replace("%SERVICE_PORT%", str(port))
        .replace("%SERVICE_PORT_NAME%", port_name)
    )


def config_path(key: Key) -> str:
    """How metadata names the user's resource that something was made from."""
    version, kind = _CONFIG_KINDS.get(key.kind, ("", key.kind.lower()))
    return f"/apis/{version}/namespaces/{key.namespace}/{kind}/{key.name}"


def parse_config_path(path: str) -> Key | None:
    """The resource that a metadata path names; None when it is not such a path."""
    parts = path.split("/")
    if len(parts) != 8 or parts[1] != "apis" or parts[4] != "namespaces":
        return None
    kinds = {kebab: kind for kind, (_, kebab) in _CONFIG_KINDS.items()}
    kind = kinds.get(parts[6])
    return Key(kind, parts[5], parts[7]) if kind else None
