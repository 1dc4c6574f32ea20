"""Sets of files that somebody else made: read whole, or refused with the file's name."""

import itertools
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lateen.ca import plugged_in
from lateen.ca.authority import Authority, organisation, pem, self_signed
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import Passphrase
from tests.plugged_in_authority import plug_in, write_key

NOW = 1_800_000_000.0
YEAR = 365 * 86400
KEY = ec.generate_private_key(ec.SECP256R1())


def load(folder: Path, *, now: float = NOW) -> Authority:
    return plugged_in.load(folder, now=now).authority


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    plug_in(tmp_path / "ca", now=NOW)
    return tmp_path / "ca"


def test_a_plugged_in_chain_is_served_from_leaf_to_root(tmp_path: Path) -> None:
    root, middle = plug_in(tmp_path / "ca", now=NOW)
    authority = load(tmp_path / "ca")
    leaf = authority.issue(KEY.public_key(), [x509.DNSName("a")], now=NOW, ttl_seconds=60)
    chain = [x509.load_pem_x509_certificate(part.encode()) for part in authority.chain(leaf)]
    assert chain == [leaf, authority.certificate, middle, root]
    for child, parent in itertools.pairwise(chain):
        child.verify_directly_issued_by(parent)


def test_the_keys_of_a_kubernetes_tls_secret_are_read_too(folder: Path) -> None:
    before = load(folder)
    (folder / "ca-cert.pem").unlink()
    (folder / "cert-chain.pem").rename(folder / "tls.crt")
    (folder / "ca-key.pem").rename(folder / "tls.key")
    (folder / "root-cert.pem").rename(folder / "ca.crt")
    assert load(folder).chain(before.certificate) == before.chain(before.certificate)


def test_several_roots_are_all_trusted(folder: Path) -> None:
    other = self_signed(KEY, organisation("other"), now=NOW, ttl_seconds=YEAR)
    with (folder / "root-cert.pem").open("a") as file:
        file.write(pem(other))
    assert other in load(folder).roots
    assert len(load(folder).roots) == 2


def test_a_foreign_key_is_refused(folder: Path) -> None:
    write_key(folder / "ca-key.pem", KEY)
    with pytest.raises(AuthorityError, match="not the key"):
        load(folder)


def test_a_chain_that_misses_its_middle_is_refused(folder: Path) -> None:
    shutil.copy(folder / "ca-cert.pem", folder / "cert-chain.pem")
    with pytest.raises(AuthorityError, match="does not continue the chain"):
        load(folder)


def test_a_leaf_cannot_be_the_authority(folder: Path) -> None:
    leaf = load(folder).issue(KEY.public_key(), [x509.DNSName("a")], now=NOW, ttl_seconds=60)
    write_key(folder / "ca-key.pem", KEY)
    (folder / "ca-cert.pem").write_text(pem(leaf))
    with pytest.raises(AuthorityError, match="CA:TRUE"):
        load(folder)


def test_an_authority_with_a_weak_key_is_refused(folder: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    root = self_signed(weak, organisation("weak"), now=NOW, ttl_seconds=YEAR)
    write_key(folder / "ca-key.pem", weak)
    for name in ("ca-cert.pem", "root-cert.pem", "cert-chain.pem"):
        (folder / name).write_text(pem(root))
    with pytest.raises(AuthorityError, match="1024 bits"):
        load(folder)


def test_a_key_may_be_encrypted(folder: Path) -> None:
    plain = load(folder)
    sealed = Passphrase(b"secret")
    (folder / "ca-key.pem").write_bytes(sealed.sealed(plain.key))
    opened = plugged_in.load(folder, now=NOW, protection=sealed).authority
    assert opened.key.public_key() == plain.key.public_key()
    with pytest.raises(AuthorityError, match="is encrypted"):
        load(folder)


def test_an_expired_authority_is_refused(folder: Path) -> None:
    with pytest.raises(AuthorityError, match="expired"):
        load(folder, now=NOW + 2 * YEAR)


@pytest.mark.parametrize("name", ["ca-key.pem", "ca-cert.pem", "root-cert.pem", "cert-chain.pem"])
def test_a_damaged_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("nonsense")
    with pytest.raises(AuthorityError, match=name):
        load(folder)


def test_a_damaged_revocation_list_is_named(folder: Path) -> None:
    (folder / "ca-crl.pem").write_text("nonsense")
    with pytest.raises(AuthorityError, match=r"ca-crl\.pem"):
        load(folder)
