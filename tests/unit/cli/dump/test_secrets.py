import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.cli.dump import secrets

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(days: int) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.UniformResourceIdentifier("spiffe://cluster.local/ns/a/sa/b")
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(0xABC)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def entry(days: int) -> dict[str, Any]:
    chain = {"certificate_chain": {"inline_bytes": certificate(days)}}
    chain["private_key"] = {"inline_bytes": "c2VjcmV0"}
    return {"name": "default", "state": "ACTIVE", "secret": {"tls_certificate": chain}}


def test_a_certificate_says_whose_it_is_and_until_when() -> None:
    assert secrets.rows([entry(1)], now=NOW) == [
        (
            "default", "Cert Chain", "ACTIVE", "true", "abc", "2026-01-02T00:00:00Z",
            "2025-12-02T00:00:00Z", "cluster.local",
        )
    ]  # fmt: skip


def test_an_expired_certificate_is_not_valid() -> None:
    assert secrets.rows([entry(-1)], now=NOW)[0][3] == "false"


def test_a_secret_that_has_not_arrived_is_a_row_too() -> None:
    waiting = {"name": "ROOTCA", "state": "WARMING", "secret": {}}

    assert secrets.rows([waiting])[0][:4] == ("ROOTCA", "Other", "WARMING", "false")


def test_keys_are_never_shown() -> None:
    assert "c2VjcmV0" not in str(secrets.documents([entry(1)]))
