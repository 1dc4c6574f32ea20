"""What `from` and `when` of an AuthorizationPolicy's rule say about addresses.

A NetworkPolicy knows no identities: pods stand for the service account that they run as. Where
that cannot be said exactly, more is let through, never less: the proxies decide exactly.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lateen.api.authorization_policy import Condition, Source
from lateen.network_policy.blocks import as_cidr, excepting
from lateen.network_policy.peers import ANY_POD, ANYONE, EVERYWHERE, Block, Peers, Pods, Workload

PRINCIPAL = re.compile(r"(?P<domain>[^/]+)/ns/(?P<namespace>[^/]+)/sa/(?P<account>.+)")
WHOLE_NAMESPACE = re.compile(r"(?P<domain>[^/]+)/ns/(?P<namespace>[^/*]+)/(?:sa/)?\*")
LOCAL_DOMAIN = "cluster.local"  # stands for the mesh's own, whatever that is


@dataclass(frozen=True)
class Places:
    """What is known of the mesh: its workloads, namespaces and the names of its trust domain."""

    workloads: tuple[Workload, ...]
    namespaces: frozenset[str]
    trust_domains: frozenset[str]


@dataclass(frozen=True)
class Identities:
    """The identities that one source asks for, all fields together. Empty fields ask nothing."""

    principals: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()  # NAMESPACE/NAME
    namespaces: tuple[str, ...] = ()
    not_principals: tuple[str, ...] = ()
    not_service_accounts: tuple[str, ...] = ()
    not_namespaces: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        return bool(self.principals or self.service_accounts or self.namespaces)

    @property
    def excludes(self) -> bool:
        return bool(self.not_principals or self.not_service_accounts or self.not_namespaces)

    @property
    def excluded(self) -> "Identities":
        """Those that the negated fields name, when only one field does."""
        return Identities(self.not_principals, self.not_service_accounts, self.not_namespaces)


def identities(source: Source, when: Iterable[Condition], namespace: str) -> Identities:
    """`namespace` is the policy's: service accounts without one are in it."""
    accounts, not_accounts = list(source.service_accounts), list(source.not_service_accounts)
    namespaces, not_namespaces = list(source.namespaces), list(source.not_namespaces)
    principals, not_principals = list(source.principals), list(source.not_principals)
    for condition in when:
        lists = {
            "source.principal": (principals, not_principals),
            "source.namespace": (namespaces, not_namespaces),
            "source.serviceAccount": (accounts, not_accounts),
        }.get(condition.key)
        if lists is None:
            continue
        wanted, unwanted = lists
        # A field that is asked for twice must hold twice; asking once is asking less.
        wanted += condition.values if not wanted else ()
        unwanted += condition.not_values
    return Identities(
        tuple(principals),
        tuple(_qualified(account, namespace) for account in accounts),
        tuple(namespaces),
        tuple(not_principals),
        tuple(_qualified(account, namespace) for account in not_accounts),
        tuple(not_namespaces),
    )


def peers(
    source: Source, when: tuple[Condition, ...], namespace: str, places: Places
) -> Peers | None:
    """Everybody whom the source may mean."""
    wanted = identities(source, when, namespace)
    if wanted.asks:
        return peers_of(wanted, places)
    blocks = (*source.ip_blocks, *_values(when, "source.ip"))
    refused = (*source.not_ip_blocks, *_values(when, "source.ip", refused=True))
    if blocks:
        return excepting((Block(as_cidr(block)) for block in blocks), refused)
    if refused:
        return excepting(EVERYWHERE, refused)
    return ANYONE


def peers_of(wanted: Identities, places: Places) -> Peers | None:
    found: set[Pods | Block] = set()
    names = wanted.principals or wanted.service_accounts
    if not names:
        for pattern in wanted.namespaces:
            found |= _namespace_peers(pattern, places)
    elif wanted.principals:
        for principal in wanted.principals:
            named = _principal_peers(principal, wanted, places)
            if named is None:
                return ANYONE
            found |= named
    else:
        for account in wanted.service_accounts:
            found |= _account_peers(account, wanted, places)
    return frozenset(found)


def covers(wanted: Identities, peer: Pods | Block, places: Places) -> bool:
    """Whether all that the peer stands for is certainly meant, among what is known."""
    if isinstance(peer, Block) or not wanted.asks:
        return False
    if not peer.labels:
        only_namespaces = not (wanted.principals or wanted.service_accounts)
        return (
            only_namespaces and bool(peer.namespace) and _is_in(peer.namespace, wanted.namespaces)
        )
    named = [w for w in places.workloads if peer in w.peers]
    return bool(named) and all(_is_meant(w, wanted, places) for w in named)


def touches(wanted: Identities, peer: Pods | Block, places: Places) -> bool:
    """Whether anything that the peer stands for may be meant."""
    if isinstance(peer, Block) or not peer.namespace:
        return True
    if not peer.labels:
        return not wanted.namespaces or _is_in(peer.namespace, wanted.namespaces)
    named = [w for w in places.workloads if peer in w.peers]
    return not named or any(_is_meant(w, wanted, places) for w in named)


# -- names -------------------------------------------------------------------------------------


def _namespace_peers(pattern: str, places: Places) -> set[Pods | Block]:
    """A pattern of namespaces means those that are known: labels cannot be compared by prefix."""
    if pattern == "*":
        return {ANY_POD, *_outside(places, lambda _: True)}
    if "*" not in pattern:
        return {Pods(pattern), *_outside(places, lambda w: w.namespace == pattern)}
    known = {name for name in places.namespaces if matches(pattern, name)}
    pods: set[Pods | Block] = {Pods(name) for name in known}
    return pods | _outside(places, lambda w: w.namespace in known)


def _principal_peers(principal: str, wanted: Identities, places: Places) -> Peers | None:
    whole = WHOLE_NAMESPACE.fullmatch(principal)
    if whole and _is_local(whole["domain"], places):
        return frozenset(_namespace_peers(whole["namespace"], places))
    if "*" in principal:
        return frozenset((ANY_POD, *_outside(places, lambda _: True)))
    exact = PRINCIPAL.fullmatch(principal)
    if exact is None or not _is_local(exact["domain"], places):
        return ANYONE  # of another mesh: where that is cannot be known
    return _account_peers(f"{exact['namespace']}/{exact['account']}", wanted, places)


def _account_peers(account: str, wanted: Identities, places: Places) -> Peers:
    """The pods that run as it; its whole namespace when none is known."""
    namespace, _, name = account.partition("/")
    known = [w for w in places.workloads if (w.namespace, w.service_account) == (namespace, name)]
    if not known:
        return frozenset((Pods(namespace),))
    meant = [w for w in known if _is_meant(w, wanted, places)]
    return frozenset(peer for workload in meant for peer in workload.peers)


def _is_meant(workload: Workload, wanted: Identities, places: Places) -> bool:
    account = f"{workload.namespace}/{workload.service_account}"
    spoken = [
        f"{domain}/ns/{workload.namespace}/sa/{workload.service_account}"
        for domain in (*places.trust_domains, LOCAL_DOMAIN)
    ]

    def named(patterns: tuple[str, ...]) -> bool:
        return any(matches(pattern, text) for pattern in patterns for text in spoken)

    return (
        (not wanted.principals or named(wanted.principals))
        and (not wanted.service_accounts or account in wanted.service_accounts)
        and (not wanted.namespaces or _is_in(workload.namespace, wanted.namespaces))
        and not named(wanted.not_principals)
        and account not in wanted.not_service_accounts
        and not _is_in(workload.namespace, wanted.not_namespaces)
    )


def _outside(places: Places, holds: Callable[[Workload], bool]) -> set[Pods | Block]:
    """Workloads that are no pods, by address."""
    return {p for w in places.workloads if w.addresses and holds(w) for p in w.peers}


def _is_local(domain: str, places: Places) -> bool:
    return domain == LOCAL_DOMAIN or domain in places.trust_domains


def _is_in(name: str, patterns: tuple[str, ...]) -> bool:
    return any(matches(pattern, name) for pattern in patterns)


def matches(pattern: str, text: str) -> bool:
    """Istio's match of strings: exact, `prefix*`, `*suffix`, or `*` for anything not empty."""
    if pattern == "*":
        return bool(text)
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return pattern == text


def _qualified(account: str, namespace: str) -> str:
    return account if "/" in account else f"{namespace}/{account}"


# -- addresses ---------------------------------------------------------------------------------


def _values(when: Iterable[Condition], key: str, *, refused: bool = False) -> Iterator[str]:
    for condition in when:
        if condition.key == key:
            yield from condition.not_values if refused else condition.values
