"""A workload: one pod or WorkloadEntry that can serve ports of services."""

from collections.abc import Mapping
from dataclasses import dataclass

from lateen.catalog.service import Health, Locality

# Labels that name the logical service of a workload and its version; the first one that is set.
CANONICAL_NAMES = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
CANONICAL_REVISIONS = (
    "service.istio.io/canonical-revision",
    "app.kubernetes.io/version",
    "version",
)
WORKLOAD_NAME = "service.istio.io/workload-name"
TLS_MODE = "security.istio.io/tlsMode"
LOCALITY = "istio-locality"  # written with dots, for labels may not hold a slash
NETWORK = "topology.istio.io/network"
CLUSTER = "topology.istio.io/cluster"
SUBZONE = "topology.istio.io/subzone"
REGION = "topology.kubernetes.io/region"
ZONE = "topology.kubernetes.io/zone"
NODE = "kubernetes.io/hostname"
MUTUAL = "istio"
DISABLED = "disabled"
UNKNOWN = Locality()


@dataclass(frozen=True, slots=True)
class Place:
    """Where workloads are unless they say otherwise, and what their identities begin with."""

    trust_domain: str = "cluster.local"
    cluster: str = "Kubernetes"
    network: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    namespace: str
    name: str  # of the object
    workload: str  # of its owner, such as the Deployment
    addresses: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]  # with those of the place, sorted
    service_account: str = ""  # SPIFFE URI
    tls_mode: str = DISABLED
    locality: Locality = UNKNOWN
    network: str = ""
    cluster: str = ""
    node: str = ""
    health: Health = Health.HEALTHY
    ports: tuple[tuple[str, int], ...] = ()  # container ports, or `ports` of a WorkloadEntry
    is_pod: bool = True
    weight: int = 0
    hostname: str = ""
    subdomain: str = ""

    def port_named(self, name: str) -> int | None:
        return next((number for port, number in self.ports if port == name), None)


def identity(trust_domain: str, namespace: str, account: str) -> str:
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{account}"


def parse_locality(text: str) -> Locality:
    """`region/zone/subzone`, or the same with dots when there is no slash."""
    separator = "/" if "/" in text else "."
    region, zone, subzone, *_ = (*text.split(separator), "", "", "")
    return Locality(region, zone, subzone)


def with_place(
    labels: Mapping[str, str], *, cluster: str, network: str, locality: Locality, node: str = ""
) -> tuple[tuple[str, str], ...]:
    """The workload's labels and those that say where it runs, sorted; subsets may use both."""
    placed = {
        REGION: locality.region,
        ZONE: locality.zone,
        SUBZONE: locality.subzone,
        CLUSTER: cluster,
        NETWORK: network,
        NODE: node,
    }
    return tuple(
        sorted({**labels, **{name: value for name, value in placed.items() if value}}.items())
    )
