"""Which traffic of a pod passes through its proxy, as rules without side effects.

    prerouting  tcp  ->  istio_inbound  ->  15006
    output           ->  istio_output   ->  15006  the proxy talking to its own pod's address
                                        ->  15001  everything else of the application's
                                        ->  15053  name lookups

The same decisions, in the same order, as Istio's own capture takes in iptables; `nftables` hands
them to the kernel. How the proxy's own packets are told from the application's is `Owner`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network

OUTBOUND_PORT, INBOUND_PORT, TUNNEL_PORT, DNS_PORT = 15001, 15006, 15008, 15053
UNCAPTURED_PORTS = (15008, 15020, 15021, 15090)  # the proxy's own, open to everybody
PROXY_ID = 1337  # user and group of the proxy
PROXY_MARK = 1337  # of its sockets, where users cannot tell it from the application
INBOUND_SOURCE = IPv4Network("127.0.0.6/32")  # from which the proxy talks to its application
LOCALHOST = IPv4Network("127.0.0.1/32")
ALL = "*"


class What(StrEnum):
    """What a match looks at. The values are nft's words."""

    PROTOCOL = "meta l4proto"
    PORT = "th dport"
    SOURCE = "ip saddr"
    DESTINATION = "ip daddr"
    IN = "iifname"
    OUT = "oifname"
    USER = "meta skuid"
    GROUP = "meta skgid"
    MARK = "meta mark"
    STATE = "ct state"


class Owner(StrEnum):
    """By what the proxy's packets are known."""

    ID = "user and group"  # both 1337, as in Istio
    GROUP = "group"  # where the proxy must keep its user, to be able to read its files
    MARK = "mark"  # where the kernel gives us one user and group only


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Match:
    what: What
    value: str | int | IPv4Network | PortRange
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.what} {'!= ' if self.negated else ''}{self.value}"


@dataclass(frozen=True, slots=True)
class Return:
    def __str__(self) -> str:
        return "return"


@dataclass(frozen=True, slots=True)
class Jump:
    chain: str

    def __str__(self) -> str:
        return f"jump {self.chain}"


@dataclass(frozen=True, slots=True)
class Redirect:
    port: int

    def __str__(self) -> str:
        return f"redirect to :{self.port}"


@dataclass(frozen=True, slots=True)
class Accept:
    def __str__(self) -> str:
        return "accept"


@dataclass(frozen=True, slots=True)
class Drop:
    def __str__(self) -> str:
        return "drop"


Verdict = Return | Jump | Redirect | Accept | Drop


@dataclass(frozen=True, slots=True)
class Rule:
    matches: tuple[Match, ...]
    verdict: Verdict

    def __str__(self) -> str:
        return " ".join(map(str, (*self.matches, self.verdict)))


@dataclass(frozen=True, slots=True)
class Chain:
    name: str
    rules: tuple[Rule, ...]
    hook: str = ""  # prerouting, output; empty for a chain that is only jumped to
    filters: bool = False  # lets through or drops, before addresses are rewritten or after

    def __str__(self) -> str:
        return "\n".join([f"chain {self.name}", *(f"  {rule}" for rule in self.rules)])


@dataclass(frozen=True, slots=True)
class Capture:
    """What to capture. `ALL` includes everything; exclusion beats inclusion."""

    inbound_ports: tuple[int, ...] | str = ALL
    inbound_excluded: tuple[int, ...] = ()
    outbound_ports: tuple[int, ...] = ()  # captured whatever their address
    outbound_excluded: tuple[int, ...] = ()
    ranges: tuple[IPv4Network, ...] | str = ALL
    ranges_excluded: tuple[IPv4Network, ...] = field(default=())
    # Resolvers whose lookups the agent answers; ALL: whichever one is asked; none: no capture.
    name_servers: tuple[IPv4Network, ...] | str = ALL
    owner: Owner = Owner.ID


TCP = Match(What.PROTOCOL, "tcp")
UDP = Match(What.PROTOCOL, "udp")
LOOPBACK = Match(What.OUT, "lo")
NAMES = Match(What.PORT, 53)


def chains(capture: Capture) -> tuple[Chain, ...]:
    """The whole table, chains that are jumped to first."""
    return (
        Chain("istio_inbound", tuple(_inbound(capture))),
        Chain("istio_output", tuple(_outbound(capture))),
        Chain("prerouting", (Rule((TCP,), Jump("istio_inbound")),), hook="prerouting"),
        Chain("output", (Rule((), Jump("istio_output")),), hook="output"),
    )


def _inbound(capture: Capture) -> list[Rule]:
    kept = (*UNCAPTURED_PORTS, *capture.inbound_excluded)
    rules = [Rule((TCP, Match(What.PORT, port)), Return()) for port in kept]
    if isinstance(capture.inbound_ports, str):
        return [*rules, Rule((TCP,), Redirect(INBOUND_PORT))]
    return [
        *rules,
        *(
            Rule((TCP, Match(What.PORT, port)), Redirect(INBOUND_PORT))
            for port in capture.inbound_ports
        ),
    ]


def _outbound(capture: Capture) -> list[Rule]:
    rules = [Rule((TCP, Match(What.PORT, port)), Return()) for port in capture.outbound_excluded]
    rules.append(Rule((LOOPBACK, Match(What.SOURCE, INBOUND_SOURCE)), Return()))
    rules += _of_proxy(capture)
    rules += _lookups(capture)
    rules.append(Rule((Match(What.DESTINATION, LOCALHOST),), Return()))
    rules += [
        Rule((Match(What.DESTINATION, network),), Return()) for network in capture.ranges_excluded
    ]
    rules += [
        Rule((TCP, Match(What.PORT, port)), Redirect(OUTBOUND_PORT))
        for port in capture.outbound_ports
    ]
    if isinstance(capture.ranges, str):
        return [*rules, Rule((TCP,), Redirect(OUTBOUND_PORT))]
    return [
        *rules,
        *(
            Rule((TCP, Match(What.DESTINATION, network)), Redirect(OUTBOUND_PORT))
            for network in capture.ranges
        ),
    ]


def _lookups(capture: Capture) -> list[Rule]:
    """A lookup at another resolver than the pod's own was meant for that one, and gets there."""
    servers: list[tuple[Match, ...]] = [()]
    if not isinstance(capture.name_servers, str):
        servers = [(Match(What.DESTINATION, server),) for server in capture.name_servers]
    return [
        Rule((protocol, *server, NAMES), Redirect(DNS_PORT))
        for server in servers
        for protocol in (UDP, TCP)
    ]


def _of_proxy(capture: Capture) -> list[Rule]:
    """The proxy calling its own pod is captured as inbound; all else of the proxy is let through.

    What others send over loopback stays there, lookups of names excepted.
    """
    user, group = Match(What.USER, PROXY_ID), Match(What.GROUP, PROXY_ID)
    owners = {
        Owner.ID: (user, group),
        Owner.GROUP: (group,),
        Owner.MARK: (Match(What.MARK, PROXY_MARK),),
    }[capture.owner]
    rules = []
    for owner in owners:
        not_local = Match(What.DESTINATION, LOCALHOST, negated=True)
        not_tunnel = Match(What.PORT, TUNNEL_PORT, negated=True)
        other = Match(owner.what, owner.value, negated=True)
        not_names = (Match(What.PORT, 53, negated=True),) if capture.name_servers else ()
        inward = (LOOPBACK, not_local, TCP, not_tunnel, *not_names, owner)
        rules.append(Rule(inward, Redirect(INBOUND_PORT)))
        rules.append(Rule((LOOPBACK, *not_names, other), Return()))
        rules.append(Rule((owner,), Return()))
    return rules
