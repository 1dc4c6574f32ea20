"""The mesh at this instant: every resource, indexed, behind one incremental graph."""

from collections.abc import Iterable
from dataclasses import dataclass

from lateen.api.mesh_config import MeshConfig
from lateen.api.resource import Change, Key, Resource
from lateen.base.incremental import Graph


@dataclass(frozen=True, slots=True)
class Settings:
    """What the control plane is told at its start and never changes."""

    domain: str = "cluster.local"
    trust_domain: str = ""  # empty: the MeshConfig's
    root_namespace: str = "istio-system"
    cluster: str = "Kubernetes"
    network: str = ""
    mesh_config: MeshConfig | None = None  # beats the ConfigMap `istio` of the root namespace
    service_cidr: str = ""  # gives ClusterIPs to Services that lack one; empty: none
    service_step: int = 1  # 256 in explicit mode: one address of the last byte for each client


class Mesh:
    graph: Graph
    settings: Settings

    def __init__(self, settings: Settings = Settings()) -> None:
        raise NotImplementedError

    def apply(self, changes: Iterable[Change]) -> None:
        raise NotImplementedError

    @property
    def config(self) -> MeshConfig:
        """Effective, merged over the defaults. Tracked."""
        raise NotImplementedError

    @property
    def root_namespace(self) -> str:
        raise NotImplementedError

    @property
    def trust_domain(self) -> str:
        raise NotImplementedError

    @property
    def domain(self) -> str:
        return self.settings.domain

    def resource(self, key: Key) -> Resource | None:
        """Tracked."""
        raise NotImplementedError
