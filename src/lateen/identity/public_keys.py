"""Public keys of token issuers: a JSON web key set (RFC 7517) or PEM, and what each may verify.

An algorithm belongs to the key, never to the token: an RSA key verifies RSA signatures only, a
curve one hash only, and symmetric keys are left out, so that no public key can be used as a secret.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import load_pem_x509_certificate

from lateen.identity.errors import IdentityError

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

LARGEST_SET = 1024 * 1024  # bytes
MOST_KEYS = 100
SMALLEST_RSA_BITS, LARGEST_RSA_BITS = 2048, 8192
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES: Mapping[str, tuple[ec.EllipticCurve, str]] = {
    "P-256": (ec.SECP256R1(), "ES256"),
    "P-384": (ec.SECP384R1(), "ES384"),
    "P-521": (ec.SECP521R1(), "ES512"),
}
BEGIN = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class VerificationKey:
    key: PublicKey
    algorithms: tuple[str, ...]
    identifier: str = ""  # `kid`; empty: any


def parse(content: bytes) -> tuple[VerificationKey, ...]:
    """Every usable key of a JWKS or PEM document; IdentityError when there is none."""
    if len(content) > LARGEST_SET:
        raise IdentityError(f"the key set is larger than {LARGEST_SET} bytes")
    found = tuple(_pem(content) if BEGIN in content else _jwks(content))
    if not found:
        raise IdentityError("the key set has no public key that can verify tokens")
    return found


def _jwks(content: bytes) -> Iterator[VerificationKey]:
    try:
        document = json.loads(content)
        entries = document["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as wrong:
        raise IdentityError("this is neither a JSON web key set nor PEM") from wrong
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise IdentityError(f"a key set is a list of at most {MOST_KEYS} keys")
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        key = _of_jwk(entry)
        if key is None:
            continue
        allowed = _algorithms(key)
        if "alg" in entry:
            allowed = tuple(name for name in allowed if name == entry["alg"])
        if allowed:
            yield VerificationKey(key, allowed, str(entry.get("kid", "")))


def _of_jwk(entry: Mapping[str, Any]) -> PublicKey | None:
    """None for kinds that are not used here; IdentityError for a broken one."""
    kind, curve = entry.get("kty"), str(entry.get("crv", ""))
    try:
        if kind == "RSA":
            return rsa.RSAPublicNumbers(_number(entry["e"]), _number(entry["n"])).public_key()
        if kind == "EC" and curve in CURVES:
            x, y = _number(entry["x"]), _number(entry["y"])
            return ec.EllipticCurvePublicNumbers(x, y, CURVES[curve][0]).public_key()
        if kind == "OKP" and curve == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(_decoded(entry["x"]))
    except (ValueError, KeyError, TypeError) as wrong:
        raise IdentityError(f"the key {entry.get('kid', '')!r} of the set is broken") from wrong
    return None


def _pem(content: bytes) -> Iterator[VerificationKey]:
    for block in content.split(BEGIN)[1:]:
        text = BEGIN + block
        try:
            if block.startswith(b"CERTIFICATE"):
                key: Any = load_pem_x509_certificate(text).public_key()
            else:
                key = serialization.load_pem_public_key(text)
        except ValueError as wrong:
            raise IdentityError("a PEM block holds no public key") from wrong
        allowed = _algorithms(key)
        if allowed:
            yield VerificationKey(key, allowed)


def _algorithms(key: object) -> tuple[str, ...]:
    """Empty for a key that must not verify anything."""
    if isinstance(key, rsa.RSAPublicKey):
        fits = SMALLEST_RSA_BITS <= key.key_size <= LARGEST_RSA_BITS
        return RSA_ALGORITHMS if fits else ()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return tuple(name for curve, name in CURVES.values() if curve.name == key.curve.name)
    return ("EdDSA",) if isinstance(key, ed25519.Ed25519PublicKey) else ()


def _number(text: object) -> int:
    return int.from_bytes(_decoded(text), "big")


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("not a text")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
