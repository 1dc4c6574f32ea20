"""Roots that another trust domain publishes."""

import base64
import json
import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.ca.authority import Authority, organisation, pem, self_signed
from lateen.identity import spiffe_bundle
from lateen.identity.errors import IdentityError

KEY = ec.generate_private_key(ec.SECP256R1())
ROOT = self_signed(KEY, organisation("friend"), now=time.time(), ttl_seconds=3600)
LEAF = Authority(KEY, ROOT, (), (ROOT,)).issue(
    KEY.public_key(), [x509.DNSName("a")], now=time.time(), ttl_seconds=60
)


def key(certificate: x509.Certificate = ROOT, **changed: Any) -> dict[str, Any]:
    der = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return {"kty": "EC", "use": "x509-svid", "x5c": [der], **changed}


def document(*keys: Any, **more: Any) -> bytes:
    return json.dumps({"keys": list(keys), **more}).encode()


def test_roots_for_certificates_are_read_and_other_keys_passed_over() -> None:
    found = spiffe_bundle.read(document(key(), {"use": "jwt-svid", "kid": "a"}))
    assert found.roots == pem(ROOT)


@pytest.mark.parametrize(("hint", "seconds"), [(600, 600), (1, 30), (10**9, 3600), (0, 300)])
def test_the_hint_to_look_again_is_kept_within_bounds(hint: int, seconds: int) -> None:
    found = spiffe_bundle.read(document(key(), spiffe_refresh_hint=hint))
    assert found.refresh_seconds == seconds


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"nonsense",
        b"[" * 100_000,
        document(),
        document(*[key()] * 101),
        document(key(LEAF)),
        document(key(x5c=[])),
        document(key(x5c=["!"])),
        document(key(x5c=["AAAA"])),
        document(key(), spiffe_refresh_hint="soon"),
    ],
)
def test_what_is_no_bundle_is_refused(text: bytes) -> None:
    with pytest.raises(IdentityError):
        spiffe_bundle.read(text)
