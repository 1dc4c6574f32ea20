"""Certificates that no honest authority would issue, made with the key of one that is trusted."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.plugged_in_authority import Company

CLIENT = "spiffe://cluster.local/ns/app/sa/client"


@dataclass(frozen=True)
class Leaf:
    """PEM of certificate with chain, and of the key."""

    chain: bytes
    key: bytes


@dataclass(frozen=True)
class Forger:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: bytes  # PEM of the intermediates over it

    @classmethod
    def of(cls, folder: Path, signing: x509.Certificate, company: Company) -> "Forger":
        key = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(signing, key, company.middle.public_bytes(serialization.Encoding.PEM))

    @classmethod
    def stranger(cls) -> "Forger":
        """An authority that the mesh has never heard of, of the same name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "cluster.local")])
        certificate = (
            _dated(x509.CertificateBuilder().subject_name(name).issuer_name(name), 0, 3600)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key, b"")

    def leaf(
        self,
        *uris: str,
        begins: float = -60,
        ends: float = 3600,
        ca: bool = False,
        dns: tuple[str, ...] = (),
    ) -> Leaf:
        """Begin and end in seconds from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.UniformResourceIdentifier(uri) for uri in uris or (CLIENT,)]
        builder = (
            _dated(x509.CertificateBuilder(), begins, ends)
            .subject_name(x509.Name([]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([*names, *map(x509.DNSName, dns)]), critical=True
            )
        )
        signed = builder.sign(self.key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        chain = signed.public_bytes(pem) + self.certificate.public_bytes(pem) + self.above
        return Leaf(chain, _private(key))

    def below(self, leaf: Leaf, *uris: str) -> Leaf:
        """Signed by a workload's own certificate, as if that were an authority."""
        parent = x509.load_pem_x509_certificate(leaf.chain)
        key = serialization.load_pem_private_key(leaf.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        child = Forger(parent, key, leaf.chain)
        return child.leaf(*uris)


def _dated(builder: x509.CertificateBuilder, begins: float, ends: float) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(seconds=begins))
        .not_valid_after(now + timedelta(seconds=ends))
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
