"""Which certificate requests are signed: the caller's own name at most, a strong key, a short life.

What a request asks for besides its key never gets into the leaf. A request that asks for more than
its caller has is refused all the same, and not just ignored: somebody is trying, or misconfigured.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lateen.identity import spiffe
from lateen.identity.credential import Credential
from lateen.identity.errors import IdentityError, Refused, StatusCode

DEFAULT_TTL_SECONDS = 24 * 3600
LONGEST_TTL_SECONDS = 90 * 24 * 3600
SMALLEST_RSA_BITS = 2048
LARGEST_RSA_BITS = 8192  # larger ones cost a verification of many milliseconds
CURVES = ("secp256r1", "secp384r1", "secp521r1")
DIGESTS = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
PURPOSES = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """How long leaves live, and under which other names the trust domain is known."""

    default_ttl_seconds: int = DEFAULT_TTL_SECONDS
    longest_ttl_seconds: int = LONGEST_TTL_SECONDS
    trust_domains: tuple[str, ...] = ()


def public_key(csr: str, credential: Credential, policy: SigningPolicy) -> PublicKey:
    """The key that the request proves to hold; Refused (INVALID_ARGUMENT, or PERMISSION_DENIED
    where it asks for what is not its caller's)."""
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        digest = request.signature_hash_algorithm
        is_signed = request.is_signature_valid
        key = request.public_key()
        extensions = request.extensions
    except (ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType) as wrong:
        raise _invalid("the certificate request cannot be read") from wrong
    if not is_signed:
        raise _invalid("the certificate request's signature is wrong")
    if digest is not None and not isinstance(digest, DIGESTS):
        raise _invalid(f"the certificate request is signed with {digest.name}, which is too weak")
    found = _strong(key)
    for extension in extensions:
        _check_extension(extension.value, credential, policy)
    return found


def ttl_seconds(wished: int, policy: SigningPolicy) -> int:
    if wished <= 0:
        return policy.default_ttl_seconds
    if wished > policy.longest_ttl_seconds:
        raise _invalid(
            f"{wished} s is longer than the {policy.longest_ttl_seconds} s that are allowed"
        )
    return wished


def names(credential: Credential) -> tuple[x509.GeneralName, ...]:
    """What a workload's leaf says: its identity, and the labels that its credential covers."""
    uri = x509.UniformResourceIdentifier(str(credential.identity))
    return (uri, *(x509.DNSName(label) for label in _labels(credential)))


def _labels(credential: Credential) -> tuple[str, ...]:
    return credential.labels.dns_names() if credential.labels else ()


def _strong(key: object) -> PublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    if isinstance(key, rsa.RSAPublicKey) and SMALLEST_RSA_BITS <= key.key_size <= LARGEST_RSA_BITS:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise _invalid(
        "the key must be P-256, P-384, P-521, Ed25519 or RSA of "
        f"{SMALLEST_RSA_BITS} to {LARGEST_RSA_BITS} bits"
    )


def _check_extension(value: object, credential: Credential, policy: SigningPolicy) -> None:
    if isinstance(value, x509.SubjectAlternativeName):
        _check_names(value, credential, policy)
    elif isinstance(value, x509.BasicConstraints) and value.ca:
        raise _denied("an authority's certificate (CA:TRUE)")
    elif isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
        raise _denied("the right to sign certificates")
    elif isinstance(value, x509.ExtendedKeyUsage) and not set(value) <= PURPOSES:
        raise _denied("a purpose other than TLS client and server")


def _check_names(
    wished: Iterable[x509.GeneralName], credential: Credential, policy: SigningPolicy
) -> None:
    uris = 0
    for name in wished:
        is_uri = isinstance(name, x509.UniformResourceIdentifier)
        if is_uri and _is_own(str(name.value), credential, policy):
            uris += 1
        elif not (isinstance(name, x509.DNSName) and name.value in _labels(credential)):
            raise _denied(f"the name {str(name.value)[:200]!r}")
    if uris > 1:
        raise _denied("more than one identity")


def _is_own(uri: str, credential: Credential, policy: SigningPolicy) -> bool:
    """The caller's identity, also as one of the aliases of the trust domain spells it."""
    own = credential.identity
    try:
        asked = spiffe.parse(uri)
    except IdentityError:
        return False
    return (asked.namespace, asked.service_account) == (
        own.namespace,
        own.service_account,
    ) and asked.trust_domain in (own.trust_domain, *policy.trust_domains)


def _invalid(reason: str) -> Refused:
    return Refused(StatusCode.INVALID_ARGUMENT, reason)


def _denied(what: str) -> Refused:
    return Refused(
        StatusCode.PERMISSION_DENIED,
        f"the certificate request asks for {what}; only the caller's own identity is signed",
    )
