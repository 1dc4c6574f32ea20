"""Passes questions on to the host's resolvers, in order, until one answers.

Every question gets an id of its own, whatever id the program chose, and over UDP a port of its own:
who cannot see the question has to guess both. An answer counts only if it repeats the question.
"""

import asyncio
import secrets
import socket
import struct
from collections.abc import Sequence
from typing import cast

Server = tuple[str, int]

ID_BYTES, HEADER_BYTES, TYPE_AND_CLASS_BYTES = 2, 12, 4
QUESTIONS = slice(4, 6)  # of the header: how many there are
RESPONSE, RESULT_CODE = 0x80, 0x0F  # in its third and fourth byte


class Upstream:
    """`mark` is the SO_MARK of its sockets, by which capture leaves them alone."""

    def __init__(self, servers: Sequence[Server], *, timeout_seconds: float, mark: int = 0) -> None:
        self._mark = mark
        self._servers = tuple(servers)
        self._timeout_seconds = timeout_seconds

    async def ask(self, question: bytes, *, over_tcp: bool) -> bytes | None:
        """The first resolver's answer, as it came; None if none gives one."""
        exchange = _over_tcp if over_tcp else _over_udp
        for server in self._servers:
            own = secrets.token_bytes(ID_BYTES) + question[ID_BYTES:]
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    answer = await exchange(server, own, self._mark)
                    return question[:ID_BYTES] + answer[ID_BYTES:]
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                continue
        return None


class _Exchange(asyncio.DatagramProtocol):
    """One question on a socket of its own, so that its port is as good as random. What is no
    answer to it is left aside: the true one may still come."""

    def __init__(self, question: bytes) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._question = question

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.DatagramTransport, transport).sendto(self._question)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if answers(data, self._question) and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _over_udp(server: Server, question: bytes, mark: int) -> bytes:
    loop = asyncio.get_running_loop()
    connected = _socket(server, socket.SOCK_DGRAM, mark)
    connected.connect(server)  # never waits: UDP has no handshake
    transport, exchange = await loop.create_datagram_endpoint(
        lambda: _Exchange(question), sock=connected
    )
    try:
        return await exchange.answer
    finally:
        transport.close()


async def _over_tcp(server: Server, question: bytes, mark: int) -> bytes:
    with _socket(server, socket.SOCK_STREAM, mark) as connected:
        await asyncio.get_running_loop().sock_connect(connected, server)
        reader, writer = await asyncio.open_connection(sock=connected.dup())
    try:
        writer.write(struct.pack("!H", len(question)) + question)
        await writer.drain()
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = await reader.readexactly(length)
    finally:
        writer.close()
    if not answers(answer, question):
        raise ConnectionError(f"{server[0]} answers something else")
    return answer


def answers(data: bytes, question: bytes) -> bool:
    """Whether it is a response with the question's id that repeats the question (RFC 5452, 9).

    A failure may come without any question.
    """
    if len(data) < HEADER_BYTES or data[:ID_BYTES] != question[:ID_BYTES] or not data[2] & RESPONSE:
        return False
    asked = data[QUESTIONS]
    if asked == b"\0\0":
        return data[3] & RESULT_CODE != 0
    repeated = question[HEADER_BYTES : _end_of_question(question)].lower()
    return asked == question[QUESTIONS] and data[HEADER_BYTES:].lower().startswith(repeated)


def _end_of_question(message: bytes) -> int:
    """Of the first one, which is all that programs ask."""
    at = HEADER_BYTES
    while at < len(message) and message[at]:
        at += 1 + message[at]
    return at + 1 + TYPE_AND_CLASS_BYTES


def _socket(server: Server, kind: socket.SocketKind, mark: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    made = socket.socket(family, kind)
    made.setblocking(False)
    if mark:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    return made
