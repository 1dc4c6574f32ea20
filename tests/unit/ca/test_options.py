"""The file that chooses who signs."""

from pathlib import Path

import pytest

from lateen.ca import options
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import Passphrase
from lateen.ca.kubernetes_signer import KubernetesSigner
from lateen.ca.vault import VaultSigner

VAULT = """
vault:
  address: https://bao.example:8200
  caFile: bao.pem
  role: mesh
  auth: {method: approle, roleId: r, secretIdFile: secret-id}
"""


def read(folder: Path, text: str) -> options.AuthorityOptions:
    (folder / "authority.yaml").write_text(text)
    return options.read(folder / "authority.yaml")


def test_nothing_written_is_an_own_root(tmp_path: Path) -> None:
    found = read(tmp_path, "")
    assert found == options.AuthorityOptions()
    assert found.external(lambda: 0.0) is None
    assert found.settings("shop.org").trust_domain == "shop.org"


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, VAULT)
    assert found.vault is not None
    assert found.vault.ca_file == str(tmp_path / "bao.pem")
    assert found.vault.auth.secret_id_file == str(tmp_path / "secret-id")
    assert isinstance(found.external(lambda: 0.0), VaultSigner)


def test_lives_are_in_days_and_hours(tmp_path: Path) -> None:
    text = "{rootDays: 2, rotateRootAfterDays: 1, longestCertificateHours: 0.5}"
    found = read(tmp_path, text).settings("a")
    assert found.root_seconds == 2 * 86400
    assert found.schedule.at_age_seconds == 86400
    assert found.longest_ttl_seconds == 1800


def test_keys_are_sealed_by_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("secret\n")
    found = read(tmp_path, "passphraseFile: words").settings("a")
    assert found.protection == Passphrase(b"secret")


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    found = read(tmp_path, VAULT)
    (tmp_path / "again").write_bytes(options.encode(found))
    assert options.read(tmp_path / "again") == found


def test_kubernetes_signs_when_it_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, "kubernetes: {signerName: a.b/c, rootsFile: roots.pem}")
    assert isinstance(found.external(lambda: 0.0), KubernetesSigner)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foldr: x", "foldr"),
        ("vault: {address: a}", "role"),
        (VAULT.replace("approle", "magic"), "method"),
        ("[", "authority.yaml"),
        ("rootDays: soon", "rootDays"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AuthorityError, match=words):
        read(tmp_path, text)


def test_two_signers_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="only one"):
        read(tmp_path, "folder: x\n" + VAULT).external(lambda: 0.0)


def test_credentials_do_not_travel_in_plain(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="loopback"):
        read(tmp_path, VAULT.replace("https", "http")).external(lambda: 0.0)
