"""All kinds that are read: where each is defined and what holds it.

`BY_GROUP_KIND` answers for a document's `apiVersion` and `kind`. The Istio and the Kubernetes
Gateway share a kind name and differ by group; `Kind.key_kind` tells them apart in a `Key`.
"""

from dataclasses import dataclass

from lateen.api.authorization_policy import AuthorizationPolicy
from lateen.api.destination_rule import DestinationRule
from lateen.api.envoy_filter import EnvoyFilter
from lateen.api.gateway import Gateway
from lateen.api.gateway_api.backend import XBackendSpec, XBackendTrafficPolicySpec
from lateen.api.gateway_api.gateway import GatewayClassSpec, GatewaySpec, ListenerSetSpec
from lateen.api.gateway_api.inference import InferencePoolSpec
from lateen.api.gateway_api.policy import BackendTLSPolicySpec
from lateen.api.gateway_api.references import ReferenceGrantSpec
from lateen.api.gateway_api.route import (
    GRPCRouteSpec,
    HTTPRouteSpec,
    TCPRouteSpec,
    TLSRouteSpec,
)
from lateen.api.kubernetes.config import ConfigMap, Secret
from lateen.api.kubernetes.ingress import IngressClassSpec, IngressSpec
from lateen.api.kubernetes.namespace import Namespace, NodeSpec, ServiceAccount
from lateen.api.kubernetes.network_policy import NetworkPolicySpec
from lateen.api.kubernetes.pod import PodSpec, PodStatus
from lateen.api.kubernetes.service import Endpoints, EndpointSlice, ServiceSpec, ServiceStatus
from lateen.api.kubernetes.workload import (
    CronJobSpec,
    DaemonSetSpec,
    DeploymentSpec,
    JobSpec,
    ReplicaSetSpec,
    StatefulSetSpec,
)
from lateen.api.mesh_config import MeshConfig
from lateen.api.mesh_networks import MeshNetworks
from lateen.api.peer_authentication import PeerAuthentication
from lateen.api.proxy_config import ProxyConfigResource
from lateen.api.rate_limit import RateLimit
from lateen.api.request_authentication import RequestAuthentication
from lateen.api.resource import Spec
from lateen.api.service_entry import ServiceEntry
from lateen.api.sidecar import Sidecar
from lateen.api.telemetry import Telemetry
from lateen.api.traffic_extension import TrafficExtension
from lateen.api.virtual_service import VirtualService
from lateen.api.wasm_plugin import WasmPlugin
from lateen.api.workload_entry import WorkloadEntry
from lateen.api.workload_group import WorkloadGroup

NETWORKING = "networking.istio.io"
SECURITY = "security.istio.io"
TELEMETRY = "telemetry.istio.io"
EXTENSIONS = "extensions.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"
EXPERIMENTAL = "gateway.networking.x-k8s.io"
INFERENCE = "inference.networking.k8s.io"
RATE_LIMIT = "ratelimit.lateen.dev"

CHECKED_GROUPS = (".istio.io", ".lateen.dev")  # a misspelt field, kind or version is an error

ISTIO_NETWORKING_VERSIONS = ("v1", "v1beta1", "v1alpha3")


@dataclass(frozen=True, slots=True)
class Kind:
    group: str
    kind: str
    spec: type[Spec]
    plural: str
    versions: tuple[str, ...]  # preferred first
    namespaced: bool = True
    has_spec: bool = True  # else the object's own top-level fields are the spec
    status: type[Spec] | None = None
    key_kind: str = ""  # the kind in a Key, where it differs

    @property
    def is_checked(self) -> bool:
        return self.group.endswith(CHECKED_GROUPS)

    @property
    def in_key(self) -> str:
        return self.key_kind or self.kind


def networking(
    kind: str,
    spec: type[Spec],
    plural: str,
    versions: tuple[str, ...] = ISTIO_NETWORKING_VERSIONS,
) -> Kind:
    return Kind(NETWORKING, kind, spec, plural, versions)


ISTIO: tuple[Kind, ...] = (
    networking("VirtualService", VirtualService, "virtualservices"),
    networking("DestinationRule", DestinationRule, "destinationrules"),
    networking("Gateway", Gateway, "gateways"),
    networking("ServiceEntry", ServiceEntry, "serviceentries"),
    networking("WorkloadEntry", WorkloadEntry, "workloadentries"),
    networking("WorkloadGroup", WorkloadGroup, "workloadgroups"),
    networking("Sidecar", Sidecar, "sidecars"),
    networking("EnvoyFilter", EnvoyFilter, "envoyfilters", ("v1alpha3",)),
    networking("ProxyConfig", ProxyConfigResource, "proxyconfigs", ("v1beta1",)),
    Kind(
        SECURITY,
        "PeerAuthentication",
        PeerAuthentication,
        "peerauthentications",
        ("v1", "v1beta1"),
    ),
    Kind(
        SECURITY,
        "RequestAuthentication",
        RequestAuthentication,
        "requestauthentications",
        ("v1", "v1beta1"),
    ),
    Kind(
        SECURITY,
        "AuthorizationPolicy",
        AuthorizationPolicy,
        "authorizationpolicies",
        ("v1", "v1beta1"),
    ),
    Kind(TELEMETRY, "Telemetry", Telemetry, "telemetries", ("v1", "v1alpha1")),
    Kind(EXTENSIONS, "WasmPlugin", WasmPlugin, "wasmplugins", ("v1alpha1",)),
    Kind(EXTENSIONS, "TrafficExtension", TrafficExtension, "trafficextensions", ("v1alpha1",)),
)

LATEEN: tuple[Kind, ...] = (Kind(RATE_LIMIT, "RateLimit", RateLimit, "ratelimits", ("v1alpha1",)),)

# Documents of their own, as files and `--mesh-config` hold them; no Kubernetes objects.
MESH: tuple[Kind, ...] = (
    Kind("", "MeshConfig", MeshConfig, "meshconfigs", ("v1alpha1",), False, False),
    Kind("", "MeshNetworks", MeshNetworks, "meshnetworks", ("v1alpha1",), False, False),
)

KUBERNETES: tuple[Kind, ...] = (
    Kind("", "Namespace", Namespace, "namespaces", ("v1",), False),
    Kind("", "Node", NodeSpec, "nodes", ("v1",), False),
    Kind("", "ServiceAccount", ServiceAccount, "serviceaccounts", ("v1",), has_spec=False),
    Kind("", "Service", ServiceSpec, "services", ("v1",), status=ServiceStatus),
    Kind("", "Endpoints", Endpoints, "endpoints", ("v1",), has_spec=False),
    Kind("", "Pod", PodSpec, "pods", ("v1",), status=PodStatus),
    Kind("", "ConfigMap", ConfigMap, "configmaps", ("v1",), has_spec=False),
    Kind("", "Secret", Secret, "secrets", ("v1",), has_spec=False),
    Kind(
        "discovery.k8s.io",
        "EndpointSlice",
        EndpointSlice,
        "endpointslices",
        ("v1", "v1beta1"),
        has_spec=False,
    ),
    Kind("apps", "Deployment", DeploymentSpec, "deployments", ("v1",)),
    Kind("apps", "ReplicaSet", ReplicaSetSpec, "replicasets", ("v1",)),
    Kind("apps", "StatefulSet", StatefulSetSpec, "statefulsets", ("v1",)),
    Kind("apps", "DaemonSet", DaemonSetSpec, "daemonsets", ("v1",)),
    Kind("batch", "Job", JobSpec, "jobs", ("v1",)),
    Kind("batch", "CronJob", CronJobSpec, "cronjobs", ("v1",)),
    Kind("networking.k8s.io", "Ingress", IngressSpec, "ingresses", ("v1",)),
    Kind("networking.k8s.io", "NetworkPolicy", NetworkPolicySpec, "networkpolicies", ("v1",)),
    Kind("networking.k8s.io", "IngressClass", IngressClassSpec, "ingressclasses", ("v1",), False),
)

GATEWAY: tuple[Kind, ...] = (
    Kind(
        GATEWAY_API,
        "Gateway",
        GatewaySpec,
        "gateways",
        ("v1", "v1beta1"),
        key_kind="Gateway.gateway.networking.k8s.io",
    ),
    Kind(GATEWAY_API, "GatewayClass", GatewayClassSpec, "gatewayclasses", ("v1",), False),
    Kind(GATEWAY_API, "HTTPRoute", HTTPRouteSpec, "httproutes", ("v1", "v1beta1")),
    Kind(GATEWAY_API, "GRPCRoute", GRPCRouteSpec, "grpcroutes", ("v1", "v1alpha2")),
    Kind(GATEWAY_API, "TLSRoute", TLSRouteSpec, "tlsroutes", ("v1", "v1alpha3", "v1alpha2")),
    Kind(GATEWAY_API, "TCPRoute", TCPRouteSpec, "tcproutes", ("v1alpha2",)),
    Kind(GATEWAY_API, "UDPRoute", TCPRouteSpec, "udproutes", ("v1alpha2",)),
    Kind(
        GATEWAY_API,
        "ReferenceGrant",
        ReferenceGrantSpec,
        "referencegrants",
        ("v1", "v1beta1", "v1alpha2"),
    ),
    Kind(
        GATEWAY_API,
        "BackendTLSPolicy",
        BackendTLSPolicySpec,
        "backendtlspolicies",
        ("v1", "v1alpha3"),
    ),
    Kind(GATEWAY_API, "ListenerSet", ListenerSetSpec, "listenersets", ("v1", "v1alpha1")),
    Kind(EXPERIMENTAL, "XBackend", XBackendSpec, "xbackends", ("v1alpha1",)),
    Kind(
        EXPERIMENTAL,
        "XBackendTrafficPolicy",
        XBackendTrafficPolicySpec,
        "xbackendtrafficpolicies",
        ("v1alpha1",),
    ),
    Kind(INFERENCE, "InferencePool", InferencePoolSpec, "inferencepools", ("v1",)),
)

ALL: tuple[Kind, ...] = ISTIO + LATEEN + MESH + KUBERNETES + GATEWAY

BY_GROUP_KIND: dict[tuple[str, str], Kind] = {(kind.group, kind.kind): kind for kind in ALL}


def find_kind(api_version: str, kind: str) -> Kind | None:
    """The kind of a document, whatever the version in its `apiVersion`."""
    group, _, _ = api_version.rpartition("/")
    return BY_GROUP_KIND.get((group, kind))


# Types whose object is refused without a `spec`; for the others an empty one means something.
SPEC_REQUIRED: frozenset[type[Spec]] = frozenset(
    (ServiceEntry, WorkloadEntry, WorkloadGroup, WasmPlugin, TrafficExtension)
)

# Groups of Istio whose kinds are for its installer, no part of a mesh's configuration.
OTHER_ISTIO_GROUPS = frozenset(("install.istio.io", "operator.istio.io", "sailoperator.io"))
