"""Signs leaves: for workloads, whose names come from their credential, and for the control plane.

    roots  <-  intermediates  <-  certificate + key  <-  leaf

An `Authority` is the signing end of that chain at one moment; it holds no state and reads no file.
A self-signed authority is its own root and has no intermediates.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lateen.ca.errors import AuthorityError

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

BACKDATE_SECONDS = 120  # clocks of workloads run a little behind
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
CA_USAGE = ("key_cert_sign", "crl_sign", "digital_signature")
LEAF_USAGE = ("digital_signature", "key_encipherment")
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Authority:
    key: SigningKey = field(repr=False)
    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]  # between `certificate` and the root, leaf first
    roots: tuple[x509.Certificate, ...]  # what peers trust; more than one while a root changes

    @property
    def root_bundle(self) -> str:
        return "".join(pem(root) for root in self.roots)

    @property
    def is_self_signed(self) -> bool:
        return self.certificate.issuer == self.certificate.subject

    def chain(self, leaf: x509.Certificate) -> tuple[str, ...]:
        """The leaf and what connects it to the root, as PEM; the roots themselves come last."""
        return (pem(leaf), *map(pem, self.between), self.root_bundle)

    @property
    def between(self) -> tuple[x509.Certificate, ...]:
        """What connects a leaf to the roots; nothing when a root itself signs."""
        return () if self.is_self_signed else (self.certificate, *self.intermediates)

    def issue(
        self,
        public_key: CertificatePublicKeyTypes,
        names: Sequence[x509.GeneralName],
        *,
        now: float,
        ttl_seconds: float,
    ) -> x509.Certificate:
        """A leaf for both ends of TLS, never outliving the authority."""
        ends = min(instant(now + ttl_seconds), self.certificate.not_valid_after_utc)
        starts = instant(now - BACKDATE_SECONDS)
        if ends <= instant(now):
            raise AuthorityError("the certificate authority's own certificate has expired")
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(starts)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)  # no subject
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(*LEAF_USAGE), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .add_extension(authority_key(self.certificate), critical=False)
        )
        return builder.sign(self.key, hash_for(self.key))


def self_signed(
    key: SigningKey, name: x509.Name, *, now: float, ttl_seconds: float
) -> x509.Certificate:
    """A root certificate over the key."""
    public_key = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(instant(now - BACKDATE_SECONDS))
        .not_valid_after(instant(now + ttl_seconds))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(key_usage(*CA_USAGE), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    return builder.sign(key, hash_for(key))


def organisation(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])


def root_name(trust_domain: str, key: SigningKey) -> x509.Name:
    """Roots of one trust domain differ in name: lists of revoked certificates go by it."""
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()
    common = x509.NameAttribute(NameOID.COMMON_NAME, f"root {digest[:12]}")
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain), common])


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def instant(seconds: float) -> datetime.datetime:
    return EPOCH + datetime.timedelta(seconds=int(seconds))


def key_usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in names for usage in USAGES})


def hash_for(key: SigningKey) -> hashes.SHA256 | None:
    """The digest a signature by this key uses; None where the key's scheme has its own."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """How what the issuer signs names its key."""
    try:
        found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(
            issuer.public_key()  # type: ignore[arg-type]  # an issuer's key can sign
        )
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)
