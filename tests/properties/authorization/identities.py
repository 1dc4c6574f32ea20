"""A CA, client certificates with SPIFFE names, and signed tokens, for one test run."""

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID


class Identities:
    """Writes `ca.pem`, `server.pem` and a file for each identity into the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}  # tokens by their claims
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._tokens = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
        (folder / "ca.pem").write_bytes(_pem(self._signed(self._name, self._key, None)))
        self.file("server")

    def file(self, principal: str) -> Path:
        path = self._folder / f"{principal.replace('/', '.')}.pem"
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            content = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            path.write_bytes(_pem(self._signed(x509.Name([]), key, principal)) + content)
        return path

    def client(self, principal: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if principal:
            context.load_cert_chain(self.file(principal))
        return context

    def token(self, claims: dict[str, Any]) -> str:
        text = json.dumps(claims)
        if text not in self._known:
            self._known[text] = self._token(claims)
        return self._known[text]

    def _token(self, claims: dict[str, Any]) -> str:
        head = _encoded({"alg": "ES256", "kid": "1", "typ": "JWT"})
        signed = f"{head}.{_encoded(claims)}"
        signature = self._tokens.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        both = b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(signature))
        return f"{signed}.{_base64(both)}"

    @property
    def keys(self) -> str:
        numbers = self._tokens.public_key().public_numbers()
        point = {
            name: _base64(value.to_bytes(32, "big"))
            for name, value in (("x", numbers.x), ("y", numbers.y))
        }
        return json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", **point}]})

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, principal: str | None
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(principal is None, None), critical=True)
        )
        if principal is not None:
            uri = x509.UniformResourceIdentifier(f"spiffe://{principal}")
            made = made.add_extension(x509.SubjectAlternativeName([uri]), critical=True)
        return made.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
