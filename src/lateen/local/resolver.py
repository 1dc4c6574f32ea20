"""Names outside the mesh, asked for by pods, answered by the resolvers of this machine.

Proxied applications ask their agent, who knows the mesh's names; proxies, gateways and plain pods
ask here. Names of the mesh's domain are answered from its Services and never passed on; all other
questions go out as they are.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast

from dnslib import CNAME, QTYPE, RR, A, DNSError, DNSRecord

from lateen.base.tasks import Tasks
from lateen.local.host import Host

TIMEOUT_SECONDS = 5.0
HEADER_BYTES = 12
FORMAT_ERROR, SERVER_FAILURE, NAME_ERROR = 1, 2, 3
TTL_SECONDS = 5
OPEN_QUESTIONS = 256  # more are dropped, and asked again by whoever asked


Names = Callable[[str], Awaitable[tuple[str, ...] | None]]  # addresses of a name; None: unknown
Aliases = Callable[[str], str]  # the other name of an ExternalName Service; empty: none
MOST_ALIASES = 8  # one after the other; more are a circle


def host_resolvers(path: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    found = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return tuple(server for server in found if ":" not in server)


class Resolver:
    """Owns its sockets inside the mesh; those to the outside live as long as one question."""

    def __init__(
        self,
        host: Host,
        servers: Sequence[str],
        *,
        domain: str,
        names: Names | None = None,
        aliases: Aliases = lambda name: "",
    ) -> None:
        self._host, self._servers = host, tuple(servers)
        self._own = b"".join(_label(part) for part in domain.split(".")) + b"\0"
        self.names: Names = names or _no_names
        self._aliases = aliases
        self._tasks = Tasks()
        self._open = 0
        self._transports: list[asyncio.DatagramTransport] = []

    async def listen(self, address: str, ports: Sequence[int]) -> None:
        loop = asyncio.get_running_loop()
        for port in ports:
            made, _ = await loop.create_datagram_endpoint(
                lambda: _Port(self), local_addr=(address, port)
            )
            self._transports.append(made)

    async def close(self) -> None:
        for transport in self._transports:
            transport.close()
        await self._tasks.close()

    def ask(self, question: bytes, reply: "_Port", asker: tuple[str, int]) -> None:
        if len(question) < HEADER_BYTES or self._open >= OPEN_QUESTIONS:
            return
        self._open += 1
        self._tasks.start(self._answer(question, reply, asker), name="name lookup")

    async def _answer(self, question: bytes, reply: "_Port", asker: tuple[str, int]) -> None:
        try:
            reply.send(await self._lookup(question), asker)
        finally:
            self._open -= 1

    async def _lookup(self, question: bytes, aliases: int = 0) -> bytes:
        if self._own in question.lower():
            return await self._own_answer(question, aliases)
        for server in self._servers:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    return await _exchange(self._host.datagram(), question, server)
        return _failure(question, SERVER_FAILURE)

    async def _own_answer(self, question: bytes, aliases: int) -> bytes:
        try:
            asked = DNSRecord.parse(question)
        except DNSError:
            return _failure(question, FORMAT_ERROR)
        name = str(asked.q.qname).rstrip(".").lower()
        target = self._aliases(name)
        if target:
            return await self._of_alias(asked, target, aliases)
        addresses = await self.names(name)
        if addresses is None:
            return _failure(question, NAME_ERROR)
        reply = asked.reply()
        if asked.q.qtype in (QTYPE.A, QTYPE.ANY):
            for address in addresses:
                reply.add_answer(RR(asked.q.qname, QTYPE.A, ttl=TTL_SECONDS, rdata=A(address)))
        packed: bytes = reply.pack()
        return packed

    async def _of_alias(self, asked: DNSRecord, target: str, aliases: int) -> bytes:
        """The alias, and what is known of its target."""
        reply = asked.reply()
        name = asked.q.qname
        reply.add_answer(RR(name, QTYPE.CNAME, ttl=TTL_SECONDS, rdata=CNAME(target)))
        if aliases < MOST_ALIASES:
            kind = QTYPE.get(asked.q.qtype)
            inner = DNSRecord.question(target, kind)
            with contextlib.suppress(DNSError):
                found = DNSRecord.parse(await self._lookup(inner.pack(), aliases + 1))
                reply.header.rcode = found.header.rcode
                reply.add_answer(*found.rr)
        packed: bytes = reply.pack()
        return packed


class _Port(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._resolver.ask(data, self, addr)

    def send(self, answer: bytes, asker: tuple[str, int]) -> None:
        if self._transport is not None:
            self._transport.sendto(answer, asker)


async def _exchange(outside: socket.socket, question: bytes, server: str) -> bytes:
    loop = asyncio.get_running_loop()
    with outside:
        await loop.sock_connect(outside, (server, 53))
        await loop.sock_sendall(outside, question)
        while True:  # until the caller's timeout
            answer = await loop.sock_recv(outside, 65535)
            if answer[:2] == question[:2]:
                return answer


def _failure(question: bytes, code: int) -> bytes:
    """The question, marked as answered with this code."""
    flags = bytes([question[2] | 0x80, 0x80 | code])
    counts = question[4:6] + b"\0" * 6
    end = question.find(b"\0", HEADER_BYTES) + 5  # name, type and class of the one question
    return question[:2] + flags + counts + question[HEADER_BYTES:end]


async def _no_names(name: str) -> tuple[str, ...] | None:
    return None


def _label(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()
