"""Passes questions on to the host's resolvers, in order, until one answers."""

import asyncio
import struct
from collections.abc import Sequence
from typing import cast

Server = tuple[str, int]


class Upstream:
    def __init__(self, servers: Sequence[Server], *, timeout_seconds: float) -> None:
        self._servers = tuple(servers)
        self._timeout_seconds = timeout_seconds

    async def ask(self, question: bytes, *, over_tcp: bool) -> bytes | None:
        """The first resolver's answer, as it came; None if none gives one."""
        exchange = _over_tcp if over_tcp else _over_udp
        for server in self._servers:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await exchange(server, question)
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


async def _over_udp(server: Server, question: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_datagram_endpoint(
        lambda: _Exchange(question), remote_addr=server
    )
    try:
        return await exchange.answer
    finally:
        transport.close()


async def _over_tcp(server: Server, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(struct.pack("!H", len(question)) + question)
        await writer.drain()
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(length)
    finally:
        writer.close()
