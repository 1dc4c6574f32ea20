"""The workload's certificate as files."""

from pathlib import Path

import pytest

from lateen.agent.certificate_files import CertificateFiles
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.identity.lifetime import Lifetime

CERTIFICATE = WorkloadCertificate(b"chain", b"key", b"roots", Lifetime(0, 1))


def test_key_chain_and_roots_are_private_files(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "a" / "certs")
    files.put_certificate(CERTIFICATE)
    files.put_roots(b"roots")
    found = {path.name: path for path in (tmp_path / "a" / "certs").iterdir()}
    assert {name: path.read_bytes() for name, path in found.items()} == {
        "key.pem": b"key",
        "cert-chain.pem": b"chain",
        "root-cert.pem": b"roots",
    }
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in found.values())


def test_what_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path)
    files.put_roots(b"roots")
    before = (tmp_path / "root-cert.pem").stat().st_ino
    files.put_roots(b"roots")
    assert (tmp_path / "root-cert.pem").stat().st_ino == before
    files.put_roots(b"others")
    assert (tmp_path / "root-cert.pem").read_bytes() == b"others"


def test_a_folder_that_cannot_be_written_is_said_and_survived(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    CertificateFiles(tmp_path / "file").put_roots(b"roots")
    assert "not written" in caplog.text
