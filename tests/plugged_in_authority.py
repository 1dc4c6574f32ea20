"""A company's root, an intermediate, and below it the mesh's own signing certificate, as files."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lateen.ca.authority import (
    Authority,
    SigningKey,
    hash_for,
    instant,
    key_usage,
    organisation,
    pem,
    self_signed,
)

YEAR = 365 * 86400


class Company:
    """Has a root and an intermediate, and makes signing certificates for its meshes."""

    def __init__(self, *, now: float) -> None:
        self.now = now
        root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.root = self_signed(root_key, organisation("company"), now=now, ttl_seconds=YEAR)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.middle = _below(self.root, root_key, self._key, name="middle", now=now)

    def authority(self) -> Authority:
        """What its own intermediate signs with."""
        return Authority(self._key, self.middle, (), (self.root,))

    def plug_in(self, folder: Path) -> x509.Certificate:
        """Writes a new signing certificate in the `cacerts` layout; returns it."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP384R1())
        signing = _below(self.middle, self._key, key, name="mesh", now=self.now)
        above = pem(self.middle) + pem(self.root)
        write_key(folder / "ca-key.pem", key)
        (folder / "ca-cert.pem").write_text(pem(signing))
        (folder / "cert-chain.pem").write_text(pem(signing) + above)
        (folder / "root-cert.pem").write_text(pem(self.root))
        return signing


def plug_in(folder: Path, *, now: float) -> tuple[x509.Certificate, x509.Certificate]:
    """Writes the `cacerts` layout of a new company; returns root and intermediate."""
    company = Company(now=now)
    company.plug_in(folder)
    return company.root, company.middle


def write_key(path: Path, key: SigningKey) -> None:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _below(
    issuer: x509.Certificate, issuer_key: SigningKey, key: SigningKey, *, name: str, now: float
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(organisation(name))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(instant(now - 60))
        .not_valid_after(instant(now + YEAR))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(key_usage("key_cert_sign"), critical=True)
        .sign(issuer_key, hash_for(issuer_key))
    )
