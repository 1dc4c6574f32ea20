"""What was fetched, read with suspicion: sets of public keys, and documents of discovery. Pure.

Of a set only public keys of kinds that Envoy verifies with are handed on, each stripped to the
fields that matter. Symmetric keys (`oct`) are dropped: a secret that anybody can fetch would let
anybody sign, and with public keys beside it invites the confusion of one for the other.
"""

import base64
import binascii
import json
from typing import Any
from urllib.parse import urlsplit

from lateen.jwks.errors import KeyFetchError

MOST_KEYS = 100
FIELDS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
CURVES = {"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519",)}
NUMBERS = ("n", "e", "x", "y")
NAMES = ("kid", "alg", "use")
LEAST_MODULUS_BYTES = 128  # 1024 bits; less can be factored by anyone


def read_keys(content: bytes) -> str:
    """The keys as canonical JSON: equal keys are equal text. Raises KeyFetchError.

    A set that is empty is one: its issuer has withdrawn all keys.
    """
    document = _object(content, "a set of keys")
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise KeyFetchError('the answer is not a set of keys: it has no list "keys"')
    if len(keys) > MOST_KEYS:
        raise KeyFetchError(f"the set has {len(keys)} keys; at most {MOST_KEYS} are taken")
    found = [key for key in map(_public_key, keys) if key is not None]
    if keys and not found:
        raise KeyFetchError("none of the keys is a public RSA, EC or Ed25519 key for signatures")
    return json.dumps({"keys": found}, sort_keys=True, separators=(",", ":"))


def verifies_anything(keys: str) -> bool:
    """Whether some key of a set can verify a signature; a shared secret can, where it is written.

    Envoy refuses a filter whose sets hold no such key.
    """
    try:
        found = json.loads(keys)["keys"]
        return any(_public_key(key) is not None or _is_secret(key) for key in found)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def read_discovery(content: bytes, issuer: str) -> str:
    """The URI of the issuer's keys (OpenID Connect Discovery 1.0, section 4.3)."""
    document = _object(content, "a discovery document")
    named = document.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer.rstrip("/"):
        raise KeyFetchError("the discovery document is of another issuer")
    uri = document.get("jwks_uri")
    if not isinstance(uri, str) or not uri:
        raise KeyFetchError("the discovery document names no jwks_uri")
    if urlsplit(issuer).scheme == "https" and urlsplit(uri).scheme != "https":
        raise KeyFetchError("the discovery document came by https and names keys without it")
    return uri


def discovery_url(issuer: str) -> str:
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _object(content: bytes, wanted: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as wrong:
        raise KeyFetchError(f"the answer is not {wanted}: it is not JSON") from wrong
    if not isinstance(document, dict):
        raise KeyFetchError(f"the answer is not {wanted}: it is not a JSON object")
    return document


def _public_key(key: Any) -> dict[str, str] | None:
    """None: no key that could verify a signature."""
    if not isinstance(key, dict):
        return None
    kind = key.get("kty")
    if not isinstance(kind, str) or kind not in FIELDS or key.get("use", "sig") != "sig":
        return None
    needed = {name: key.get(name) for name in FIELDS[kind]}
    if not all(isinstance(value, str) for value in needed.values()):
        return None
    made: dict[str, str] = {"kty": kind} | {name: str(value) for name, value in needed.items()}
    if kind in CURVES and made["crv"] not in CURVES[kind]:
        return None
    sizes = {name: _size(made[name]) for name in NUMBERS if name in made}
    if not all(sizes.values()) or sizes.get("n", LEAST_MODULUS_BYTES) < LEAST_MODULUS_BYTES:
        return None
    return made | {name: key[name] for name in NAMES if isinstance(key.get(name), str)}


def _is_secret(key: Any) -> bool:
    is_one = isinstance(key, dict) and key.get("kty") == "oct"
    return is_one and isinstance(key.get("k"), str) and bool(_size(key["k"]))


def _size(text: str) -> int:
    """Bytes that base64url stands for; 0 when it is none."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return len(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        return 0
