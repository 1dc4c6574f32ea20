"""Which outbound view a class of proxies has: its Sidecar resource and that one's egress listeners.

    own namespace, selector matches (oldest)  ->  own namespace, no selector (oldest)
        ->  root namespace, no selector  ->  none: everything that is exported

Routers and waypoints ignore Sidecar resources.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lateen.api.resource import Key, Resource
from lateen.api.sidecar import (
    IstioEgressListener,
    OutboundTrafficPolicy,
    OutboundTrafficPolicyMode,
    Sidecar,
    SidecarPort,
)
from lateen.base.incremental import derived
from lateen.catalog.service import Locality
from lateen.view import failover, hosts
from lateen.view.mesh import Mesh
from lateen.view.names import split_host
from lateen.view.proxy import UNKNOWN, ProxyClass, ProxyKind
from lateen.view.proxy_settings import PLAIN, ClientTraits, client_traits
from lateen.view.selection import Labels, selects

NOBODY = "~"  # before a namespace, or alone for all namespaces: exclude


class Sight(NamedTuple):
    """The part of a scope that decides which services and VirtualServices it sees."""

    namespace: str
    sidecar: Key | None


@dataclass(frozen=True, slots=True)
class OutboundScope:
    """The part of a ProxyClass that outbound configuration depends on. Hashable.

    `labels` has only the labels that some VirtualService's sourceLabels or DestinationRule's
    workloadSelector asks for; `node` is empty unless something asks for it.
    """

    kind: ProxyKind = ProxyKind.SIDECAR
    namespace: str = "default"
    sidecar: Key | None = None  # the Sidecar resource that governs; None: everything exported
    labels: Labels = ()
    cluster: str = "Kubernetes"
    network: str = ""
    locality: Locality = UNKNOWN
    node: str = ""
    failover_labels: Labels = ()  # those that some failoverPriority asks for
    traits: ClientTraits = PLAIN
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        """Scopes are in the key of nearly every memo, so their hash is made once."""
        parts = (self.kind, self.sight, self.labels, self.cluster, self.network, self.traits)
        object.__setattr__(
            self, "_hash", hash((*parts, self.locality, self.node, self.failover_labels))
        )

    def __hash__(self) -> int:
        return self._hash

    @property
    def sight(self) -> Sight:
        return Sight(self.namespace, self.sidecar)

    def anywhere(self) -> "OutboundScope":
        """The same without the place: for what does not depend on where its endpoints are."""
        if self.locality == UNKNOWN and not self.node and not self.failover_labels:
            return self
        return replace(self, locality=UNKNOWN, node="", failover_labels=())

    def label(self, name: str) -> str | None:
        return next((value for key, value in self.labels if key == name), None)


@dataclass(frozen=True, slots=True)
class EgressListener:
    """One entry of `Sidecar.egress`, or the implicit one that imports everything.

    Explicit ones (with a port) come first; the one without a port is last: `is_catch_all`.
    """

    index: int
    hosts: tuple[str, ...]  # `namespace/host`; `.` resolved to the proxy's namespace
    port: SidecarPort | None = None
    bind: str = ""
    capture_mode: str = "DEFAULT"  # DEFAULT, IPTABLES, NONE

    @property
    def is_catch_all(self) -> bool:
        return self.port is None

    @property
    def imports_all(self) -> bool:
        return "*/*" in self.hosts and not any(host.startswith(NOBODY) for host in self.hosts)

    def imports(self, host: str, namespace: str) -> bool:
        """Whether a service of that hostname and namespace comes in."""
        included = False
        for written in self.hosts:
            owner, _, name = written.partition("/")
            if owner.startswith(NOBODY):
                if _excludes(owner, namespace) and hosts.is_subset(host, name):
                    return False
            elif owner in ("*", namespace) and hosts.is_subset(host, name):
                included = True
        return included

    def imports_rule(self, host: str, namespace: str) -> bool:
        """Whether a VirtualService of the namespace comes in by this host of it."""
        included = False
        for written in self.hosts:
            owner, _, name = written.partition("/")
            if owner.startswith(NOBODY):
                if _excludes(owner, namespace) and hosts.is_subset(host, name):
                    return False
            elif owner in ("*", namespace) and hosts.matches(host, name):
                included = True
        return included


def _excludes(owner: str, namespace: str) -> bool:
    return owner[1:] in ("", "*", namespace)


EVERYTHING = (EgressListener(0, ("*/*",)),)


@derived
def outbound_scope(mesh: Mesh, proxy_class: ProxyClass) -> OutboundScope:
    is_sidecar = proxy_class.kind is ProxyKind.SIDECAR
    asked = label_uses(mesh, "source") | label_uses(mesh, f"client {proxy_class.namespace}")
    return OutboundScope(
        kind=proxy_class.kind,
        namespace=proxy_class.namespace,
        sidecar=(
            find_sidecar(mesh, proxy_class.namespace, proxy_class.labels) if is_sidecar else None
        ),
        labels=tuple(pair for pair in proxy_class.labels if pair[0] in asked),
        cluster=proxy_class.cluster,
        network=proxy_class.network,
        locality=proxy_class.locality,
        node=proxy_class.node if asks_node(mesh) else "",
        failover_labels=tuple(
            pair for pair in proxy_class.labels if pair[0] in failover_uses(mesh)
        ),
        traits=client_traits(mesh, proxy_class),
    )


@derived
def rule_scope(mesh: Mesh, proxy_class: ProxyClass) -> OutboundScope:
    """What clusters and endpoints depend on: they know nothing of sourceLabels."""
    return without_source_labels(mesh, outbound_scope(mesh, proxy_class))


@derived
def without_source_labels(mesh: Mesh, scope: OutboundScope) -> OutboundScope:
    """The scope without labels that only sourceLabels of VirtualServices ask for.

    What does not depend on those is shared, so that one such match in a mesh does not make a
    configuration of its own for every workload.
    """
    asked = label_uses(mesh, f"client {scope.namespace}")
    labels = tuple(pair for pair in scope.labels if pair[0] in asked)
    return scope if labels == scope.labels else replace(scope, labels=labels)


@derived
def find_sidecar(mesh: Mesh, namespace: str, labels: Labels) -> Key | None:
    """The Sidecar resource that governs a workload."""
    own = sorted(mesh.of_kind("Sidecar", namespace), key=lambda item: item.age)
    for item in own:
        selector = _selector(item)
        if selector and selects(selector, labels):
            return item.key
    for item in own:
        if not _selector(item):
            return item.key
    for item in sorted(mesh.of_kind("Sidecar", mesh.root_namespace), key=lambda item: item.age):
        if not _selector(item):
            return item.key
    return None


@derived
def label_uses(mesh: Mesh, reason: str) -> frozenset[str]:
    """Labels of proxies that some resource asks for: see `rows`."""
    return frozenset(label for why, label in mesh.index.rows("label use") if why == reason)


@derived
def failover_uses(mesh: Mesh) -> frozenset[str]:
    """Labels by which clients rank endpoints."""
    return label_uses(mesh, "failover") | failover.labels_of_mesh(mesh.config)


@derived
def asks_node(mesh: Mesh) -> bool:
    """Whether anything depends on the node that a client is on."""
    return bool(mesh.index.keys("node local")) or (
        failover.HOSTNAME in failover.priorities_of_mesh(mesh.config)
    )


def egress_listeners(mesh: Mesh, scope: OutboundScope) -> tuple[EgressListener, ...]:
    """In the order of their `index`; at least one."""
    return listeners_of(mesh, scope.sight)


@derived
def listeners_of(mesh: Mesh, sight: Sight) -> tuple[EgressListener, ...]:
    sidecar = _sidecar(mesh, sight)
    if sidecar is None or not sidecar.egress:
        return EVERYTHING
    ordered = sorted(sidecar.egress, key=lambda listener: listener.port is None)
    return tuple(
        _listener(written, index, sight.namespace) for index, written in enumerate(ordered)
    )


def outbound_traffic_policy(mesh: Mesh, scope: OutboundScope) -> OutboundTrafficPolicy:
    """Effective: the Sidecar's, else the mesh's. `mode` is always set."""
    return traffic_policy_of(mesh, scope.sight)


@derived
def traffic_policy_of(mesh: Mesh, sight: Sight) -> OutboundTrafficPolicy:
    sidecar = _sidecar(mesh, sight)
    if sidecar is not None and sidecar.outbound_traffic_policy is not None:
        policy = sidecar.outbound_traffic_policy
        if policy.egress_proxy is None:
            return policy
        proxy = policy.egress_proxy
        host = hosts.qualified(proxy.host, sight.namespace, mesh.domain)
        return OutboundTrafficPolicy(
            mode=policy.mode,
            egress_proxy=type(proxy)(host=host, subset=proxy.subset, port=proxy.port),
        )
    written = mesh.config.outbound_traffic_policy
    mode = written.mode if written is not None else OutboundTrafficPolicyMode.ALLOW_ANY
    return OutboundTrafficPolicy(mode=mode)


def _sidecar(mesh: Mesh, sight: Sight) -> Sidecar | None:
    if sight.sidecar is None:
        return None
    found = mesh.resource(sight.sidecar)
    return found.spec if found is not None else None


def _selector(item: Resource[Sidecar]) -> dict[str, str]:
    selector = item.spec.workload_selector
    return selector.labels if selector is not None else {}


def _listener(written: IstioEgressListener, index: int, namespace: str) -> EgressListener:
    return EgressListener(
        index=index,
        hosts=tuple(_import(host, namespace) for host in written.hosts),
        port=written.port,  # number 0 on a unix socket
        bind=written.bind,
        capture_mode=written.capture_mode,
    )


def _import(written: str, namespace: str) -> str:
    exclusion = NOBODY if written.startswith(NOBODY) else ""
    owner, host = split_host(written.removeprefix(exclusion), namespace)
    return f"{exclusion}{owner}/{host}"
