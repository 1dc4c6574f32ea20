"""Workload tokens: JSON web tokens that say which service account their bearer runs as.

    header   {"alg": "ES256", "typ": "JWT"}
    claims   iss, aud ["istio-ca"], sub "system:serviceaccount:<namespace>:<account>", iat, exp
             and, where the issuer knows them, "lateen.io/labels"

A token is believed only if everything about it is as this module writes it: the algorithm is never
taken from the token, and there is no clock leeway beyond LEEWAY_SECONDS.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from lateen.base.clock import Clock
from lateen.base.private_files import create_private, private_folder
from lateen.identity import spiffe
from lateen.identity.errors import IdentityError
from lateen.identity.labels import WorkloadLabels, from_claims

ISSUER = "lateen"
PROOF = "token lateen"
AUDIENCE = "istio-ca"
LABELS_CLAIM = "lateen.io/labels"
SUBJECT_PREFIX = "system:serviceaccount:"
KEY_FILE = "token-key.pem"
LARGEST_TOKEN = 8192  # bytes; ours are under 1 kB
LEEWAY_SECONDS = 5
HALF = 32  # bytes of r and of s in an ES256 signature
HEADER = {"alg": "ES256", "typ": "JWT"}


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says, once it is believed."""

    namespace: str
    service_account: str
    expires: float
    labels: WorkloadLabels | None = None
    identifier: str = ""  # of a token that may be used once
    proof: str = field(default="", compare=False)  # what kind of token it was, for the audit trail


@dataclass(frozen=True, slots=True)
class TokenSigner:
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    clock: Clock

    def mint(
        self,
        *,
        namespace: str,
        service_account: str,
        ttl_seconds: float,
        workload: WorkloadLabels | None = None,
        audience: str = AUDIENCE,
        identifier: str = "",
    ) -> str:
        now = self.clock()
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": [audience],
            "sub": f"{SUBJECT_PREFIX}{namespace}:{service_account}",
            "iat": int(now),
            "exp": int(now + ttl_seconds),
        }
        if identifier:
            claims["jti"] = identifier
        if workload is not None:
            claims[LABELS_CLAIM] = workload.claims()
        body = f"{_encoded_json(HEADER)}.{_encoded_json(claims)}"
        return f"{body}.{_encode(_sign(self.key, body.encode()))}"

    def verifier(self) -> "TokenVerifier":
        return TokenVerifier(self.key.public_key(), self.clock)


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    key: ec.EllipticCurvePublicKey
    clock: Clock
    audience: str = AUDIENCE

    async def prepare(self, token: str) -> None:
        return None

    def give_back(self, token: str) -> None:
        return None

    def verify(self, token: str, *, joins: bool = False) -> TokenClaims:
        """The token's claims; IdentityError, without the token in its text, if any part is off."""
        if len(token) > LARGEST_TOKEN:
            raise IdentityError("the token is too large")
        head, claims, signature = parts(token)
        if decoded_json(head) != HEADER:
            raise IdentityError("the token's header is not that of an ES256 workload token")
        _check_signature(self.key, f"{head}.{claims}".encode(), decode(signature))
        return _believed(decoded_json(claims), self.audience, self.clock())


def load_or_create_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The signing key of the folder (mode 0700; the key 0600), made at first use."""
    path = private_folder(folder) / KEY_FILE
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        create_private(
            path,
            made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except ValueError as wrong:
        raise IdentityError(f"{path} is not a private key: {wrong}") from wrong
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise IdentityError(f"{path} is not a P-256 key")
    return key


def _believed(claims: Mapping[str, Any], wanted: str, now: float) -> TokenClaims:
    if claims.get("iss") != ISSUER:
        raise IdentityError("the token is of another issuer")
    audience = claims.get("aud")
    if wanted not in (audience if isinstance(audience, list) else [audience]):
        raise IdentityError(f"the token is not for the audience {wanted}")
    issued, expires = _number(claims, "iat"), _number(claims, "exp")
    if now > expires + LEEWAY_SECONDS:
        raise IdentityError("the token has expired")
    if now < issued - LEEWAY_SECONDS:
        raise IdentityError("the token is issued in the future")
    namespace, account = subject(claims.get("sub"))
    identifier = claims.get("jti", "")
    carried = claims.get(LABELS_CLAIM)
    if carried is not None and not isinstance(carried, dict):
        raise IdentityError(f"the token's {LABELS_CLAIM} is not an object")
    return TokenClaims(
        namespace=namespace,
        service_account=account,
        expires=expires,
        labels=None if carried is None else from_claims(carried),
        identifier=identifier if isinstance(identifier, str) else "",
        proof=PROOF,
    )


def subject(claim: object) -> tuple[str, str]:
    """Namespace and account of a Kubernetes service account; IdentityError if it is none."""
    text = claim if isinstance(claim, str) else ""
    namespace, _, account = text.removeprefix(SUBJECT_PREFIX).partition(":")
    if not (
        text.startswith(SUBJECT_PREFIX)
        and spiffe.NAMESPACE.fullmatch(namespace)
        and spiffe.SERVICE_ACCOUNT.fullmatch(account)
    ):
        raise IdentityError("the token's subject is not a service account")
    return namespace, account


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise IdentityError(f"the token has no {name}")
    return float(value)


def parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise IdentityError("the token is not a JSON web token")
    return parts[0], parts[1], parts[2]


def _sign(key: ec.EllipticCurvePrivateKey, body: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(body, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(HALF, "big") + s.to_bytes(HALF, "big")


def _check_signature(key: ec.EllipticCurvePublicKey, body: bytes, signature: bytes) -> None:
    if len(signature) != 2 * HALF:
        raise IdentityError("the token's signature has the wrong length")
    r, s = int.from_bytes(signature[:HALF], "big"), int.from_bytes(signature[HALF:], "big")
    try:
        key.verify(encode_dss_signature(r, s), body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as wrong:
        raise IdentityError("the token's signature is wrong") from wrong


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as wrong:
        raise IdentityError("the token is not a JSON web token") from wrong


def _encoded_json(value: Mapping[str, object]) -> str:
    return _encode(json.dumps(value, separators=(",", ":"), sort_keys=True).encode())


def decoded_json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(decode(text))
    except (ValueError, RecursionError) as wrong:
        raise IdentityError("the token is not a JSON web token") from wrong
    if not isinstance(value, dict):
        raise IdentityError("the token is not a JSON web token")
    return value


def claimed(token: str) -> dict[str, Any]:
    """What a token says, unproven: for choosing who is to judge it. Empty for what is no token."""
    if len(token) > LARGEST_TOKEN:
        return {}
    try:
        return decoded_json(parts(token)[1])
    except IdentityError:
        return {}
