"""The service's own certificate of the mesh, and the TLS of its port.

It proves itself to the control plane as every workload does, and admits callers with a certificate
of the mesh alone.
"""

import os
import ssl
import tempfile
from random import Random

from lateen.agent.certificates import CertificateClient, CertificateRotation
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import DiscoverySettings
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.base.clock import Clock
from lateen.base.metrics import Registry

TTL_SECONDS = 24 * 3600.0


class MeshIdentity:
    """Owns the certificate and the TLS settings, which follow it when it is renewed."""

    def __init__(
        self, discovery: DiscoverySettings, *, metrics: Registry, clock: Clock, random: Random
    ) -> None:
        self.context: ssl.SSLContext | None = None
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
            changed=self._present,
        )

    async def run(self) -> None:
        """Renews the certificate at half its life, for ever."""
        await self._rotation.run()

    async def first(self) -> tuple[WorkloadCertificate, ssl.SSLContext]:
        """Waits for the control plane, however long it is away."""
        certificate = await self._rotation.first()
        assert self.context is not None, "made with the first certificate"
        return certificate, self.context

    def _present(self, certificate: WorkloadCertificate) -> None:
        """From now on; connections that are open keep what they have."""
        if self.context is None:
            self.context = server_context()
        self.context.load_verify_locations(cadata=certificate.roots.decode())
        load(self.context, certificate)


def server_context() -> ssl.SSLContext:
    """TLS 1.2 and up, HTTP/2, a client certificate required; no session is resumed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
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
