"""WorkloadGroup: the template of workloads that register themselves."""

from lateen.api.resource import Spec
from lateen.api.scalars import Int32, UInt32
from lateen.api.workload_entry import WorkloadEntry


class WorkloadGroupMetadata(Spec, frozen=True):
    """WorkloadGroup.ObjectMeta"""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class HTTPHeader(Spec, frozen=True):
    name: str = ""
    value: str = ""


class HTTPHealthCheckConfig(Spec, frozen=True):
    path: str = ""
    port: UInt32 = 0
    host: str = ""
    scheme: str = ""
    http_headers: tuple[HTTPHeader, ...] = ()


class TCPHealthCheckConfig(Spec, frozen=True):
    host: str = ""
    port: UInt32 = 0


class ExecHealthCheckConfig(Spec, frozen=True):
    command: tuple[str, ...] = ()


class GrpcHealthCheckConfig(Spec, frozen=True):
    port: UInt32 = 0
    service: str = ""


class ReadinessProbe(Spec, frozen=True):
    ONEOFS = (("http_get", "tcp_socket", "exec", "grpc"),)

    initial_delay_seconds: Int32 = 0
    timeout_seconds: Int32 = 0
    period_seconds: Int32 = 0
    success_threshold: Int32 = 0
    failure_threshold: Int32 = 0
    http_get: HTTPHealthCheckConfig | None = None
    tcp_socket: TCPHealthCheckConfig | None = None
    exec: ExecHealthCheckConfig | None = None
    grpc: GrpcHealthCheckConfig | None = None


class WorkloadGroup(Spec, frozen=True):
    metadata: WorkloadGroupMetadata | None = None
    template: WorkloadEntry | None = None
    probe: ReadinessProbe | None = None
