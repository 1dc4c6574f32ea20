"""Keys at rest."""

import os
import shlex
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import KeyProtection, Passphrase, Plain, protection
from lateen.ca.settings import AuthoritySettings
from tests.unit.ca.requests import sign
from tests.unit.ca.times import Time

KEY = ec.generate_private_key(ec.SECP256R1())
KMS = """
import sys
text = sys.stdin.buffer.read()
sys.stdout.buffer.write(bytes(byte ^ 0x5A for byte in text))
sys.exit(0 if sys.argv[1] in ("encrypt", "decrypt") else 9)
"""


@pytest.fixture
def kms(tmp_path: Path) -> KeyProtection:
    script = tmp_path / "kms.py"
    script.write_text(KMS)
    return protection(kms_command=shlex.join([sys.executable, str(script)]))


def opened(folder: Path, wanted: KeyProtection) -> CertificateAuthority:
    settings = AuthoritySettings(trust_domain="cluster.local", protection=wanted)
    return CertificateAuthority(folder / "ca", settings, clock=Time())


def key_text(folder: Path) -> str:
    (file,) = (folder / "ca" / "roots").glob("*.pem")
    return file.read_text()


def test_a_passphrase_encrypts_the_key(tmp_path: Path) -> None:
    first = opened(tmp_path, Passphrase(b"long and secret"))
    assert "BEGIN ENCRYPTED PRIVATE KEY" in key_text(tmp_path)
    again = opened(tmp_path, Passphrase(b"long and secret"))
    assert sign(again, Time().now).roots == first.local.roots


@pytest.mark.parametrize("wrong", [Passphrase(b"another"), Plain()])
def test_without_the_passphrase_nothing_starts(tmp_path: Path, wrong: KeyProtection) -> None:
    opened(tmp_path, Passphrase(b"long and secret"))
    with pytest.raises(AuthorityError, match="passphrase") as found:
        opened(tmp_path, wrong)
    assert "long and secret" not in str(found.value)


def test_a_kms_command_encrypts_the_key(tmp_path: Path, kms: KeyProtection) -> None:
    first = opened(tmp_path, kms)
    assert "BEGIN LATEEN KMS ENCRYPTED KEY" in key_text(tmp_path)
    assert sign(opened(tmp_path, kms), Time().now).roots == first.local.roots


def test_a_kms_command_that_fails_is_quoted(tmp_path: Path) -> None:
    script = tmp_path / "kms.py"
    script.write_text("import sys; sys.exit('no credentials')")
    broken = protection(kms_command=shlex.join([sys.executable, str(script)]))
    with pytest.raises(AuthorityError, match="no credentials"):
        opened(tmp_path, broken)


def test_a_key_that_was_plain_is_sealed_once_there_is_a_passphrase(tmp_path: Path) -> None:
    opened(tmp_path, Plain())
    assert "BEGIN PRIVATE KEY" in key_text(tmp_path)
    opened(tmp_path, Passphrase(b"secret"))
    assert "BEGIN PRIVATE KEY" not in key_text(tmp_path)


def test_a_passphrase_comes_from_a_file_or_a_descriptor(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("secret\n")
    assert protection(passphrase_file=str(tmp_path / "words")) == Passphrase(b"secret")
    reading, writing = os.pipe()
    os.write(writing, b"secret\n")
    os.close(writing)
    assert protection(passphrase_file=f"fd:{reading}") == Passphrase(b"secret")


def test_the_passphrase_is_not_shown() -> None:
    assert "secret" not in repr(Passphrase(b"secret"))


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("\n")
    with pytest.raises(AuthorityError, match="empty"):
        protection(passphrase_file=str(tmp_path / "words"))
