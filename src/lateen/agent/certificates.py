"""The workload's certificate: made a key here, signed by the control plane, renewed at half life.

The key is held in memory only and never leaves the workload.
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import DecodeError

from lateen.agent import control_plane
from lateen.agent.errors import AgentError, NotAccepted
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import DiscoverySettings
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.base.clock import Clock
from lateen.identity.lifetime import Lifetime
from lateen.identity.signing_request import (
    METHOD,
    IstioCertificateRequest,
    IstioCertificateResponse,
)

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 10
PROOF_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 10.0
LONGEST_FIRST_BACKOFF_SECONDS = 2.0  # the workload waits for its first certificate
SOON_SECONDS = 2.0  # within which workloads renew that must all do so at once
SHORTEST_PAUSE_SECONDS = 0.5  # between renewals, whatever lifetime the control plane grants


class CertificateClient:
    """Asks the control plane to sign, proving the workload with its token, else its certificate.

    An expired certificate is never shown: the control plane would refuse the connection itself.
    """

    def __init__(
        self,
        discovery: DiscoverySettings,
        *,
        ttl_seconds: float,
        clock: Clock,
        identity: str = "",
        roots: Callable[[], bytes] = bytes,
    ) -> None:
        self._identity = identity
        self._roots = roots
        self._clock = clock
        self._discovery = discovery
        self._ttl_seconds = ttl_seconds

    async def obtain(self, current: WorkloadCertificate | None) -> WorkloadCertificate:
        """A fresh key and its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        request = IstioCertificateRequest(
            csr=_signing_request(key, self._identity), validity_duration=int(self._ttl_seconds)
        )
        response = await self._response(request.SerializeToString(), current)
        return _certificate(key, response, self._clock())

    async def _response(self, request: bytes, current: WorkloadCertificate | None) -> bytes:
        shown = current if current is not None and current.is_valid(self._clock()) else None
        if not self._discovery.token:
            return await self._call(request, (), shown)
        try:
            return await self._call(request, control_plane.authorization(self._discovery), None)
        except NotAccepted as trouble:
            if shown is None:
                raise
            log.info("token not accepted, certificate tried", extra={"reason": str(trouble)})
            return await self._call(request, (), shown)

    async def _call(
        self,
        request: bytes,
        token: tuple[tuple[str, str], ...],
        certificate: WorkloadCertificate | None,
    ) -> bytes:
        async with control_plane.channel(self._discovery, certificate, self._roots()) as channel:
            call = channel.unary_unary(
                METHOD, request_serializer=bytes, response_deserializer=bytes
            )
            try:
                return bytes(await call(request, metadata=token, timeout=REQUEST_TIMEOUT_SECONDS))
            except grpc.aio.AioRpcError as refused:
                kind = NotAccepted if refused.code() in PROOF_REFUSED else AgentError
                raise kind(
                    f"no certificate from {self._discovery.address}: "
                    f"{refused.code().name}: {refused.details()}"
                ) from refused


class CertificateRotation:
    """Owns the certificate in force and tells `changed` of each new one."""

    def __init__(
        self,
        client: CertificateClient,
        *,
        clock: Clock,
        random: Random,
        metrics: AgentMetrics,
        changed: Callable[[WorkloadCertificate], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._changed = changed
        self._current: WorkloadCertificate | None = None
        self._wanted = asyncio.Event()

    def renew_soon(self) -> None:
        """Without waiting for half life, though not all workloads of a mesh in one moment."""
        self._wanted.set()

    def valid(self) -> WorkloadCertificate | None:
        """What may be shown now: none before the first, nor after an expiry nobody could avert."""
        current = self._current
        return current if current is not None and current.is_valid(self._clock()) else None

    async def first(self) -> WorkloadCertificate:
        """Returns once there is a certificate, however long the control plane is away."""
        return self._current or await self._renew()

    async def run(self) -> None:
        """Renews at half life, for ever. A certificate in use stays until the next is there."""
        while True:
            certificate = await self.first()
            due = certificate.lifetime.renewal(self._random)
            await self._pause(max(SHORTEST_PAUSE_SECONDS, due - self._clock()))
            await self._renew()

    async def _pause(self, seconds: float) -> None:
        self._wanted.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._random.uniform(0, SOON_SECONDS))

    async def _renew(self) -> WorkloadCertificate:
        longest = LONGEST_BACKOFF_SECONDS if self._current else LONGEST_FIRST_BACKOFF_SECONDS
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            self._metrics.certificate_requests.add()
            try:
                made = await self._client.obtain(self._current)
            except AgentError as trouble:
                self._metrics.certificate_failures.add()
                log.warning("certificate not renewed", extra={"reason": str(trouble)})
                await asyncio.sleep(backoff * self._random.uniform(0.75, 1.25))
                backoff = min(2 * backoff, longest)
                continue
            self._current = made
            self._metrics.certificate_expiry.set(made.lifetime.ends)
            log.info("certificate issued", extra={"expires": made.lifetime.ends})
            self._changed(made)
            return made


def _signing_request(key: ec.EllipticCurvePrivateKey, identity: str) -> str:
    """Names the identity, for signers that take names from requests; ours goes by the proof."""
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if identity:
        name = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)])
        request = request.add_extension(name, critical=True)
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _certificate(
    key: ec.EllipticCurvePrivateKey, response: bytes, now: float
) -> WorkloadCertificate:
    try:
        chain = list(IstioCertificateResponse.FromString(response).cert_chain)
        leaf = x509.load_pem_x509_certificate(chain[0].encode())
    except (DecodeError, ValueError, IndexError) as wrong:
        raise AgentError("the control plane's answer is not a certificate chain") from wrong
    if len(chain) < 2:
        raise AgentError("the control plane's answer lacks the root certificate")
    if leaf.public_key() != key.public_key():
        raise AgentError("the control plane's answer is for another key")
    return WorkloadCertificate(
        chain="".join(_ended(part) for part in chain[:-1]).encode(),
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        roots=_ended(chain[-1]).encode(),
        lifetime=Lifetime(now, leaf.not_valid_after_utc.timestamp()),
    )


def _ended(pem: str) -> str:
    return pem if pem.endswith("\n") else pem + "\n"
