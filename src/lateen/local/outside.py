"""What pods call beyond their bridge: servers outside the mesh, and services, for plain pods.

    pod -> default route -> bridge -> redirected to this process -> the address itself, by the host
                                                                 -> a ready pod, for a ClusterIP

TCP only, in user space: nothing of the host's own routing is changed, and it works as well from
inside a user namespace.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network

from lateen.intercept import nftables
from lateen.intercept.rules import Chain, Match, Redirect, Rule, What
from lateen.local.forward import splice
from lateen.local.host import Host

SO_ORIGINAL_DST = 80
CONNECT_SECONDS = 10.0

Service = Callable[[str, int], Awaitable[tuple[str, int] | None]]


class Outside:
    """Owns the listening socket and the redirect rule of one bridge."""

    def __init__(
        self,
        host: Host,
        *,
        bridge: str,
        pods: IPv4Network,
        services: IPv4Network,
        service: Service,
    ) -> None:
        self._host, self._bridge = host, bridge
        self._pods, self._services = pods, services
        self._server: asyncio.Server | None = None
        self._service = service

    async def start(self, address: str) -> None:
        self._server = await asyncio.start_server(self._connected, address, 0)
        port = self._server.sockets[0].getsockname()[1]
        elsewhere = Match(What.DESTINATION, self._pods, negated=True)
        tcp = Match(What.PROTOCOL, "tcp")
        rule = Rule((Match(What.IN, self._bridge), elsewhere, tcp), Redirect(port))
        nftables.install((Chain("prerouting", (rule,), "prerouting"),), table=self._bridge)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            nftables.remove(table=self._bridge)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                inner = await self._connect(original_destination(writer))
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        await splice((reader, writer), inner)

    async def _connect(
        self, wanted: tuple[str, int]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if IPv4Address(wanted[0]) in self._services:
            found = await self._service(*wanted)
            if found is None:
                raise ConnectionRefusedError
            return await asyncio.open_connection(*found)
        talk = self._host.stream()
        try:
            await asyncio.get_running_loop().sock_connect(talk, wanted)
            return await asyncio.open_connection(sock=talk)
        except BaseException:
            talk.close()
            raise


def original_destination(writer: asyncio.StreamWriter) -> tuple[str, int]:
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    port, address = struct.unpack("!2xH4s8x", raw)
    return socket.inet_ntoa(address), port


def remove_rules(bridge: str) -> None:
    """Of a mesh that was killed."""
    with contextlib.suppress(OSError):
        nftables.remove(table=bridge)
