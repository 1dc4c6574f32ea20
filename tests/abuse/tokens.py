"""Tokens, honest and forged. Written by hand: libraries refuse to make most of these."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AUDIENCE = "reviews"


class Issuer:
    """Has one RSA key, known to the mesh by a key set in the configuration."""

    def __init__(self, name: str, *, key_id: str = "one") -> None:
        self.name, self.key_id = name, key_id
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def key_set(self) -> str:
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.key_id,
            "n": encoded(numbers.n.to_bytes(256, "big")), "e": encoded(b"\x01\x00\x01"),
        }  # fmt: skip
        return json.dumps({"keys": [key]})

    @property
    def public_pem(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Those of an honest token; None takes a claim away."""
        now = int(time.time())
        honest = {
            "iss": self.name, "sub": "somebody", "aud": AUDIENCE, "iat": now, "exp": now + 600,
            "group": "users",
        }  # fmt: skip
        return {name: v for name, v in {**honest, **changed}.items() if v is not None}

    def token(self, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_id} | (header or {})
        signed = f"{part(head)}.{part(self.claims(**changed))}"
        made = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(made)}"


def unsigned(issuer: Issuer, algorithm: str) -> str:
    head = {"alg": algorithm, "typ": "JWT", "kid": issuer.key_id}
    return f"{part(head)}.{part(issuer.claims())}."


def signed_with_the_public_key(issuer: Issuer) -> str:
    """Key confusion: an HMAC keyed with what everybody knows."""
    head = {"alg": "HS256", "typ": "JWT", "kid": issuer.key_id}
    text = f"{part(head)}.{part(issuer.claims())}"
    made = hmac.new(issuer.public_pem, text.encode(), hashlib.sha256).digest()
    return f"{text}.{encoded(made)}"


def with_other_claims(token: str, **changed: Any) -> str:
    """The signature stays as it was."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{head}.{part({**claims, **changed})}.{signature}"


def part(content: dict[str, Any]) -> str:
    return encoded(json.dumps(content).encode())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def request_authentication(issuer: Issuer) -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: tokens, namespace: app}}
spec:
  selector: {{matchLabels: {{app: reviews}}}}
  jwtRules:
  - issuer: {issuer.name}
    audiences: [{AUDIENCE}]
    jwks: '{issuer.key_set}'
    outputClaimToHeaders: [{{header: x-subject, claim: sub}}]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: tokens, namespace: istio-ingress}}
spec:
  selector: {{matchLabels: {{istio: ingressgateway}}}}
  jwtRules:
  - issuer: {issuer.name}
    audiences: [{AUDIENCE}]
    jwks: '{issuer.key_set}'
    forwardOriginalToken: true
"""
