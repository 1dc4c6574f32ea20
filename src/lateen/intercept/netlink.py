"""Netlink as far as a mesh needs it: messages, attributes, and requests that wait for an answer.

    request(NETLINK_ROUTE, [Message(NEWLINK, ACK | CREATE, header + text(3, "eth0"))], "add a link")

The socket is opened in the network namespace of the calling thread and closed again: nothing is
kept. All numbers of attributes are in host order unless the caller packs them otherwise.
"""

import itertools
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from lateen.intercept.errors import NetlinkError

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
REQUEST, ACK, DUMP, EXCLUSIVE, CREATE = 0x1, 0x4, 0x300, 0x200, 0x400
NLMSG_ERROR, NLMSG_DONE = 0x2, 0x3
NESTED = 0x8000
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")  # length, type
RECEIVE_BYTES = 1 << 18
TIMEOUT_SECONDS = 5.0  # the kernel answers at once; this only guards against a lost answer


@dataclass(frozen=True, slots=True)
class Message:
    type: int
    flags: int
    payload: bytes


def attribute(number: int, value: bytes) -> bytes:
    length = ATTRIBUTE.size + len(value)
    return ATTRIBUTE.pack(length, number) + value + b"\0" * (-length % 4)


def nested(number: int, *attributes: bytes) -> bytes:
    return attribute(number | NESTED, b"".join(attributes))


def text(number: int, value: str) -> bytes:
    return attribute(number, value.encode() + b"\0")


def attributes(payload: bytes) -> dict[int, bytes]:
    """The attributes in `payload`, by number without flags."""
    found, place = {}, 0
    while place + ATTRIBUTE.size <= len(payload):
        length, number = ATTRIBUTE.unpack_from(payload, place)
        if length < ATTRIBUTE.size:
            break
        found[number & 0x3FFF] = payload[place + ATTRIBUTE.size : place + length]
        place += length + (-length % 4)
    return found


def request(protocol: int, messages: Sequence[Message], what: str) -> list[Message]:
    """Sends all messages as one and waits for what answers them; returns what is no bare answer.

    Raises NetlinkError, its text beginning with `what`, when the kernel refuses one of them.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.settimeout(TIMEOUT_SECONDS)
        kernel.bind((0, 0))
        numbers = itertools.count(1)
        awaited, sent = set(), bytearray()
        for message in messages:
            number = next(numbers)
            flags = message.flags | REQUEST
            length = HEADER.size + len(message.payload)
            sent += HEADER.pack(length, message.type, flags, number, 0) + message.payload
            sent += b"\0" * (-length % 4)
            if flags & (ACK | DUMP):
                awaited.add(number)
        kernel.send(sent)
        return _answers(kernel, awaited, what)


def _answers(kernel: socket.socket, awaited: set[int], what: str) -> list[Message]:
    found = []
    while awaited:
        try:
            received = kernel.recv(RECEIVE_BYTES)
        except TimeoutError as trouble:
            raise NetlinkError(what, 0, "the kernel did not answer") from trouble
        place = 0
        while place + HEADER.size <= len(received):
            length, kind, flags, number, _ = HEADER.unpack_from(received, place)
            payload = received[place + HEADER.size : place + length]
            if kind == NLMSG_ERROR:
                code = -struct.unpack("=i", payload[:4])[0]
                if code:
                    raise NetlinkError(what, code, os.strerror(code))
                awaited.discard(number)
            elif kind == NLMSG_DONE:
                awaited.discard(number)
            else:
                found.append(Message(kind, flags, payload))
            place += length + (-length % 4)
    return found
