"""The authority's files: made, found again, plugged in, and refused when they do not fit."""

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca import storage
from lateen.ca.authority import Authority, pem
from lateen.ca.errors import AuthorityError
from tests.plugged_in_authority import plug_in, write_key

NOW = 1_800_000_000.0
YEAR = 365 * 86400


def load(folder: Path, *, now: float = NOW) -> Authority:
    return storage.load_or_create(folder, trust_domain="cluster.local", clock=lambda: now)


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
    root, middle = plug_in(tmp_path / "ca", now=NOW)
    authority = load(tmp_path / "ca")
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = authority.issue(key.public_key(), [x509.DNSName("a")], now=NOW, ttl_seconds=60)
    chain = [x509.load_pem_x509_certificate(part.encode()) for part in authority.chain(leaf)]
    assert chain == [leaf, authority.certificate, middle, root]
    for child, parent in itertools.pairwise(chain):
        child.verify_directly_issued_by(parent)


def test_a_foreign_key_is_refused(tmp_path: Path) -> None:
    plug_in(tmp_path / "ca", now=NOW)
    write_key(tmp_path / "ca" / "ca-key.pem", ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(AuthorityError, match="not the key"):
        load(tmp_path / "ca")


def test_a_chain_that_misses_its_middle_is_refused(tmp_path: Path) -> None:
    plug_in(tmp_path / "ca", now=NOW)
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
