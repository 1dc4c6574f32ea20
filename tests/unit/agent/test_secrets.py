"""The secret store."""

from pathlib import Path

from lateen.agent.messages import Secret
from lateen.agent.secrets import SecretStore
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.identity.lifetime import Lifetime

CERTIFICATE = WorkloadCertificate(b"chain", b"key", b"roots", Lifetime(0, 1))


def test_a_certificate_is_a_secret() -> None:
    store = SecretStore()
    store.put_certificate(CERTIFICATE)
    found = store.find("default")
    assert found is not None
    own = Secret.FromString(found.message)
    assert own.tls_certificate.certificate_chain.inline_bytes == b"chain"
    assert own.tls_certificate.private_key.inline_bytes == b"key"


def test_equal_content_is_no_change() -> None:
    store = SecretStore()
    store.put("a", b"one")
    first = store.find("a")
    with store.watch() as changed:
        store.put("a", b"one")
        assert not changed.is_set()
        store.put("a", b"two")
        assert changed.is_set()
    assert store.find("a") != first


def test_a_secret_that_is_not_there_is_none() -> None:
    assert SecretStore().find("default") is None
    assert SecretStore().find("file-root:/no/such/file") is None


def test_files_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "chain").write_bytes(b"chain")
    (tmp_path / "key").write_bytes(b"key")
    found = SecretStore().find(f"file-cert:{tmp_path}/chain~{tmp_path}/key")
    assert found is not None
    assert Secret.FromString(found.message).tls_certificate.private_key.inline_bytes == b"key"


def test_the_hosts_trust_store_is_a_secret() -> None:
    found = SecretStore().find("file-root:system")
    assert found is not None
    assert b"BEGIN CERTIFICATE" in found.message


def test_a_certificate_does_not_show_its_key() -> None:
    assert "key" not in repr(CERTIFICATE)
