"""Keeps the control plane's certificate young, and its port's trust that of the mesh.

Handshakes use the context that is newest when they begin: OpenSSL can take roots into a context
but not out of it, so a root that is trusted no more needs another context.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from random import Random

from lateen.base.clock import Clock
from lateen.ca import server_certificate
from lateen.ca.authority import Authority

log = logging.getLogger(__name__)


class ServerCertificateRotation:
    """Owns what the port presents and whom it trusts. `context` stays the same object."""

    def __init__(
        self,
        authority: Callable[[], Authority],
        *,
        roots: Callable[[], str],
        clock: Clock,
        random: Random,
        dns_names: tuple[str, ...] = server_certificate.DNS_NAMES,
        addresses: tuple[str, ...] = server_certificate.ADDRESSES,
        ttl_seconds: float = server_certificate.TTL_SECONDS,
    ) -> None:
        self._authority = authority
        self._roots = roots
        self._clock = clock
        self._random = random
        self._dns_names, self._addresses = dns_names, addresses
        self._ttl_seconds = ttl_seconds
        self._renewed = asyncio.Event()
        self.certificate = self._issued()
        self._newest = server_certificate.server_context(roots(), self.certificate)
        self.context: ssl.SSLContext = server_certificate.server_context(roots(), self.certificate)
        self.context.sni_callback = self._use_newest

    async def run(self) -> None:
        while True:
            due = self.certificate.lifetime.renewal(self._random)
            self._renewed.clear()
            try:
                async with asyncio.timeout(max(1.0, due - self._clock())):
                    await self._renewed.wait()
            except TimeoutError:
                self.renew()

    def renew(self) -> None:
        """For handshakes from now on: a new certificate, and trust in the roots of this moment."""
        self.certificate = self._issued()
        self._newest = server_certificate.server_context(self._roots(), self.certificate)
        self._renewed.set()
        log.info("server certificate renewed")

    def _use_newest(
        self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        """Called for every handshake, whether or not the client names a server."""
        connection.context = self._newest

    def _issued(self) -> server_certificate.ServerCertificate:
        return server_certificate.issue(
            self._authority(),
            now=self._clock(),
            dns_names=self._dns_names,
            addresses=self._addresses,
            ttl_seconds=self._ttl_seconds,
        )
