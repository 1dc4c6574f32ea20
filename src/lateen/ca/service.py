"""Answers `istio.v1.auth.IstioCertificateService/CreateCertificate`, whatever carries the bytes.

The names in a leaf come from the caller's credential alone; a request contributes its public key
and the time it wishes.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from google.protobuf.message import DecodeError

from lateen.base.clock import Clock
from lateen.ca.authority import Authority
from lateen.ca.errors import AuthorityError
from lateen.identity.credential import Authenticator, Credential, Peer
from lateen.identity.errors import Refused, StatusCode
from lateen.identity.signing_request import IstioCertificateRequest, IstioCertificateResponse

log = logging.getLogger(__name__)

LARGEST_REQUEST = 64 * 1024
DEFAULT_TTL_SECONDS = 24 * 3600
LONGEST_TTL_SECONDS = 90 * 24 * 3600
SMALLEST_RSA_BITS = 2048
CURVES = ("secp256r1", "secp384r1", "secp521r1")


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """How long leaves live."""

    default_ttl_seconds: int = DEFAULT_TTL_SECONDS
    longest_ttl_seconds: int = LONGEST_TTL_SECONDS


class CertificateService:
    """The service. `authority` is asked for at each call, so that a renewed one is used at once."""

    def __init__(
        self,
        authority: Callable[[], Authority],
        authenticator: Authenticator,
        clock: Clock,
        policy: SigningPolicy = SigningPolicy(),
    ) -> None:
        self._authority = authority
        self._authenticator = authenticator
        self._clock = clock
        self._policy = policy

    async def create_certificate(self, message: bytes, peer: Peer) -> bytes:
        """The serialized response; Refused with a gRPC status otherwise."""
        credential = self._authenticator.credential(peer)
        response = create_certificate(
            message, credential, self._authority(), now=self._clock(), policy=self._policy
        )
        log.info(
            "certificate issued",
            extra={"identity": str(credential.identity), "address": peer.address},
        )
        return response


def create_certificate(
    message: bytes,
    credential: Credential,
    authority: Authority,
    *,
    now: float,
    policy: SigningPolicy = SigningPolicy(),
) -> bytes:
    request = _request(message)
    _check_metadata(request)
    try:
        leaf = authority.issue(
            _public_key(request.csr),
            names(credential),
            now=now,
            ttl_seconds=_ttl_seconds(request.validity_duration, policy),
        )
    except AuthorityError as trouble:
        raise Refused(StatusCode.UNAVAILABLE, str(trouble)) from trouble
    response = IstioCertificateResponse(cert_chain=authority.chain(leaf))
    return bytes(response.SerializeToString())


def names(credential: Credential) -> list[x509.GeneralName]:
    """What a workload's leaf says: its identity, and the labels that its credential covers."""
    uri = x509.UniformResourceIdentifier(str(credential.identity))
    labels = credential.labels.dns_names() if credential.labels else ()
    return [uri, *(x509.DNSName(label) for label in labels)]


def _request(message: bytes) -> "IstioCertificateRequest":
    if len(message) > LARGEST_REQUEST:
        raise Refused(StatusCode.INVALID_ARGUMENT, "the request is too large")
    try:
        return IstioCertificateRequest.FromString(message)
    except DecodeError as wrong:
        raise Refused(
            StatusCode.INVALID_ARGUMENT, "the request is not an IstioCertificateRequest"
        ) from wrong


def _check_metadata(request: "IstioCertificateRequest") -> None:
    fields = request.metadata.fields
    if "ImpersonatedIdentity" in fields and fields["ImpersonatedIdentity"].string_value:
        raise Refused(StatusCode.PERMISSION_DENIED, "callers may only ask for their own identity")
    if "CertSigner" in fields and fields["CertSigner"].string_value:
        raise Refused(StatusCode.INVALID_ARGUMENT, "this authority has no further signers")


def _ttl_seconds(wished: int, policy: SigningPolicy) -> int:
    if wished <= 0:
        return policy.default_ttl_seconds
    if wished > policy.longest_ttl_seconds:
        raise Refused(
            StatusCode.INVALID_ARGUMENT,
            f"{wished} s is longer than the {policy.longest_ttl_seconds} s that are allowed",
        )
    return wished


def _public_key(
    csr: str,
) -> "ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey":
    """The key that the request proves to hold, if it is strong enough."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        is_signed = request.is_signature_valid
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as wrong:
        raise Refused(
            StatusCode.INVALID_ARGUMENT, "the certificate request cannot be read"
        ) from wrong
    if not is_signed:
        raise Refused(StatusCode.INVALID_ARGUMENT, "the certificate request's signature is wrong")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA_BITS:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise Refused(
        StatusCode.INVALID_ARGUMENT,
        f"the key must be P-256, P-384, P-521, Ed25519 or RSA of {SMALLEST_RSA_BITS} bits or more",
    )
