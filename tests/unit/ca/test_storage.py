"""The authority's files: made, found again, plugged in, and refused when they do not fit."""

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lateen.ca import storage
from lateen.ca.authority import (
    Authority,
    hash_for,
    instant,
    key_usage,
    organisation,
    pem,
    self_signed,
)
from lateen.ca.errors import AuthorityError

NOW = 1_800_000_000.0
YEAR = 365 * 86400


def load(folder: Path, *, now: float = NOW) -> Authority:
    return storage.load_or_create(folder, trust_domain="cluster.local", clock=lambda: now)


def write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def intermediate(
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    name: str,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(organisation(name))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(instant(NOW))
        .not_valid_after(instant(NOW + YEAR))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(key_usage("key_cert_sign"), critical=True)
        .sign(issuer_key, hash_for(issuer_key))
    )


def plug_in(folder: Path) -> tuple[x509.Certificate, x509.Certificate]:
    """A root, an intermediate and a signing certificate below it, as `cacerts`."""
    folder.mkdir()
    root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    root = self_signed(root_key, organisation("company"), now=NOW, ttl_seconds=YEAR)
    middle_key = ec.generate_private_key(ec.SECP256R1())
    middle = intermediate(root, root_key, middle_key, "middle")
    key = ec.generate_private_key(ec.SECP384R1())
    signing = intermediate(middle, middle_key, key, "mesh")
    write_key(folder / "ca-key.pem", key)
    (folder / "ca-cert.pem").write_text(pem(signing))
    (folder / "cert-chain.pem").write_text(pem(signing) + pem(middle) + pem(root))
    (folder / "root-cert.pem").write_text(pem(root))
    return root, middle


def test_a_root_is_made_once(tmp_path: Path) -> None:
    first, second = load(tmp_path / "ca"), load(tmp_path / "ca")
    assert first.is_self_signed
    assert first.certificate == second.certificate


def test_the_key_is_private(tmp_path: Path) -> None:
    load(tmp_path / "ca")
    assert (tmp_path / "ca").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "ca" / "ca-key.pem").stat().st_mode & 0o777 == 0o600


def test_those_who_start_at_once_share_one_root(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load(tmp_path / "ca"), range(8)))
    assert len({authority.certificate for authority in found}) == 1


def test_an_interrupted_start_is_completed(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    key = load(folder).key
    for name in ("ca-cert.pem", "root-cert.pem", "cert-chain.pem"):
        (folder / name).unlink()
    assert load(folder).key.public_key() == key.public_key()


def test_an_old_root_is_renewed_over_the_same_key(tmp_path: Path) -> None:
    first = load(tmp_path / "ca")
    second = load(tmp_path / "ca", now=NOW + 9 * YEAR)
    assert second.certificate != first.certificate
    assert second.certificate.public_key() == first.certificate.public_key()
    assert second.certificate.subject == first.certificate.subject


def test_a_plugged_in_chain_is_served_from_leaf_to_root(tmp_path: Path) -> None:
    root, middle = plug_in(tmp_path / "ca")
    authority = load(tmp_path / "ca")
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = authority.issue(key.public_key(), [x509.DNSName("a")], now=NOW, ttl_seconds=60)
    chain = [x509.load_pem_x509_certificate(part.encode()) for part in authority.chain(leaf)]
    assert chain == [leaf, authority.certificate, middle, root]
    for child, parent in itertools.pairwise(chain):
        child.verify_directly_issued_by(parent)


def test_a_foreign_key_is_refused(tmp_path: Path) -> None:
    plug_in(tmp_path / "ca")
    write_key(tmp_path / "ca" / "ca-key.pem", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(AuthorityError, match="not the key"):
        load(tmp_path / "ca")


def test_a_chain_that_misses_its_middle_is_refused(tmp_path: Path) -> None:
    plug_in(tmp_path / "ca")
    shutil.copy(tmp_path / "ca" / "ca-cert.pem", tmp_path / "ca" / "cert-chain.pem")
    with pytest.raises(AuthorityError, match="does not continue the chain"):
        load(tmp_path / "ca")


def test_a_leaf_cannot_be_the_authority(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    authority = load(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = authority.issue(key.public_key(), [x509.DNSName("a")], now=NOW, ttl_seconds=60)
    write_key(folder / "ca-key.pem", key)
    (folder / "ca-cert.pem").write_text(pem(leaf))
    with pytest.raises(AuthorityError, match="CA:TRUE"):
        load(folder)


@pytest.mark.parametrize("name", ["ca-key.pem", "ca-cert.pem", "root-cert.pem"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    load(tmp_path / "ca")
    (tmp_path / "ca" / name).write_text("nonsense")
    with pytest.raises(AuthorityError, match=name):
        load(tmp_path / "ca")
