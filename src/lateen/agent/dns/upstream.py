"""Passes questions on to the host's resolvers, in order, until one answers."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import cast

Server = tuple[str, int]


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
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await exchange(server, question, self._mark)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                continue
        return None


class _Exchange(asyncio.DatagramProtocol):
    """One question on a socket of its own, so that its port is as good as random."""

    def __init__(self, question: bytes) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._question = question

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.DatagramTransport, transport).sendto(self._question)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[:2] == self._question[:2] and not self.answer.done():
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
        return await reader.readexactly(length)
    finally:
        writer.close()


def _socket(server: Server, kind: socket.SocketKind, mark: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    made = socket.socket(family, kind)
    made.setblocking(False)
    if mark:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    return made
