"""Hands the rules of `rules` to the kernel's nftables, in the calling thread's network namespace.

One table, by default `ip lateen`, replaced as a whole in one transaction: either all of the new
rules hold or all of the old ones. No program is needed, only the right to configure the namespace.
"""

import socket
import struct
from collections.abc import Sequence

from lateen.intercept.netlink import (
    ACK,
    CREATE,
    NETLINK_NETFILTER,
    Message,
    attribute,
    nested,
    request,
    text,
)
from lateen.intercept.rules import (
    Accept,
    Chain,
    Drop,
    Jump,
    Match,
    PortRange,
    Redirect,
    Return,
    Rule,
    Verdict,
    What,
)

TABLE = "lateen"
SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
BATCH_BEGIN, BATCH_END = 0x10, 0x11
NEWTABLE, DELTABLE, NEWCHAIN, NEWRULE = (SUBSYSTEM << 8 | number for number in (0, 2, 3, 6))
HOOKS = {"prerouting": 0, "output": 3, "postrouting": 4}
PRIORITY = {"prerouting": -100, "output": -100, "postrouting": 100}  # dstnat, dstnat, srcnat
FILTER_PRIORITY = {"prerouting": -150, "postrouting": 150}  # outside of where addresses change
REGISTER = 1
VERDICT_REGISTER, RETURN, JUMP, DROP, ACCEPT = 0, -5, -3, 0, 1
EQUAL, NOT_EQUAL, AT_MOST, AT_LEAST = 0, 1, 3, 5
CONNECTION_STATE = 0  # NFT_CT_STATE
STATES = {"established": 2, "related": 4}  # NF_CT_STATE_BIT of the kernel
META_KEYS = {
    What.MARK: 3,
    What.IN: 6,
    What.OUT: 7,
    What.USER: 10,
    What.GROUP: 11,
    What.PROTOCOL: 16,
}
PAYLOADS = {What.SOURCE: (1, 12, 4), What.DESTINATION: (1, 16, 4), What.PORT: (2, 2, 2)}
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
INTERFACE_NAME_BYTES = 16
CODES: dict[type[Verdict], int] = {Return: RETURN, Jump: JUMP, Accept: ACCEPT, Drop: DROP}


def install(chains: Sequence[Chain], *, table: str = TABLE) -> None:
    """Replaces the table by these chains; a chain must stand after those it jumps to."""
    named = text(1, table)
    messages = [*_empty_table(table), Message(NEWTABLE, ACK | CREATE, _header() + named)]
    messages += [_chain(named, chain) for chain in chains]
    messages += [_rule(named, chain.name, rule) for chain in chains for rule in chain.rules]
    _transact(messages, "install capture rules")


def remove(*, table: str = TABLE) -> None:
    """Removes the table; no error when there is none."""
    _transact(_empty_table(table), "remove capture rules")


def _empty_table(table: str) -> list[Message]:
    named = _header() + text(1, table)  # created first, so that deleting it cannot fail
    return [Message(NEWTABLE, ACK | CREATE, named), Message(DELTABLE, ACK, named)]


def _transact(messages: list[Message], what: str) -> None:
    mark = struct.pack("=BBH", socket.AF_UNSPEC, 0, socket.htons(SUBSYSTEM))
    begin, end = Message(BATCH_BEGIN, 0, mark), Message(BATCH_END, 0, mark)
    request(NETLINK_NETFILTER, [begin, *messages, end], what)


def _header() -> bytes:
    return struct.pack("=BBH", socket.AF_INET, 0, 0)


def _number(number: int, value: int) -> bytes:
    return attribute(number, struct.pack(">i", value))


def _chain(table: bytes, chain: Chain) -> Message:
    payload = _header() + table + text(3, chain.name)
    if chain.hook:
        priority = (FILTER_PRIORITY if chain.filters else PRIORITY)[chain.hook]
        hook = (_number(1, HOOKS[chain.hook]), _number(2, priority))
        payload += nested(4, *hook) + text(7, "filter" if chain.filters else "nat")
    return Message(NEWCHAIN, ACK | CREATE, payload)


def _rule(table: bytes, chain: str, rule: Rule) -> Message:
    expressions = [part for match in rule.matches for part in _match(match)]
    expressions += _verdict(rule.verdict)
    payload = _header() + table + text(2, chain) + nested(4, *expressions)
    return Message(NEWRULE, ACK | CREATE | 0x800, payload)  # 0x800: appended


def _expression(name: str, *attributes: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, *attributes))


def _match(match: Match) -> list[bytes]:
    compared = NOT_EQUAL if match.negated else EQUAL
    if match.what in META_KEYS:
        loaded = _expression("meta", _number(1, REGISTER), _number(2, META_KEYS[match.what]))
        return [loaded, _compare(_meta_value(match), compared)]
    if match.what is What.STATE:
        return _in_state(match)
    base, offset, length = PAYLOADS[match.what]
    loaded = _expression(
        "payload", _number(1, REGISTER), _number(2, base), _number(3, offset), _number(4, length)
    )
    if isinstance(match.value, int):
        return [loaded, _compare(struct.pack(">H", match.value), compared)]
    if isinstance(match.value, PortRange):
        assert not match.negated, "a range is written as what it is, not as what it is not"
        ends = ((match.value.first, AT_LEAST), (match.value.last, AT_MOST))
        return [loaded, *(_compare(struct.pack(">H", end), how) for end, how in ends)]
    network = match.value
    assert not isinstance(network, str), "addresses are networks"
    masked = _expression(
        "bitwise",
        *(_number(1, REGISTER), _number(2, REGISTER), _number(3, length)),
        nested(4, attribute(1, network.netmask.packed)),
        nested(5, attribute(1, bytes(length))),
    )
    return [loaded, masked, _compare(network.network_address.packed, compared)]


def _in_state(match: Match) -> list[bytes]:
    """Whether the packet's connection is in any of the states, such as `established,related`."""
    wanted = sum(STATES[name] for name in str(match.value).split(","))
    loaded = _expression("ct", _number(1, REGISTER), _number(2, CONNECTION_STATE))
    masked = _expression(
        "bitwise",
        *(_number(1, REGISTER), _number(2, REGISTER), _number(3, 4)),
        nested(4, attribute(1, struct.pack("=I", wanted))),
        nested(5, attribute(1, bytes(4))),
    )
    return [loaded, masked, _compare(bytes(4), EQUAL if match.negated else NOT_EQUAL)]


def _meta_value(match: Match) -> bytes:
    if match.what is What.PROTOCOL:
        return bytes([PROTOCOLS[str(match.value)]])
    if match.what in (What.IN, What.OUT):
        return str(match.value).encode().ljust(INTERFACE_NAME_BYTES, b"\0")
    assert isinstance(match.value, int), "users, groups and marks are numbers"
    return struct.pack("=I", match.value)


def _compare(value: bytes, operator: int) -> bytes:
    return _expression(
        "cmp", _number(1, REGISTER), _number(2, operator), nested(3, attribute(1, value))
    )


def _verdict(verdict: Verdict) -> list[bytes]:
    if isinstance(verdict, Redirect):
        port = nested(2, attribute(1, struct.pack(">H", verdict.port)))
        return [
            _expression("immediate", _number(1, REGISTER), port),
            _expression("redir", _number(1, REGISTER)),
        ]
    code = [_number(1, CODES[type(verdict)])]
    if isinstance(verdict, Jump):
        code.append(text(2, verdict.chain))
    return [_expression("immediate", _number(1, VERDICT_REGISTER), nested(2, nested(2, *code)))]
