"""NetworkPolicies that back the mesh's AuthorizationPolicies at address and port level.

A second fence: what a workload's proxy would refuse by address and port alone does not even reach
its pod, also when the pod's proxy is gone or was gone around. The derived policies never refuse
what the mesh allows: they follow from ALLOW policies, and from DENY policies that name nothing but
sources and ports. Whatever else a rule asks for (paths, tokens) is left to the proxies.

A workload for which nothing is refused gets no NetworkPolicy, since any would change its default.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lateen.api.authorization_policy import AuthorizationPolicy, Condition, Operation, Rule, Source
from lateen.api.resource import Resource
from lateen.network_policy import port_set
from lateen.network_policy.blocks import as_cidr, excepting
from lateen.network_policy.peers import ANYONE, EVERYWHERE, Block, Peers, Pods, Workload
from lateen.network_policy.port_set import PortSet
from lateen.network_policy.sources import (
    Places,
    covers,
    identities,
    peers,
    peers_of,
    touches,
)
from lateen.translate.authorization.policies import Policies, is_dry_run, policies
from lateen.view.mesh import Mesh
from lateen.view.selection import as_labels

SOURCE_KEYS = frozenset(
    ("source.principal", "source.namespace", "source.serviceAccount", "source.ip")
)


@dataclass(frozen=True, slots=True)
class Grant:
    """Whom a workload lets connect (None: everybody), and to which of its ports."""

    peers: Peers | None
    ports: PortSet


UNLIMITED = (Grant(ANYONE, port_set.ALL),)


@dataclass(frozen=True)
class Derived:
    """What one workload allows, and the policies from which that follows."""

    workload: Workload
    grants: tuple[Grant, ...]
    sources: tuple[Resource[AuthorizationPolicy], ...]


def derive(mesh: Mesh, places: Places) -> tuple[Derived, ...]:
    """For each workload with a proxy that refuses anything by address or port."""
    found = []
    for workload in places.workloads:
        if not workload.proxied or workload.addresses:
            continue
        governing = policies(mesh, workload.namespace, as_labels(dict(workload.labels)))
        grants = allowed(governing, places)
        if grants != UNLIMITED:
            in_force = (*governing.deny, *governing.allow)
            used = tuple(policy for policy in in_force if not is_dry_run(policy))
            found.append(Derived(workload, grants, used))
    return tuple(found)


def allowed(governing: Policies, places: Places) -> tuple[Grant, ...]:
    """Grants with the same peers, or else the same ports, are joined."""
    allow = [policy for policy in governing.allow if not is_dry_run(policy)]
    grants: list[Grant] = [] if allow else list(UNLIMITED)
    for policy in allow:
        for rule in policy.spec.rules:
            grants += _granted(rule, policy.namespace, places)
    for policy in governing.deny:
        if is_dry_run(policy):
            continue
        for rule in policy.spec.rules:
            grants = _without(grants, rule, policy.namespace, places)
    return joined(grants)


def joined(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    by_peers: dict[Peers | None, PortSet] = {}
    for grant in grants:
        by_peers[grant.peers] = by_peers.get(grant.peers, port_set.NONE) | grant.ports
    open_ports = by_peers.get(ANYONE, port_set.NONE)
    by_ports: dict[PortSet, Peers | None] = {}
    for who, ports in by_peers.items():
        left = ports if who is None else ports - open_ports  # the rest is open to all anyway
        if not left or who == frozenset():
            continue
        before = by_ports.get(left, frozenset())
        by_ports[left] = (
            ANYONE if ANYONE in (who, before) else (who or frozenset()) | (before or frozenset())
        )
    return tuple(Grant(who, ports) for ports, who in sorted(by_ports.items(), key=_order))


def _order(item: tuple[PortSet, Peers | None]) -> tuple[tuple[int, int], ...]:
    return item[0].ranges


# -- ALLOW -------------------------------------------------------------------------------------


def _granted(rule: Rule, namespace: str, places: Places) -> list[Grant]:
    ports = _rule_ports(rule)
    return [Grant(peers(source, rule.when, namespace, places), ports) for source in _sources(rule)]


def _sources(rule: Rule) -> list[Source]:
    return [item.source or Source() for item in rule.from_] or [Source()]


def _operations(rule: Rule) -> list[Operation]:
    return [item.operation or Operation() for item in rule.to] or [Operation()]


def _rule_ports(rule: Rule) -> PortSet:
    """Of any of its operations, as far as its conditions agree."""
    ports = port_set.NONE
    for operation in _operations(rule):
        ports = ports | _ports(operation.ports, operation.not_ports)
    for condition in rule.when:
        if condition.key == "destination.port":
            ports = ports & _ports(condition.values, condition.not_values)
    return ports


def _ports(wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> PortSet:
    named = PortSet.of(map(int, wanted)) if wanted else port_set.ALL
    return named - PortSet.of(map(int, unwanted))


# -- DENY --------------------------------------------------------------------------------------


def _without(grants: list[Grant], rule: Rule, namespace: str, places: Places) -> list[Grant]:
    """What is left of the grants by a DENY rule, as far as that can be said; else all of them."""
    if not all(_is_plain(operation) for operation in _operations(rule)):
        return grants
    if any(not _is_known(condition) for condition in rule.when):
        return grants
    ports = _rule_ports(rule)
    for source in _sources(rule):
        if source.request_principals or source.not_request_principals:
            continue
        if source.remote_ip_blocks or source.not_remote_ip_blocks:
            continue
        if source.trust_domains or source.not_trust_domains:
            continue
        if _asks_twice(source, rule.when):
            continue
        refused = _Refused(source, rule.when, namespace, places)
        grants = [
            left for grant in grants for left in (
                Grant(grant.peers, grant.ports - ports),
                Grant(refused.rest(grant.peers), grant.ports & ports),
            )
            if left.ports and left.peers != frozenset()
        ]  # fmt: skip
    return grants


def _is_plain(operation: Operation) -> bool:
    """Whether it asks for nothing that only a request has."""
    asked = (operation.hosts, operation.not_hosts, operation.methods, operation.not_methods)
    return not any((*asked, operation.paths, operation.not_paths))


def _is_known(condition: Condition) -> bool:
    return condition.key in SOURCE_KEYS or condition.key == "destination.port"


def _asks_twice(source: Source, when: Iterable[Condition]) -> bool:
    """Whether one thing must match two lists, which peers cannot say."""
    asked = Counter(condition.key for condition in when if condition.values)
    asked["source.principal"] += bool(source.principals)
    asked["source.namespace"] += bool(source.namespaces)
    asked["source.serviceAccount"] += bool(source.service_accounts)
    asked["source.ip"] += bool(source.ip_blocks)
    return any(asked[key] > 1 for key in SOURCE_KEYS)


class _Refused:
    """The sources that one DENY rule refuses, taken away from peers."""

    def __init__(
        self, source: Source, when: tuple[Condition, ...], namespace: str, places: Places
    ) -> None:
        self._places = places
        self._named = identities(source, when, namespace)
        addresses = [c for c in when if c.key == "source.ip"]
        self._blocks = (*source.ip_blocks, *(v for c in addresses for v in c.values))
        self._not_blocks = (*source.not_ip_blocks, *(v for c in addresses for v in c.not_values))

    def rest(self, who: Peers | None) -> Peers | None:
        """Those of `who` that are not certainly refused."""
        ways = (self._named.asks, self._named.excludes, bool(self._blocks), bool(self._not_blocks))
        if not any(ways):
            return frozenset()  # everybody is refused
        if sum(ways) > 1:
            return who  # several things must hold at once, which peers cannot say
        if self._named.asks:
            return self._without_named(who)
        if self._named.excludes:
            return self._only_named(who)
        if self._blocks:
            return self._without_blocks(who)
        return (
            frozenset(Block(as_cidr(block)) for block in self._not_blocks) if who is None else who
        )

    def _without_named(self, who: Peers | None) -> Peers | None:
        if who is None:
            return ANYONE
        return frozenset(p for p in who if not covers(self._named, p, self._places))

    def _only_named(self, who: Peers | None) -> Peers | None:
        """Refused is who is *not* named: the named remain."""
        spared = self._named.excluded
        fields = (spared.principals, spared.service_accounts, spared.namespaces)
        if sum(map(bool, fields)) > 1:
            return who  # refused is only who is neither: the other may remain too
        if who is None:
            return peers_of(spared, self._places)
        return frozenset(p for p in who if touches(spared, p, self._places))

    def _without_blocks(self, who: Peers | None) -> Peers | None:
        if who is None:
            return excepting(EVERYWHERE, self._blocks)
        pods = frozenset(peer for peer in who if isinstance(peer, Pods))
        blocks = (peer for peer in who if isinstance(peer, Block))
        return pods | excepting(blocks, self._blocks)
