"""Service, Endpoints and EndpointSlice."""

from typing import Any

from msgspec import field

from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32


class ServicePort(OpenSpec, frozen=True):
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None
    port: Int32 = 0
    target_port: int | str | None = None  # a number, or the name of a container port
    node_port: Int32 = 0


class ServiceSpec(OpenSpec, frozen=True):
    ports: tuple[ServicePort, ...] = ()
    selector: dict[str, str] = {}
    cluster_ip: str = field(default="", name="clusterIP")
    cluster_ips: tuple[str, ...] = field(default=(), name="clusterIPs")
    type: str = "ClusterIP"
    external_ips: tuple[str, ...] = field(default=(), name="externalIPs")
    external_name: str = ""
    session_affinity: str = ""
    load_balancer_ip: str = field(default="", name="loadBalancerIP")
    load_balancer_class: str | None = None
    external_traffic_policy: str = ""
    internal_traffic_policy: str | None = None
    traffic_distribution: str | None = None
    publish_not_ready_addresses: bool = False
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str | None = None


Service = ServiceSpec


class LoadBalancerIngress(OpenSpec, frozen=True):
    ip: str = ""
    hostname: str = ""


class LoadBalancerStatus(OpenSpec, frozen=True):
    ingress: tuple[LoadBalancerIngress, ...] = ()


class ServiceStatus(OpenSpec, frozen=True):
    load_balancer: LoadBalancerStatus | None = None


class ObjectReference(OpenSpec, frozen=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class EndpointAddress(OpenSpec, frozen=True):
    ip: str = ""
    hostname: str = ""
    node_name: str | None = None
    target_ref: ObjectReference | None = None


class EndpointsPort(OpenSpec, frozen=True):
    """core/v1 EndpointPort"""

    name: str = ""
    port: Int32 = 0
    protocol: str = "TCP"
    app_protocol: str | None = None


class EndpointSubset(OpenSpec, frozen=True):
    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointsPort, ...] = ()


class Endpoints(OpenSpec, frozen=True):
    subsets: tuple[EndpointSubset, ...] = ()


class EndpointConditions(OpenSpec, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(OpenSpec, frozen=True):
    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions | None = None
    hostname: str | None = None
    target_ref: ObjectReference | None = None
    node_name: str | None = None
    zone: str | None = None
    hints: dict[str, Any] | None = None


class EndpointPort(OpenSpec, frozen=True):
    """discovery/v1 EndpointPort"""

    name: str | None = None
    protocol: str = "TCP"
    port: Int32 | None = None
    app_protocol: str | None = None


class EndpointSlice(OpenSpec, frozen=True):
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
