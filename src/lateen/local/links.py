"""Bridges, cables, addresses and routes, by netlink in the calling thread's network namespace."""

import errno
import socket
import struct
from ipaddress import IPv4Address, IPv4Interface

from lateen.intercept.errors import NetlinkError
from lateen.intercept.netlink import (
    ACK,
    CREATE,
    DUMP,
    EXCLUSIVE,
    NETLINK_ROUTE,
    Message,
    attribute,
    attributes,
    nested,
    request,
    text,
)

NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
NEWADDR, NEWROUTE = 20, 24
UP = 0x1
NAME, MASTER, LINK_INFO, NETNS_FD = 3, 10, 18, 28
KIND, KIND_DETAILS, PEER = 1, 2, 1
LINK = struct.Struct("=BxHiII")  # family, type, index, flags, change
ADDRESS = struct.Struct("=BBBBi")  # family, prefix length, flags, scope, index
ROUTE = struct.Struct("=BBBBBBBBI")
MAIN_TABLE, BY_BOOT, UNIVERSE, UNICAST = 254, 3, 0, 1


def index(name: str) -> int:
    """The link's number; 0 when there is none of that name."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def names(prefix: str) -> tuple[str, ...]:
    found = _dump_links()
    return tuple(sorted(name for name in found if name.startswith(prefix)))


def add_bridge(name: str) -> None:
    information = nested(LINK_INFO, text(KIND, "bridge"))
    _request(NEWLINK, LINK.pack(0, 0, 0, UP, UP) + text(NAME, name) + information, name)


def add_cable(name: str, *, bridge: str, inside: str, namespace: int) -> None:
    """A virtual cable from a port of the bridge to the interface `inside` in another namespace."""
    port = struct.pack("=I", index(bridge))
    far = (
        LINK.pack(0, 0, 0, 0, 0)
        + text(NAME, inside)
        + attribute(NETNS_FD, struct.pack("=I", namespace))
    )
    details = nested(KIND_DETAILS, attribute(PEER | 0x8000, far))
    information = nested(LINK_INFO, text(KIND, "veth"), details)
    payload = LINK.pack(0, 0, 0, UP, UP) + text(NAME, name) + attribute(MASTER, port)
    _request(NEWLINK, payload + information, name)


def set_up(name: str) -> None:
    payload = LINK.pack(0, 0, index(name), UP, UP)
    _one(Message(SETLINK, ACK, payload), f"set {name} up")


def add_address(name: str, address: IPv4Interface) -> None:
    packed = address.ip.packed
    head = ADDRESS.pack(socket.AF_INET, address.network.prefixlen, 0, UNIVERSE, index(name))
    _request(NEWADDR, head + attribute(2, packed) + attribute(1, packed), f"{name} {address}")


def add_default_route(gateway: IPv4Address) -> None:
    head = ROUTE.pack(socket.AF_INET, 0, 0, 0, MAIN_TABLE, BY_BOOT, UNIVERSE, UNICAST, 0)
    _request(NEWROUTE, head + attribute(5, gateway.packed), f"default route by {gateway}")


def delete(name: str) -> bool:
    """Removes a link and what hangs on it; says whether there was one."""
    found = index(name)
    if not found:
        return False
    try:
        _one(Message(DELLINK, ACK, LINK.pack(0, 0, found, 0, 0)), f"remove {name}")
    except NetlinkError as trouble:
        if trouble.number != errno.ENODEV:
            raise
    return True


def _request(kind: int, payload: bytes, what: str) -> None:
    _one(Message(kind, ACK | CREATE | EXCLUSIVE, payload), f"add {what}")


def _one(message: Message, what: str) -> None:
    request(NETLINK_ROUTE, [message], what)


def _dump_links() -> list[str]:
    asked = Message(GETLINK, DUMP, LINK.pack(0, 0, 0, 0, 0))
    found = []
    for answer in request(NETLINK_ROUTE, [asked], "list links"):
        name = attributes(answer.payload[LINK.size :]).get(NAME, b"")
        found.append(name.rstrip(b"\0").decode())
    return found
