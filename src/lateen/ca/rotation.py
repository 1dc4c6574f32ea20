"""Keeps the control plane's certificate and self-signed root young while it runs.

every hour, spread a little:   the root, renewed over the same key below 20 % of its life
at half the certificate's life: a new server certificate, for handshakes from then on
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from random import Random

from lateen.base.clock import Clock
from lateen.ca import server_certificate, storage
from lateen.ca.authority import Authority
from lateen.ca.errors import AuthorityError

log = logging.getLogger(__name__)

CHECK_SECONDS = 3600
CHECK_JITTER = 0.1


class RotatingAuthority:
    """Owns the authority in force. `current` is what signs now; `run` keeps it so."""

    def __init__(self, folder: Path, *, trust_domain: str, clock: Clock, random: Random) -> None:
        self._folder = folder
        self._trust_domain = trust_domain
        self._clock = clock
        self._random = random
        self._authority = self._load()

    def current(self) -> Authority:
        return self._authority

    async def run(self, changed: Callable[[Authority], None]) -> None:
        """Re-reads the files hourly, for ever; a file that went bad keeps the last good one."""
        while True:
            spread = self._random.uniform(1 - CHECK_JITTER, 1 + CHECK_JITTER)
            await asyncio.sleep(CHECK_SECONDS * spread)
            self.refresh(changed)

    def refresh(self, changed: Callable[[Authority], None]) -> None:
        try:
            found = self._load()
        except AuthorityError as trouble:
            log.error("authority not reloaded", extra={"reason": str(trouble)})
            return
        if found.certificate != self._authority.certificate or found.roots != self._authority.roots:
            self._authority = found
            log.info("authority changed", extra={"folder": str(self._folder)})
            changed(found)

    def _load(self) -> Authority:
        return storage.load_or_create(
            self._folder, trust_domain=self._trust_domain, clock=self._clock
        )


class ServerCertificateRotation:
    """Owns the TLS context of the control plane's port and what it presents."""

    def __init__(
        self,
        authority: Callable[[], Authority],
        *,
        clock: Clock,
        random: Random,
        dns_names: tuple[str, ...] = server_certificate.DNS_NAMES,
        addresses: tuple[str, ...] = server_certificate.ADDRESSES,
        ttl_seconds: float = server_certificate.TTL_SECONDS,
    ) -> None:
        self._authority = authority
        self._clock = clock
        self._random = random
        self._dns_names, self._addresses = dns_names, addresses
        self._ttl_seconds = ttl_seconds
        self.certificate = self._issued()
        self.context: ssl.SSLContext = server_certificate.server_context(
            authority(), self.certificate
        )

    async def run(self) -> None:
        while True:
            due = self.certificate.lifetime.renewal(self._random)
            await asyncio.sleep(max(1.0, due - self._clock()))
            self.renew()

    def renew(self) -> None:
        """A new certificate, of the authority in force, whose roots are trusted from now on too."""
        self.certificate = self._issued()
        self.context.load_verify_locations(cadata=self._authority().root_bundle)
        server_certificate.present(self.context, self.certificate)
        log.info("server certificate renewed")

    def _issued(self) -> server_certificate.ServerCertificate:
        return server_certificate.issue(
            self._authority(),
            now=self._clock(),
            dns_names=self._dns_names,
            addresses=self._addresses,
            ttl_seconds=self._ttl_seconds,
        )
