"""Accepts gRPC connections on one address, keeps watch over them, and lets them go.

Plaintext is for loopback only: whoever asks for another address without TLS is refused.
"""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import os
import socket
import ssl
from dataclasses import dataclass

from lateen.base.errors import LateenError
from lateen.xds.transport.connection import Connection
from lateen.xds.transport.greeter import Refused, TlsGreeter
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.peers import Peers
from lateen.xds.transport.service import Methods

log = logging.getLogger(__name__)

BACKLOG = 4096  # a thousand proxies reconnect in the same second
WATCH_SECONDS = 5.0  # how often quiet connections are looked at
REMEDIES = {
    errno.EADDRINUSE: "something else listens there: stop it, or name another port",
    errno.EADDRNOTAVAIL: "that is no address of this machine",
    errno.EACCES: "ports below 1024 are root's; name a higher one",
}


class ListenError(LateenError):
    """The address cannot be used."""

    @classmethod
    def of(cls, address: object, trouble: OSError) -> "ListenError":
        number = trouble.errno or 0
        reason = os.strerror(number) if number else str(trouble)
        remedy = f" ({REMEDIES[number]})" if number in REMEDIES else ""
        return cls(f"cannot listen on {address}: {reason}{remedy}")


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str) -> Address:
    """`127.0.0.1:15010`, `[::1]:15010`, `:15012` (every interface)."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ListenError(f"{text!r} is not an address; write HOST:PORT, such as 127.0.0.1:15010")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def require_loopback(address: Address) -> None:
    if not address.is_loopback:
        raise ListenError(
            f"{address} is not a loopback address; plaintext xDS is served on loopback only"
        )


class Listener:
    """One listening socket and its connections. `refused` is told of TLS handshakes that failed."""

    def __init__(
        self,
        address: Address,
        methods: Methods,
        *,
        tls: ssl.SSLContext | None,
        limits: Limits,
        refused: Refused = lambda peer, reason: None,
    ) -> None:
        if tls is None:
            require_loopback(address)
        self.address = address
        self._methods = methods
        self._tls = tls
        self._limits = limits
        self._connections: dict[Connection, None] = {}
        self._peers = Peers(limits)
        self._refused = refused
        self._server: asyncio.Server | None = None
        self._greeter: TlsGreeter | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            listening = _listening_socket(self.address)
        except OSError as trouble:
            raise ListenError.of(self.address, trouble) from trouble
        name = listening.getsockname()
        self.address = Address(self.address.host, name[1])
        if self._tls is None:
            self._server = await loop.create_server(
                self._connection, sock=listening, backlog=BACKLOG
            )
        else:
            self._greeter = TlsGreeter(
                listening,
                self._tls,
                protocol=self._connection,
                limits=self._limits,
                peers=self._peers,
                refused=self._refused,
            )
            self._greeter.start()
        self._watch(loop)

    def _connection(self) -> Connection:
        return Connection(self, self._methods, self._limits)

    def admits(self, address: str, now: float) -> bool:
        """Whether one more connection of the address may come in; with TLS it was asked before."""
        return self._greeter is not None or self._peers.admits(address, now)

    def gone(self, address: str) -> None:
        """One that was admitted has ended."""
        self._peers.left(address)

    def joined(self, connection: Connection) -> None:
        self._connections[connection] = None
        self._empty.clear()

    def left(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        if not self._connections:
            self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

    async def refuse_more(self) -> None:
        """Stops accepting; present connections stay."""
        if self._server is not None:
            self._server.close()
        if self._greeter is not None:
            await self._greeter.close()

    async def stop(self, grace_seconds: float) -> None:
        """Says goodbye to every connection, waits at most `grace_seconds`, then cuts."""
        await self.refuse_more()
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._connections):
            connection.leave("the server is stopping")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._empty.wait()
        for connection in list(self._connections):
            connection.close()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drops peers that never spoke HTTP/2 and those that no longer answer."""
        now = loop.time()
        for connection in list(self._connections):
            quiet = now - connection.heard
            if not connection.greeted:
                if quiet > self._limits.preface_seconds:
                    connection.close()
            elif connection.asked:
                if quiet > self._limits.quiet_seconds + self._limits.answer_seconds:
                    log.info("peer is gone", extra={"peer": connection.peer})
                    connection.close()
                elif connection.heard > connection.asked:
                    connection.asked = 0.0
            elif quiet > self._limits.quiet_seconds:
                connection.ask(now)
        self._timer = loop.call_later(WATCH_SECONDS, self._watch, loop)


def _listening_socket(address: Address) -> socket.socket:
    host = "127.0.0.1" if address.host == "localhost" else address.host
    family = socket.AF_INET if host and ":" not in host else socket.AF_INET6
    if not host and not socket.has_dualstack_ipv6():
        family = socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not host:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((host, address.port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
