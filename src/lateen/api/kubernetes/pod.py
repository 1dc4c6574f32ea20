"""Pod: its specification, and the part of its status that says where it is and how it does."""

from typing import Any

from msgspec import field

from lateen.api.resource import ObjectMeta, OpenSpec
from lateen.api.scalars import Int32, Int64


class ContainerPort(OpenSpec, frozen=True):
    name: str = ""
    container_port: Int32 = 0
    host_port: Int32 = 0
    host_ip: str = field(default="", name="hostIP")
    protocol: str = "TCP"


class KeySelector(OpenSpec, frozen=True):
    """ConfigMapKeySelector and SecretKeySelector"""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class ObjectFieldSelector(OpenSpec, frozen=True):
    field_path: str = ""
    api_version: str = ""


class ResourceFieldSelector(OpenSpec, frozen=True):
    container_name: str = ""
    resource: str = ""
    divisor: str | int | float = ""


class EnvVarSource(OpenSpec, frozen=True):
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


class EnvVar(OpenSpec, frozen=True):
    name: str = ""
    value: str = ""
    value_from: EnvVarSource | None = None


class NameReference(OpenSpec, frozen=True):
    """ConfigMapEnvSource and SecretEnvSource"""

    name: str = ""
    optional: bool | None = None


class EnvFromSource(OpenSpec, frozen=True):
    prefix: str = ""
    config_map_ref: NameReference | None = None
    secret_ref: NameReference | None = None


class ResourceRequirements(OpenSpec, frozen=True):
    limits: dict[str, str | int | float] = {}
    requests: dict[str, str | int | float] = {}


class HTTPHeader(OpenSpec, frozen=True):
    name: str = ""
    value: str = ""


class HTTPGetAction(OpenSpec, frozen=True):
    path: str = ""
    port: int | str = 0
    host: str = ""
    scheme: str = "HTTP"
    http_headers: tuple[HTTPHeader, ...] = ()


class TCPSocketAction(OpenSpec, frozen=True):
    port: int | str = 0
    host: str = ""


class ExecAction(OpenSpec, frozen=True):
    command: tuple[str, ...] = ()


class GRPCAction(OpenSpec, frozen=True):
    port: Int32 = 0
    service: str | None = None


class SleepAction(OpenSpec, frozen=True):
    seconds: Int64 = 0


class Probe(OpenSpec, frozen=True):
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: Int32 = 0
    timeout_seconds: Int32 = 1
    period_seconds: Int32 = 10
    success_threshold: Int32 = 1
    failure_threshold: Int32 = 3
    termination_grace_period_seconds: Int64 | None = None


class LifecycleHandler(OpenSpec, frozen=True):
    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(OpenSpec, frozen=True):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class VolumeMount(OpenSpec, frozen=True):
    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    read_only: bool = False


class KeyToPath(OpenSpec, frozen=True):
    key: str = ""
    path: str = ""
    mode: Int32 | None = None


class ConfigMapVolumeSource(OpenSpec, frozen=True):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None
    default_mode: Int32 | None = None


class SecretVolumeSource(OpenSpec, frozen=True):
    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None
    default_mode: Int32 | None = None


class HostPathVolumeSource(OpenSpec, frozen=True):
    path: str = ""
    type: str | None = None


class EmptyDirVolumeSource(OpenSpec, frozen=True):
    medium: str = ""
    size_limit: str | int | None = None


class Volume(OpenSpec, frozen=True):
    name: str = ""
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    empty_dir: EmptyDirVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    downward_api: dict[str, Any] | None = field(default=None, name="downwardAPI")
    projected: dict[str, Any] | None = None
    persistent_volume_claim: dict[str, Any] | None = None


class SecurityContext(OpenSpec, frozen=True):
    run_as_user: Int64 | None = None
    run_as_group: Int64 | None = None
    run_as_non_root: bool | None = None
    fs_group: Int64 | None = None
    privileged: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None
    capabilities: dict[str, Any] | None = None


class Container(OpenSpec, frozen=True):
    name: str = ""
    image: str = ""
    image_pull_policy: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    resources: ResourceRequirements | None = None
    volume_mounts: tuple[VolumeMount, ...] = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    security_context: SecurityContext | None = None
    restart_policy: str | None = None
    stdin: bool = False
    tty: bool = False


class HostAlias(OpenSpec, frozen=True):
    ip: str = ""
    hostnames: tuple[str, ...] = ()


class PodSpec(OpenSpec, frozen=True):
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    restart_policy: str = "Always"
    termination_grace_period_seconds: Int64 | None = None
    service_account_name: str = ""
    service_account: str = ""  # older spelling of the same
    automount_service_account_token: bool | None = None
    node_name: str = ""
    node_selector: dict[str, str] = {}
    host_network: bool = False
    hostname: str = ""
    subdomain: str = ""
    host_aliases: tuple[HostAlias, ...] = ()
    dns_policy: str = "ClusterFirst"
    security_context: SecurityContext | None = None


Pod = PodSpec


class PodTemplateSpec(OpenSpec, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


class PodIP(OpenSpec, frozen=True):
    ip: str = ""


class PodCondition(OpenSpec, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class ContainerStatus(OpenSpec, frozen=True):
    name: str = ""
    ready: bool = False
    restart_count: Int32 = 0
    started: bool | None = None
    state: dict[str, Any] = {}
    image: str = ""


class PodStatus(OpenSpec, frozen=True):
    phase: str = ""
    pod_ip: str = field(default="", name="podIP")
    pod_ips: tuple[PodIP, ...] = field(default=(), name="podIPs")
    host_ip: str = field(default="", name="hostIP")
    conditions: tuple[PodCondition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    start_time: str = ""
    reason: str = ""
    message: str = ""
