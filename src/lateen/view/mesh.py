"""The mesh at this instant: every resource, indexed, behind one incremental graph.

    apply(changes)  ->  rows of tables and indexes  ->  derived functions of `view` and `translate`

`apply` costs what changed: the rows that a resource leaves and enters, nothing else. Everything
else is derived on demand and remembered until something that it read changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lateen.api.kubernetes.service import ServiceSpec
from lateen.api.mesh_config import MeshConfig
from lateen.api.mesh_networks import MeshNetworks
from lateen.api.resource import Change, Key, Resource
from lateen.api.service_entry import ServiceEntry
from lateen.base.incremental import Graph, Table
from lateen.base.problem import Origin, Problem
from lateen.catalog import address_pool, kubernetes_service, service_entry
from lateen.catalog.workload import NETWORK, Place
from lateen.gateway_api.feed import Feed
from lateen.identity.trust_bundle import Trust
from lateen.jwks.settings import Fetcher
from lateen.jwks.source import KeySource
from lateen.view import mesh_settings
from lateen.view.discovery import Discovery
from lateen.view.index import Index
from lateen.view.rows import CROWDED, LISTED, rows

CONFIG_MAP = "istio"  # in the root namespace; keys `mesh` and `meshNetworks`
CONFIG, NETWORKS = "MeshConfig", "MeshNetworks"  # kinds of documents that say the same


class HostOwnership(StrEnum):
    """Whether one namespace may speak for the hosts of another; see `view.ownership`."""

    ISTIO = "istio"
    STRICT = "strict"


@dataclass(frozen=True)
class Settings:
    """What the control plane is told at its start and never changes."""

    domain: str = "cluster.local"
    trust_domain: str = ""  # empty: the MeshConfig's
    root_namespace: str = "istio-system"  # unless the MeshConfig names another
    cluster: str = "Kubernetes"
    network: str = ""
    # Laid over the defaults; beats what stands among the resources. Text is YAML.
    mesh_config: MeshConfig | str | None = field(default=None, hash=False)
    service_cidr: str = ""  # gives ClusterIPs to Services that lack one; empty: none
    service_step: int = 1  # 256 in explicit mode: one address of the last byte for each client
    balancer_address: str = ""  # where Services of type LoadBalancer are offered; empty: unknown
    # Several CUSTOM providers may decide for one workload; else what they cover is denied.
    multiple_custom_providers: bool = False
    host_ownership: HostOwnership = HostOwnership.ISTIO
    scope_gateways: bool = False  # a Gateway runs on pods of its own namespace only
    decision_log: str = ""  # where proxies write what policies decided; empty: nowhere
    logs_all_decisions: bool = False  # also what they allowed
    key_fetcher: Fetcher = Fetcher.HYBRID  # of what a `jwksUri` names


class Mesh:
    """Owns the graph and its tables. `apply` and the setters change them, from one thread."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.graph = Graph()
        self.index = Index(self.graph, listed=LISTED, crowded=CROWDED)
        self.problems: tuple[Problem, ...] = ()  # of the mesh configuration itself
        self._resources: Table[Key, Resource[Any]] = Table(self.graph, "resource")
        self._origins: Table[Key, Origin] = Table(self.graph, "origin")
        self._config: Table[str, MeshConfig] = Table(self.graph, "mesh config")
        self._networks: Table[str, MeshNetworks] = Table(self.graph, "mesh networks")
        self._trust: Table[str, Trust] = Table(self.graph, "trust")
        self._trust.put("trust", Trust())
        self._token_keys: Table[KeySource, str] = Table(self.graph, "token keys")
        self._allocated: Table[str, str] = Table(self.graph, "allocated address")
        self._auto_pool = address_pool.auto_allocated()
        self._service_pool = (
            address_pool.of_network(self.settings.service_cidr, self.settings.service_step)
            if self.settings.service_cidr
            else None
        )
        self._discovery = Discovery()
        self._generated: set[Key] = set()  # by the feed: they follow what they are made from
        self._config_map = Key("ConfigMap", self.settings.root_namespace, CONFIG_MAP)
        self._read_config()
        self.gateway_api = Feed(self)

    def apply(self, changes: Iterable[Change]) -> None:
        """Brings objects to their new state; of several changes of one object the last counts."""
        latest = {change.key: change.resource for change in changes}
        flipped = self._discovery.learn(latest)
        # Sorted, so that a batch in any order allocates the same addresses.
        for key in sorted(latest):
            self._take(key, latest[key])
        self.index.flush()
        if any(self._is_configuration(key) for key in latest) and self._read_config():
            flipped = {namespace for _, namespace in self.index.rows("kind")}
        self._apply_generated([*latest, *self._discover(flipped)])

    @property
    def config(self) -> MeshConfig:
        """Effective: merged over the defaults. Tracked."""
        return self._config["mesh"]

    @property
    def networks(self) -> MeshNetworks:
        """Tracked."""
        return self._networks["networks"]

    @property
    def balancer_address(self) -> str:
        return self.settings.balancer_address

    @property
    def root_namespace(self) -> str:
        """Tracked."""
        return self.config.root_namespace

    @property
    def trust_domain(self) -> str:
        """Tracked."""
        return self.settings.trust_domain or self.config.trust_domain

    @property
    def trust(self) -> Trust:
        """What the certificate authority says. Tracked."""
        return self._trust["trust"]

    def set_trust(self, trust: Trust) -> None:
        self._trust.put("trust", trust)

    def token_keys(self, source: KeySource) -> str:
        """The keys that the control plane has fetched (JWKS); empty: no token is good. Tracked."""
        return self._token_keys.get(source) or ""

    def set_token_keys(self, source: KeySource, keys: str) -> None:
        if keys:
            self._token_keys.put(source, keys)
        else:
            self._token_keys.discard(source)

    @property
    def domain(self) -> str:
        return self.settings.domain

    @property
    def place(self) -> Place:
        """Where workloads are unless they say otherwise. Tracked."""
        return Place(self.trust_domain, self.settings.cluster, self.network)

    @property
    def network(self) -> str:
        """Of workloads that name none: the root namespace's label, else the registry's. Tracked."""
        if self.settings.network:
            return self.settings.network
        root = self.resource(Key("Namespace", "", self.root_namespace))
        if root is not None and root.meta.labels.get(NETWORK):
            return root.meta.labels[NETWORK]
        for name, network in sorted(self.networks.networks.items()):
            if any(part.from_registry == self.settings.cluster for part in network.endpoints):
                return name
        return ""

    def resource(self, key: Key) -> Resource[Any] | None:
        """Tracked: a reader depends on this object alone, present or not."""
        return self._resources.get(key)

    def origin(self, key: Key) -> Origin:
        """Where the object is written. Tracked, apart from the object: lines move more often."""
        return self._origins.get(key) or Origin()

    def of_kind(self, kind: str, namespace: str) -> tuple[Resource[Any], ...]:
        """All of a kind in a namespace, sorted by name. Tracked: depends on all of them."""
        return self._read(self.index.keys("kind", kind, namespace))

    def all_of_kind(self, kind: str) -> tuple[Resource[Any], ...]:
        """The same for all namespaces; not kept for kinds that come in thousands (`rows.MANY`)."""
        return self._read(self.index.keys("all", kind))

    def allocated_address(self, name: str) -> str:
        """Given to a `namespace/host` by this mesh; empty: none. Tracked."""
        return self._allocated.get(name) or ""

    def _read(self, keys: tuple[Key, ...]) -> tuple[Resource[Any], ...]:
        return tuple(found for key in keys if (found := self._resources.get(key)) is not None)

    def _apply_generated(self, changed: Iterable[Key]) -> None:
        """Internal resources of Gateway API objects and Ingresses follow those."""
        generated = self.gateway_api.update(changed)
        while generated:  # routes read whether a host is there, also one that was made so
            for key, resource in generated:
                self._apply(key, resource)
                self._generated.discard(key)
                if resource is not None:
                    self._generated.add(key)
            self.index.flush()
            generated = self.gateway_api.update(())

    def _take(self, key: Key, resource: Resource[Any] | None) -> None:
        """An object as it was given: of a namespace that is not discovered it is not there."""
        if not self._is_configuration(key) and self._discovery.keeps_aside(key, resource):
            resource = None
        self._apply(key, resource)

    def _discover(self, flipped: set[str]) -> list[Key]:
        """Objects of namespaces that are now seen come in, those of others go; returns which."""
        if not flipped:
            return []
        back = self._discovery.brought_back()
        for resource in back:
            self._apply(resource.key, resource)
        hidden = {namespace for namespace in flipped if not self._discovery.sees(namespace)}
        keys = sorted(
            key
            for kind, namespace in self.index.rows("kind")
            if namespace in hidden
            for key in self.index.keys("kind", kind, namespace)
            if key not in self._generated and not self._is_configuration(key)
        )
        self._discovery.put_aside(self._read(tuple(keys)))
        for key in keys:
            self._apply(key, None)
        self.index.flush()
        return [*(resource.key for resource in back), *keys]

    def _apply(self, key: Key, resource: Resource[Any] | None) -> None:
        old = self._resources.peek(key)
        if resource is None:
            self._origins.discard(key)
        else:
            self._origins.put(key, resource.origin)
        if resource == old:
            return
        if resource is None:
            self._resources.discard(key)
        else:
            self._resources.put(key, resource)
        self.index.move(
            key,
            rows(old, self.domain) if old is not None else (),
            rows(resource, self.domain) if resource is not None else (),
        )
        self._allocate(old, resource)

    def _allocate(self, old: Resource[Any] | None, new: Resource[Any] | None) -> None:
        before, after = self._wanted(old), self._wanted(new)
        for name, pool in before.items():
            if name not in after:
                pool.release(name)
                self._allocated.discard(name)
        for name, pool in after.items():
            if name not in before:
                self._allocated.put(name, pool.take(name))

    def _wanted(self, resource: Resource[Any] | None) -> dict[str, address_pool.AddressPool]:
        """Names that need an address, `namespace/host`, and the pool that it comes from."""
        if resource is None:
            return {}
        if isinstance(resource.spec, ServiceEntry):
            return {
                f"{resource.namespace}/{host}": self._auto_pool
                for host in resource.spec.hosts
                if service_entry.wants_address(resource, host)
            }
        if isinstance(resource.spec, ServiceSpec) and self._service_pool is not None:
            if not kubernetes_service.needs_address(resource):
                return {}
            host = kubernetes_service.hostname(resource.name, resource.namespace, self.domain)
            return {f"{resource.namespace}/{host}": self._service_pool}
        return {}

    def _is_configuration(self, key: Key) -> bool:
        return key.kind in (CONFIG, NETWORKS) or key == self._config_map

    def _read_config(self) -> bool:
        """What the settings say, else a document of its own, else the ConfigMap.

        Returns whether other namespaces may be discovered by it than before.
        """
        config_map = self._resources.peek(self._config_map)
        written = config_map.spec.data if config_map is not None else {}
        config, config_problems = mesh_settings.effective(
            self.settings.root_namespace,
            self.settings.mesh_config or self._document(CONFIG) or written.get("mesh", ""),
        )
        networks, network_problems = mesh_settings.networks(
            self._document(NETWORKS) or written.get("meshNetworks", "")
        )
        self.problems = (*config_problems, *network_problems)
        self._config.put("mesh", config)
        self._networks.put("networks", networks)
        return self._discovery.select(config.discovery_selectors, config.root_namespace)

    def _document(self, kind: str) -> Any:
        """The spec of the first document of a kind that stands for the whole mesh."""
        found = self._resources.peek(next(iter(self.index.keys("all", kind)), Key(kind, "", "")))
        return found.spec if found is not None else None
