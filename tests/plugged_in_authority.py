"""A company's root, an intermediate, and below it the mesh's own signing certificate, as files."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lateen.ca.authority import (
    SigningKey,
    hash_for,
    instant,
    key_usage,
    organisation,
    pem,
    self_signed,
)

YEAR = 365 * 86400


def plug_in(folder: Path, *, now: float) -> tuple[x509.Certificate, x509.Certificate]:
    """Writes the `cacerts` layout; returns root and intermediate."""
    folder.mkdir(parents=True)
    root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    root = self_signed(root_key, organisation("company"), now=now, ttl_seconds=YEAR)
    middle_key = ec.generate_private_key(ec.SECP256R1())
    middle = _below(root, root_key, middle_key, name="middle", now=now)
    key = ec.generate_private_key(ec.SECP384R1())
    signing = _below(middle, middle_key, key, name="mesh", now=now)
    write_key(folder / "ca-key.pem", key)
    (folder / "ca-cert.pem").write_text(pem(signing))
    (folder / "cert-chain.pem").write_text(pem(signing) + pem(middle) + pem(root))
    (folder / "root-cert.pem").write_text(pem(root))
    return root, middle


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
