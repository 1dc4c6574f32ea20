"""Answers DNS over UDP and TCP: names of the mesh from the table, others from upstream.

no table yet                          SERVFAIL: an answer now could be a wrong one
A or AAAA of a known name             authoritative, TTL 30; empty without that family
everything else                       the host's resolvers; SERVFAIL when none answers
"""

import asyncio
import logging
import struct
from random import Random
from typing import cast

from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSError, DNSRecord

from lateen.agent.address import Address
from lateen.agent.dns.table import Answer, ResolverTable
from lateen.agent.dns.upstream import Upstream
from lateen.agent.errors import AgentError
from lateen.agent.metrics import AgentMetrics
from lateen.base.tasks import Tasks

log = logging.getLogger(__name__)

TTL_SECONDS = 30
PLAIN_UDP_SIZE = 512  # bytes, without EDNS (RFC 1035)
MOST_UDP_SIZE = 4096
MOST_PENDING = 1024  # questions at once; beyond that the program asks again
TCP_IDLE_SECONDS = 10.0
MOST_CONNECTIONS = 128  # over TCP at once; more are closed unheard, and the program asks again


class Resolver:
    """Owns the table; `answer` is one question from bytes to bytes."""

    def __init__(self, upstream: Upstream, *, metrics: AgentMetrics, random: Random) -> None:
        self._upstream = upstream
        self._metrics = metrics
        self._random = random
        self.table: ResolverTable | None = None

    async def answer(self, question: bytes, *, over_tcp: bool) -> bytes | None:
        """None for what is no question: it is not answered at all."""
        try:
            request = DNSRecord.parse(question)
        except (DNSError, ValueError):
            return None
        if request.header.qr or not request.questions:
            return None
        self._metrics.dns_requests.add()
        if self.table is None:
            return _failure(request)
        kind = QTYPE[request.q.qtype]
        found = self.table.find(str(request.q.qname).rstrip("."))
        if found is None or kind not in ("A", "AAAA") or len(request.questions) > 1:
            return await self._ask_upstream(request, question, over_tcp=over_tcp)
        return _packed(self._reply(request, found, kind), request, over_tcp=over_tcp)

    def _reply(self, request: DNSRecord, found: Answer, kind: str) -> DNSRecord:
        reply = request.reply(ra=1, aa=1)
        name = request.q.qname
        if found.alias:
            reply.add_answer(RR(name, QTYPE.CNAME, ttl=TTL_SECONDS, rdata=CNAME(found.alias)))
            name = found.alias
        ips = list(found.v4 if kind == "A" else found.v6)
        self._random.shuffle(ips)
        for ip in ips:
            record = A(ip) if kind == "A" else AAAA(ip)
            reply.add_answer(RR(name, getattr(QTYPE, kind), ttl=TTL_SECONDS, rdata=record))
        return reply

    async def _ask_upstream(self, request: DNSRecord, question: bytes, *, over_tcp: bool) -> bytes:
        self._metrics.dns_upstream.add()
        answer = await self._upstream.ask(question, over_tcp=over_tcp)
        if answer is not None:
            return answer
        self._metrics.dns_failures.add()
        return _failure(request)


class DnsServer:
    """Owns the two sockets."""

    def __init__(self, resolver: Resolver, where: Address) -> None:
        self._resolver = resolver
        self._where = where
        self._tasks = Tasks()
        self._tcp: asyncio.Server | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._connections = 0

    async def start(self) -> Address:
        """Listens; returns the address it really has."""
        try:
            self._tcp = await asyncio.start_server(self._stream, self._where.host, self._where.port)
            port = self._tcp.sockets[0].getsockname()[1]
            self._udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self._resolver, self._tasks),
                local_addr=(self._where.host, port),
            )
        except OSError as taken:
            raise AgentError(f"cannot serve DNS on {self._where}: {taken.strerror}") from taken
        return Address(self._where.host, port)

    async def close(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        await self._tasks.close()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            while self._connections <= MOST_CONNECTIONS:  # until the program is done
                async with asyncio.timeout(TCP_IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    question = await reader.readexactly(length)
                answer = await self._resolver.answer(question, over_tcp=True)
                if answer is None:
                    return
                writer.write(struct.pack("!H", len(answer)) + answer)
                async with asyncio.timeout(TCP_IDLE_SECONDS):
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the program is done, or gone
        finally:
            self._connections -= 1
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver, tasks: Tasks) -> None:
        self._resolver = resolver
        self._tasks = tasks
        self._pending = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._pending < MOST_PENDING:
            self._pending += 1
            self._tasks.start(self._answer(data, addr), name="dns question")

    async def _answer(self, question: bytes, addr: tuple[str, int]) -> None:
        try:
            answer = await self._resolver.answer(question, over_tcp=False)
            if answer is not None and self._transport is not None:
                self._transport.sendto(answer, addr)
        finally:
            self._pending -= 1


def _failure(request: DNSRecord) -> bytes:
    reply = request.reply(ra=1, aa=0)
    reply.header.rcode = RCODE.SERVFAIL
    return bytes(reply.pack())


def _packed(reply: DNSRecord, request: DNSRecord, *, over_tcp: bool) -> bytes:
    """Cut to what the asker can take over UDP; it comes back over TCP for the whole."""
    packed = bytes(reply.pack())
    if over_tcp or len(packed) <= _largest(request):
        return packed
    reply.rr.clear()
    reply.header.tc = 1
    return bytes(reply.pack())


def _largest(request: DNSRecord) -> int:
    sizes = [record.rclass for record in request.ar if record.rtype == QTYPE.OPT]
    return max(PLAIN_UDP_SIZE, min(sizes[0], MOST_UDP_SIZE)) if sizes else PLAIN_UDP_SIZE
