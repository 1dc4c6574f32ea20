"""The ports of the echo application, and which protocol each connection speaks.

HTTP ports take HTTP/1.1, HTTP/2 with prior knowledge, gRPC and WebSockets: the first bytes say
which. HTTPS ports take the same over TLS and tell the name and protocol that the client asked for
in its hello. A TCP port sends every line back behind `WORKLOAD VERSION: `, so that its answer tells
who it was; with `--tcp-greeting` it speaks first, as databases do.
"""

import asyncio
import contextlib
import signal
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lateen.echo import http1, websocket
from lateen.echo.application import Application
from lateen.echo.http2 import PREFACE, Http2Connection
from lateen.echo.message import Answer, Hello, Request

BACKLOG = 1024
LINE_LIMIT = 1024 * 1024
OFFERED = ("h2", "http/1.1")  # in TLS, in the order of preference
STOP_SECONDS = 5  # how long open requests may take once it was told to stop


@dataclass(frozen=True, slots=True)
class Ports:
    """`bind` is the address to listen on; port 0 lets the system choose.

    `certificate` is a PEM file with the chain and the key that HTTPS ports use.
    """

    bind: str
    http: tuple[int, ...] = ()
    https: tuple[int, ...] = ()
    certificate: Path | None = None
    tcp: tuple[int, ...] = ()
    tcp_greeting: bool = False


class EchoServer:
    """Owns the listening sockets and knows how many requests are open."""

    def __init__(self, application: Application, ports: Ports) -> None:
        self._application, self._ports = application, ports
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.StreamWriter] = set()
        self.open_requests = 0

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Address and port of each socket, HTTP first, in the order given."""
        found = []
        for server in self._servers:
            host, port = server.sockets[0].getsockname()[:2]
            found.append((host, port))
        return tuple(found)

    async def start(self) -> None:
        for kinds, serve, tls in (
            (self._ports.http, self._serve_http, None),
            (self._ports.https, self._serve_http, _tls(self._ports)),
            (self._ports.tcp, self._serve_tcp, None),
        ):
            for port in kinds:
                self._servers.append(
                    await asyncio.start_server(
                        serve, self._ports.bind, port, backlog=BACKLOG, limit=LINE_LIMIT, ssl=tls
                    )
                )

    async def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """Takes no new connections; waits for open requests, but no longer than `seconds`."""
        self._application.stopping = True
        for server in self._servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.open_requests:
                    await asyncio.sleep(0.02)
        while self._connections:
            for writer in self._connections:
                writer.close()
            await asyncio.sleep(0)  # lets each connection's own task see the end and go

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._connection(self._http(reader, writer), writer)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._connection(self._tcp(reader, writer), writer)

    async def _connection(
        self, conversation: Coroutine[None, None, None], writer: asyncio.StreamWriter
    ) -> None:
        self._connections.add(writer)
        try:
            with contextlib.suppress(ConnectionError, ValueError, ExceptionGroup):
                await conversation
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        met = partial(replace, hello=_hello(writer))  # what each request of this connection has

        def seen(request: Request) -> dict[str, Any]:
            return self._application.seen(met(request))

        async def respond(request: Request) -> Answer:
            return await self._respond(met(request))

        first = await _first_bytes(reader)
        if first.startswith(PREFACE):
            connection = Http2Connection(reader, writer, port=port, respond=respond, seen=seen)
            await connection.serve(first)
            return
        if not first:
            return
        upgrade = await http1.serve(reader, writer, first=first, port=port, respond=respond)
        if upgrade is not None:
            told = seen(replace(upgrade.request, protocol="WebSocket"))
            await websocket.serve(reader, writer, handshake=upgrade.handshake, seen=told)

    async def _respond(self, request: Request) -> Answer:
        self.open_requests += 1
        try:
            return await self._application.answer(request)
        finally:
            self.open_requests -= 1

    async def _tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        who = self._application.identity
        prefix = f"{who.workload} {who.version}".strip().encode() + b": "
        if self._ports.tcp_greeting:
            writer.write(prefix + b"hello\n")
        while line := await reader.readline():
            writer.write(prefix + line)
            await writer.drain()


def _tls(ports: Ports) -> ssl.SSLContext | None:
    """For the HTTPS ports; notes in each connection the name that the client asked for."""
    if ports.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ports.certificate)
    context.set_alpn_protocols(list(OFFERED))

    def note(connection: Any, name: str | None, _: ssl.SSLContext) -> None:
        connection.asked_for = name or ""

    context.sni_callback = note
    return context


def _hello(writer: asyncio.StreamWriter) -> Hello | None:
    connection = writer.get_extra_info("ssl_object")
    if connection is None:
        return None
    return Hello(getattr(connection, "asked_for", ""), connection.selected_alpn_protocol() or "")


async def _first_bytes(reader: asyncio.StreamReader) -> bytes:
    """Enough to tell HTTP/2's preface from a request line; empty when nothing came."""
    first = await reader.read(http1.READ_BYTES)
    while first and len(first) < len(PREFACE) and PREFACE.startswith(first):
        more = await reader.read(http1.READ_BYTES)
        if not more:
            break
        first += more
    return first


async def run(application: Application, ports: Ports) -> None:
    """Until SIGTERM or SIGINT; a second signal ends it at once."""
    server = EchoServer(application, ports)
    await server.start()
    places = ", ".join(f"{host}:{port}" for host, port in server.addresses)
    print(f"{application.identity.workload} listens on {places}", flush=True)
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()  # for ever, unless told to stop
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    await server.stop()
