"""A service as the mesh sees it, whichever resource it came from.

Kubernetes Services and ServiceEntries become the same `Service`; the rest of Lateen asks this type
and not the resource.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from lateen.api.resource import Key


class Protocol(StrEnum):
    """Protocol of a port. `UNSUPPORTED` is a port whose protocol is found by sniffing."""

    HTTP = "HTTP"
    HTTP2 = "HTTP2"
    HTTP_PROXY = "HTTP_PROXY"
    HTTPS = "HTTPS"
    GRPC = "GRPC"
    GRPC_WEB = "GRPC-Web"
    TCP = "TCP"
    TLS = "TLS"
    UDP = "UDP"
    MONGO = "Mongo"
    REDIS = "Redis"
    MYSQL = "MySQL"
    HBONE = "HBONE"
    UNSUPPORTED = "UnsupportedProtocol"

    @property
    def is_http(self) -> bool:
        return self in (Protocol.HTTP, Protocol.HTTP2, Protocol.GRPC, Protocol.GRPC_WEB)

    @property
    def is_http2(self) -> bool:
        return self in (Protocol.HTTP2, Protocol.GRPC, Protocol.GRPC_WEB)

    @property
    def is_tls(self) -> bool:
        return self in (Protocol.HTTPS, Protocol.TLS)

    @property
    def is_tcp(self) -> bool:
        """Handled as a byte stream, whatever its payload (istio: TCP, HTTPS, TLS, Mongo, ...)."""
        return self in (
            Protocol.TCP, Protocol.HTTPS, Protocol.TLS, Protocol.MONGO, Protocol.REDIS,
            Protocol.MYSQL,
        )  # fmt: skip

    @property
    def is_sniffed(self) -> bool:
        return self is Protocol.UNSUPPORTED


class Resolution(StrEnum):
    """How a client finds the endpoints of a service."""

    CLIENT_SIDE = "ClientSideLB"  # EDS
    DNS = "DNSLB"  # STRICT_DNS
    DNS_ROUND_ROBIN = "DNSRoundRobinLB"  # LOGICAL_DNS
    PASSTHROUGH = "Passthrough"  # ORIGINAL_DST: headless, or resolution NONE
    DYNAMIC_DNS = "DynamicDNS"
    ALIAS = "Alias"  # ExternalName


# Labels by which requests of one session keep to an endpoint.
PERSISTENT_SESSION = "istio.io/persistent-session"
PERSISTENT_SESSION_HEADER = "istio.io/persistent-session-header"


class Registry(StrEnum):
    KUBERNETES = "Kubernetes"
    EXTERNAL = "External"  # a ServiceEntry


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    number: int
    protocol: Protocol
    target_port: int | str | None = None  # Kubernetes: number, container port name; None = number


@dataclass(frozen=True, slots=True)
class Service:
    """Sorted and immutable; equal services generate equal configuration."""

    hostname: str
    namespace: str
    name: str
    registry: Registry
    resolution: Resolution
    ports: tuple[Port, ...] = ()
    addresses: tuple[str, ...] = ()  # VIPs or CIDRs; empty: none; auto-allocated ones are apart
    auto_addresses: tuple[str, ...] = ()
    mesh_external: bool = False
    headless: bool = False
    external_name: str = ""  # target of a Resolution.ALIAS
    export_to: frozenset[str] = frozenset()  # empty: the mesh default
    labels: tuple[tuple[str, str], ...] = ()
    selector: tuple[tuple[str, str], ...] = ()  # which workloads of its namespace serve it
    service_accounts: tuple[str, ...] = ()  # explicit subjectAltNames of a ServiceEntry
    internal_traffic_policy_local: bool = False
    node_local_preferred: bool = False
    traffic_distribution: str = ""
    session_affinity_client_ip: bool = False
    publish_not_ready: bool = False
    cluster_ip_family: str = ""
    age: tuple[str, str, str] = ("", "", "")  # see Resource.age
    source: Key = field(default=Key("", "", ""), compare=False)

    @property
    def keeps_sessions(self) -> bool:
        return any(
            label in (PERSISTENT_SESSION, PERSISTENT_SESSION_HEADER) and value
            for label, value in self.labels
        )

    def port(self, number: int) -> Port | None:
        return next((port for port in self.ports if port.number == number), None)

    def port_named(self, name: str) -> Port | None:
        return next((port for port in self.ports if port.name == name), None)


class Health(StrEnum):
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    DRAINING = "DRAINING"


@dataclass(frozen=True, slots=True)
class Locality:
    region: str = ""
    zone: str = ""
    subzone: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address and port that serves one port of a service."""

    address: str  # IP, DNS name (DNS resolutions), or an absolute path of a unix socket
    port: int  # 0 with a unix socket
    service_port: str  # Port.name
    labels: tuple[tuple[str, str], ...] = ()  # workload labels, sorted
    service_account: str = ""  # spiffe://... identity; empty: unknown
    tls_mode: str = "disabled"  # "istio": the workload has a proxy that speaks mutual TLS
    locality: Locality = Locality()
    weight: int = 0  # 0: not set
    network: str = ""
    cluster: str = ""
    health: Health = Health.HEALTHY
    namespace: str = ""
    workload: str = ""  # name of the owner (Deployment, WorkloadEntry, ...)
    hostname: str = ""  # of a headless pod: `<hostname>.<subdomain>`
    subdomain: str = ""
    node: str = ""
    is_gateway: bool = False  # into another network: stands for the endpoints behind it

    def label(self, name: str) -> str | None:
        return next((value for key, value in self.labels if key == name), None)
