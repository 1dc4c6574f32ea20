"""The service's own certificate of the mesh, and the TLS of its port.

It proves itself to the control plane as every workload does, and admits callers with a certificate
of the mesh alone. Whom it believes is what it heard last: the roots that came with its certificate,
or those of the file that it was given, which `lateen up` keeps as the mesh's are.
"""

import asyncio
import logging
import os
import ssl
import tempfile
from pathlib import Path
from random import Random

from lateen.agent.certificates import CertificateClient, CertificateRotation
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import DiscoverySettings
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.base.clock import Clock
from lateen.base.metrics import Registry
from lateen.base.tasks import Tasks

log = logging.getLogger(__name__)

TTL_SECONDS = 24 * 3600.0
ROOTS_SECONDS = 2.0  # how often the file of roots is looked at


class MeshIdentity:
    """Owns the certificate and the TLS settings, which follow it when it is renewed."""

    def __init__(
        self, discovery: DiscoverySettings, *, metrics: Registry, clock: Clock, random: Random
    ) -> None:
        self._file = Path(discovery.root_cert)
        self._roots_of_file = self._read_roots()
        self._certificate: WorkloadCertificate | None = None
        self._newest: ssl.SSLContext | None = None
        self._metrics = AgentMetrics()
        metrics.read_gauge(
            "lateen_rate_limit_certificate_expiry_seconds",
            "When the service's certificate expires, in seconds since 1970.",
            lambda: self._metrics.certificate_expiry.value,
        )
        self._rotation = CertificateRotation(
            CertificateClient(discovery, ttl_seconds=TTL_SECONDS, clock=clock),
            clock=clock,
            random=random,
            metrics=self._metrics,
            changed=self._use,
        )

    async def run(self) -> None:
        """Renews the certificate at half its life, and when the roots change, for ever."""
        async with Tasks() as tasks:
            following = tasks.start(self._follow_roots(), name="roots of the mesh")
            renewing = tasks.start(self._rotation.run(), name="certificate")
            await asyncio.gather(following, renewing)

    async def first(self) -> tuple[WorkloadCertificate, ssl.SSLContext]:
        """Waits for the control plane, however long it is away. The context stays the same: each
        handshake uses the certificate and the roots of its moment."""
        certificate = await self._rotation.first()
        context = server_context(certificate, certificate.roots)
        context.sni_callback = self._use_newest
        return certificate, context

    def _use(self, certificate: WorkloadCertificate) -> None:
        self._certificate = certificate
        self._newest = server_context(certificate, certificate.roots)

    async def _follow_roots(self) -> None:
        while True:  # as long as the service runs
            await asyncio.sleep(ROOTS_SECONDS)
            roots = self._read_roots()
            if not roots or roots == self._roots_of_file or self._certificate is None:
                continue
            self._roots_of_file = roots
            try:
                self._newest = server_context(self._certificate, roots)
            except ssl.SSLError as wrong:
                reason = f"{self._file}: {wrong}"
                log.warning("roots of the mesh cannot be read", extra={"reason": reason})
                continue
            log.warning("the roots of the mesh have changed")
            self._rotation.renew_soon()

    def _read_roots(self) -> bytes:
        """Nothing while the file cannot be read: what was heard before stays."""
        try:
            return self._file.read_bytes()
        except OSError as trouble:
            reason = f"{self._file}: {trouble.strerror}"
            log.warning("roots of the mesh cannot be read", extra={"reason": reason})
            return b""

    def _use_newest(
        self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        """Called for every handshake, whether or not the client names a server."""
        connection.context = self._newest or context


def server_context(certificate: WorkloadCertificate, roots: bytes) -> ssl.SSLContext:
    """TLS 1.2 and up, HTTP/2, a client certificate required; no session is resumed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.load_verify_locations(cadata=roots.decode("ascii", errors="replace"))
    load(context, certificate)
    return context


def load(context: ssl.SSLContext, certificate: WorkloadCertificate) -> None:
    """OpenSSL reads files only: one is made, 0600, and gone when this returns."""
    handle, path = tempfile.mkstemp(prefix="lateen-rate-limit-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(certificate.key + certificate.chain)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
