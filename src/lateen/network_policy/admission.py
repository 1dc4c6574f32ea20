"""What NetworkPolicies let through to and from each pod, resolved to addresses and ports.

The rules are those of Kubernetes: a pod that some policy selects for a direction is closed in that
direction but for what any of its policies opens; a pod that none selects is open. Only IPv4 is
resolved: pods of this machine have no other addresses.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network

from lateen.api.kubernetes.network_policy import (
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
    PolicyType,
)
from lateen.api.kubernetes.selector import LabelSelector, LabelSelectorRequirement
from lateen.api.resource import Resource
from lateen.network_policy.manifest import NAMESPACE_LABEL

LAST_PORT = 65535
ANYWHERE = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class PodAddress:
    namespace: str
    labels: Mapping[str, str]
    address: str
    ports: Mapping[str, int]  # container ports that have a name


@dataclass(frozen=True, slots=True)
class Opening:
    """Connections that are let through: with whom, by what protocol (empty: any), to which port."""

    network: IPv4Network = ANYWHERE
    excluded: tuple[IPv4Network, ...] = ()
    protocol: str = ""  # tcp, udp, sctp
    first_port: int = 0
    last_port: int = LAST_PORT


@dataclass(frozen=True, slots=True)
class Admission:
    """None: open. An empty tuple: closed."""

    ingress: tuple[Opening, ...] | None = None
    egress: tuple[Opening, ...] | None = None


OPEN = Admission()


def admission(
    pod: PodAddress,
    pods: Iterable[PodAddress],
    policies: Iterable[Resource[NetworkPolicySpec]],
    namespace_labels: Mapping[str, Mapping[str, str]],
) -> Admission:
    others = tuple(pods)
    ingress: set[Opening] | None = None
    egress: set[Opening] | None = None
    for policy in policies:
        spec = policy.spec
        if policy.namespace != pod.namespace or not selects(spec.pod_selector, pod.labels):
            continue
        peers = _Peers(policy.namespace, others, namespace_labels)
        types = spec.policy_types or _default_types(spec)
        if PolicyType.INGRESS in types:
            ingress = ingress or set()
            for into in spec.ingress:
                ingress.update(_openings(into.from_, into.ports, peers, pod))
        if PolicyType.EGRESS in types:
            egress = egress or set()
            for out in spec.egress:
                egress.update(_openings(out.to, out.ports, peers, None))
    return Admission(_sorted(ingress), _sorted(egress))


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """An empty selector selects everything."""
    if not selector.match_labels.items() <= labels.items():
        return False
    return all(_holds(wanted, labels) for wanted in selector.match_expressions)


def _holds(wanted: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(wanted.key)
    if wanted.operator == "In":
        return value in wanted.values
    if wanted.operator == "NotIn":
        return value not in wanted.values
    return (value is None) == (wanted.operator == "DoesNotExist")


def _default_types(spec: NetworkPolicySpec) -> tuple[PolicyType, ...]:
    return (PolicyType.INGRESS, *((PolicyType.EGRESS,) if spec.egress else ()))


def _sorted(openings: set[Opening] | None) -> tuple[Opening, ...] | None:
    return None if openings is None else tuple(sorted(openings, key=str))


# -- peers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Peer:
    network: IPv4Network = ANYWHERE
    excluded: tuple[IPv4Network, ...] = ()
    pod: PodAddress | None = None


@dataclass(frozen=True)
class _Peers:
    """Looks up the peers of a policy's rules."""

    namespace: str
    pods: tuple[PodAddress, ...]
    namespace_labels: Mapping[str, Mapping[str, str]]

    def of(self, written: tuple[NetworkPolicyPeer, ...]) -> Iterator[_Peer]:
        if not written:
            yield _Peer()
        for peer in written:
            if peer.ip_block is not None:
                yield from _block(peer)
                continue
            for pod in self.pods:
                if self._is_in_namespace(peer, pod.namespace) and (
                    peer.pod_selector is None or selects(peer.pod_selector, pod.labels)
                ):
                    yield _Peer(IPv4Network(pod.address), pod=pod)

    def _is_in_namespace(self, peer: NetworkPolicyPeer, namespace: str) -> bool:
        if peer.namespace_selector is None:
            return namespace == self.namespace
        labels = {**self.namespace_labels.get(namespace, {}), NAMESPACE_LABEL: namespace}
        return selects(peer.namespace_selector, labels)


def _block(peer: NetworkPolicyPeer) -> Iterator[_Peer]:
    assert peer.ip_block is not None, "asked by the caller"
    network = ip_network(peer.ip_block.cidr, strict=False)
    if isinstance(network, IPv4Network):
        excluded = (ip_network(text, strict=False) for text in peer.ip_block.except_)
        yield _Peer(network, tuple(e for e in excluded if isinstance(e, IPv4Network)))


# -- ports -------------------------------------------------------------------------------------


def _openings(
    written: tuple[NetworkPolicyPeer, ...],
    ports: tuple[NetworkPolicyPort, ...],
    peers: _Peers,
    pod: PodAddress | None,
) -> Iterator[Opening]:
    """`pod` is who listens; for egress the peer does, as far as it is a pod."""
    for peer in peers.of(written):
        if not ports:
            yield Opening(peer.network, peer.excluded)
        for port in ports:
            found = _range(port, pod or peer.pod)
            if found is not None:
                yield Opening(peer.network, peer.excluded, port.protocol.lower(), *found)


def _range(port: NetworkPolicyPort, listener: PodAddress | None) -> tuple[int, int] | None:
    """None for a name that the listener has not given to any of its ports."""
    if port.port is None:
        return 0, LAST_PORT
    if isinstance(port.port, str) and not port.port.isdecimal():
        number = listener.ports.get(port.port) if listener is not None else None
        return None if number is None else (number, number)
    first = int(port.port)
    return first, port.end_port or first
