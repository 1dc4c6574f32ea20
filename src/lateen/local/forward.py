"""Ports of this machine that lead into the mesh: a gateway's, the control plane's."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from lateen.local.errors import LocalError
from lateen.local.host import Host

CHUNK_BYTES = 1 << 16
CONNECT_SECONDS = 5.0
UNPRIVILEGED = 1024
SHIFT = 8000  # 80 becomes 8080, 443 becomes 8443 where the port itself may not be used
LOOPBACK = "127.0.0.1"


class Forward:
    """Owns one listening socket of the host. `target` is asked anew for each connection."""

    def __init__(self, listening: socket.socket, target: Callable[[], tuple[str, int]]) -> None:
        self._listening = listening
        self._target = target
        host, port = listening.getsockname()[:2]
        self.address = f"{host}:{port}"
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, sock=self._listening)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._listening.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                inner_reader, inner_writer = await asyncio.open_connection(*self._target())
        except (OSError, TimeoutError):
            writer.transport.abort()  # as a port on which nobody listens
            return
        await splice((reader, writer), (inner_reader, inner_writer))


async def splice(
    one: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    other: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Joins two connections until both have ended; closes them."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(one[0], other[1]))
            group.create_task(_copy(other[0], one[1]))
    finally:
        one[1].close()
        other[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the end, which is passed on as one half of the connection; a reset as a reset."""
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:  # ENOTCONN of a reset connection is no ConnectionError
        writer.transport.abort()


def listen(host: Host, port: int, wished: int | None = None) -> socket.socket:
    """The wished port, else the port itself, else 8000 more, else any that is free.

    A wish that cannot be fulfilled is refused, because others rely on it.
    """
    if wished is not None:
        try:
            return host.listen(LOOPBACK, wished)
        except OSError as trouble:
            reason = trouble.strerror or str(trouble)
            raise LocalError(f"port {wished} of this machine: {reason}") from trouble
    candidates = [port] if port >= UNPRIVILEGED or os.geteuid() == 0 else []
    if port < UNPRIVILEGED:
        candidates.append(port + SHIFT)
    for candidate in candidates:
        try:
            return host.listen(LOOPBACK, candidate)
        except OSError as trouble:
            if trouble.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    return host.listen(LOOPBACK, 0)
