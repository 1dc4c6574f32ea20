"""Accepts TLS connections one by one, so that what fails before a connection exists is known too.

    accept -> address within its limits? -> handshake, in bounded time and number -> Connection
                     | no: closed unheard         | fails: closed, told with the reason

A certificate that is not of our roots fails here: OpenSSL refuses it before anything is asked.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

from lateen.base.tasks import Tasks
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.peers import Peers

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.1  # when there are no descriptors left; connections wait in the backlog
Refused = Callable[[str, str], None]  # peer, reason


class TlsGreeter:
    """Owns the listening socket from `start` until `close`."""

    def __init__(
        self,
        listening: socket.socket,
        tls: ssl.SSLContext,
        *,
        protocol: Callable[[], asyncio.Protocol],
        limits: Limits,
        peers: Peers,
        refused: Refused,
    ) -> None:
        self._listening, self._tls, self._protocol = listening, tls, protocol
        self._limits, self._peers, self._refused = limits, peers, refused
        self._room = asyncio.Semaphore(limits.handshakes)
        self._tasks = Tasks()

    def start(self) -> None:
        self._tasks.start(self._accept(), name="accepting connections")

    async def close(self) -> None:
        await self._tasks.close()
        self._listening.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:  # until it is closed
            await self._room.acquire()
            try:
                accepted, address = await loop.sock_accept(self._listening)
            except OSError as trouble:
                self._room.release()
                log.error("connection not accepted", extra={"reason": trouble.strerror})
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if self._peers.admits(address[0], loop.time()):
                self._tasks.start(self._greet(accepted, address), name="handshake")
            else:
                accepted.close()
                self._room.release()

    async def _greet(self, accepted: socket.socket, address: tuple[Any, ...]) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._protocol,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=self._limits.preface_seconds,
            )
        except (OSError, TimeoutError) as trouble:  # ssl.SSLError is an OSError
            self._peers.left(address[0])
            with contextlib.suppress(OSError):
                accepted.close()
            self._refused(f"{address[0]}:{address[1]}", why(trouble))
        finally:
            self._room.release()


def why(trouble: OSError | TimeoutError) -> str:
    """The reason of a handshake that failed, without library internals."""
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return f"the client certificate is not believed: {trouble.verify_message}"
    if isinstance(trouble, ssl.SSLError):
        return f"no TLS handshake: {trouble.reason or trouble}"
    return f"no TLS handshake: {str(trouble) or type(trouble).__name__}"
