"""What callers of the secure port prove themselves with: tokens, certificates bought with one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.base.clock import system_clock
from lateen.identity.labels import WorkloadLabels
from lateen.identity.signing_request import (
    METHOD,
    IstioCertificateRequest,
    IstioCertificateResponse,
)
from lateen.identity.tokens import TokenSigner, load_or_create_key
from tests.features.running_plane import ClientCertificate, RunningPlane

SERVER_NAME = "istiod.istio-system.svc"
WAIT_SECONDS = 10


def token(
    control: RunningPlane, namespace: str = "shop", *, labels: WorkloadLabels | None = None
) -> str:
    signer = TokenSigner(load_or_create_key(control.plane.settings.state), system_clock)
    return signer.mint(
        namespace=namespace, service_account="front", ttl_seconds=60, workload=labels
    )


def root(control: RunningPlane) -> bytes:
    return (control.plane.settings.state / "ca" / "trust-bundle.pem").read_bytes()


@asynccontextmanager
async def channel(
    control: RunningPlane, *, key: bytes | None = None, chain: bytes | None = None
) -> AsyncIterator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(root(control), key, chain)
    options = [("grpc.ssl_target_name_override", SERVER_NAME)]
    address = f"127.0.0.1:{control.secure_port}"
    async with grpc.aio.secure_channel(address, credentials, options) as opened:
        yield opened


async def certificate(control: RunningPlane, bearer: str) -> tuple[bytes, list[str]]:
    """A key and the chain that the authority gave for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = csr.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    request = IstioCertificateRequest(csr=signed.decode(), validity_duration=600)
    async with channel(control) as opened:
        ask = opened.unary_unary(METHOD)
        metadata = [("authorization", f"Bearer {bearer}")] if bearer else []
        answer = await ask(request.SerializeToString(), metadata=metadata, timeout=WAIT_SECONDS)
    chain = list(IstioCertificateResponse.FromString(answer).cert_chain)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, chain


async def client_certificate(control: RunningPlane) -> ClientCertificate:
    key, chain = await certificate(control, token(control))
    return ClientCertificate(key, "".join(chain[:-1]).encode(), root(control), SERVER_NAME)
