"""Attempts to get a certificate that is not the caller's, from a real control plane."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lateen.base.clock import system_clock
from lateen.identity.signing_request import (
    METHOD,
    IstioCertificateRequest,
    IstioCertificateResponse,
)
from lateen.identity.tokens import TokenSigner, load_or_create_key
from tests.abuse import tokens
from tests.abuse.planes import background_plane
from tests.features.proofs import WAIT_SECONDS, channel, token
from tests.features.running_plane import RunningPlane

OWN = "spiffe://cluster.local/ns/shop/sa/front"
BOSS = "spiffe://cluster.local/ns/shop/sa/boss"
Build = Callable[[x509.CertificateSigningRequestBuilder], x509.CertificateSigningRequestBuilder]


@pytest.fixture(scope="module")
def control() -> Iterator[RunningPlane]:
    with background_plane("") as plane:
        yield plane


def request(key: Any = None, build: Build = lambda builder: builder, digest: Any = None) -> bytes:
    made = build(x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])))
    signed = made.sign(key or ec.generate_private_key(ec.SECP256R1()), digest or hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def naming(*names: x509.GeneralName) -> Build:
    return lambda b: b.add_extension(x509.SubjectAlternativeName(names), critical=False)


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def authority(builder: x509.CertificateSigningRequestBuilder) -> Any:
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)


async def ask(
    control: RunningPlane, csr: bytes, bearer: str, *, validity: int = 600
) -> x509.Certificate:
    wanted = IstioCertificateRequest(csr=csr.decode(), validity_duration=validity)
    metadata = [("authorization", f"Bearer {bearer}")] if bearer else []
    async with channel(control) as opened:
        call = opened.unary_unary(METHOD)
        answer = await call(wanted.SerializeToString(), metadata=metadata, timeout=WAIT_SECONDS)
    chain = IstioCertificateResponse.FromString(answer).cert_chain
    return x509.load_pem_x509_certificate(chain[0].encode())


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(found.get_values_for_type(x509.UniformResourceIdentifier))


REQUESTS: dict[str, Callable[[], bytes]] = {
    "another name": lambda: request(build=naming(uri(BOSS))),
    "two names": lambda: request(build=naming(uri(OWN), uri(BOSS))),
    "a server's name": lambda: request(build=naming(x509.DNSName("istiod.istio-system.svc"))),
    "an address": lambda: request(build=naming(x509.RFC822Name("root@example.com"))),
    "an authority": lambda: request(build=authority),
    "a short key": lambda: request(rsa.generate_private_key(65537, 1024)),
    "a weak curve": lambda: request(ec.generate_private_key(ec.SECP192R1())),
    "no request": lambda: b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE",
    "nothing": lambda: b"",
    "a megabyte": lambda: request() + b"#" * 2_000_000,
}


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_not_the_callers_is_not_signed(control: RunningPlane, name: str) -> None:
    async def main() -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await ask(control, REQUESTS[name](), token(control))
        assert refusal.value.code() in (
            grpc.StatusCode.INVALID_ARGUMENT,
            grpc.StatusCode.PERMISSION_DENIED,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        )

    asyncio.run(main())


def test_a_life_of_years_is_refused(control: RunningPlane) -> None:
    async def main() -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await ask(control, request(), token(control), validity=10 * 365 * 86400)
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    asyncio.run(main())


def test_a_request_that_somebody_else_signed_is_refused(control: RunningPlane) -> None:
    """Proof of possession: the signature must be of the key that is asked for."""
    one = x509.load_pem_x509_csr(request()).public_bytes(serialization.Encoding.DER)
    broken = bytearray(one)
    broken[-5] ^= 1
    text = base64.encodebytes(bytes(broken)).decode()
    pem = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"

    async def main() -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await ask(control, pem.encode(), token(control))
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT

    asyncio.run(main())


def mint(control: RunningPlane, **changed: Any) -> str:
    signer = TokenSigner(load_or_create_key(control.plane.settings.state), system_clock)
    wanted = {"namespace": "shop", "service_account": "front", "ttl_seconds": 60} | changed
    return signer.mint(**wanted)


STRANGER = tokens.Issuer("lateen")
PROOFS: dict[str, Callable[[RunningPlane], str]] = {
    "none": lambda control: "",
    "no token": lambda control: "nonsense",
    "expired": lambda control: mint(control, ttl_seconds=-60),
    "foreign issuer": lambda control: STRANGER.token(
        sub="system:serviceaccount:shop:front", aud="istio-ca"
    ),
    "no signature": lambda control: token(control).rpartition(".")[0] + ".",
    "algorithm none": lambda control: tokens.unsigned(STRANGER, "none"),
    "other claims": lambda control: tokens.with_other_claims(
        token(control), sub="system:serviceaccount:shop:boss"
    ),
    "longer life": lambda control: tokens.with_other_claims(
        mint(control, ttl_seconds=-60), exp=4_000_000_000
    ),
    "a huge token": lambda control: "a" * 40_000,
    "two tokens": lambda control: f"{token(control)} {token(control)}",
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_bad_proof_buys_nothing(control: RunningPlane, name: str) -> None:
    async def main() -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await ask(control, request(), PROOFS[name](control))
        assert refusal.value.code() in (
            grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.PERMISSION_DENIED,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            grpc.StatusCode.UNAVAILABLE,  # closed: the headers are too large
        )

    asyncio.run(main())


def test_the_honest_caller_gets_its_own_name_and_no_other(control: RunningPlane) -> None:
    async def main() -> None:
        assert names(await ask(control, request(), token(control))) == [OWN]
        own = request(build=naming(uri(OWN)))
        assert names(await ask(control, own, token(control))) == [OWN]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("namespace", "account"),
    [("../istio-system", "istiod"), ("shop", "a/../../ns/x/sa/y"), ("shop\n", "front"),
     ("shop", "front\0"), ("", "front"), ("shop", "")],
)  # fmt: skip
def test_names_that_would_read_as_others_are_refused(
    control: RunningPlane, namespace: str, account: str
) -> None:
    async def main() -> None:
        with pytest.raises((grpc.aio.AioRpcError, ValueError)):
            await ask(
                control,
                request(),
                mint(control, namespace=namespace, service_account=account),
            )

    asyncio.run(main())
