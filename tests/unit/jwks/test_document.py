import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lateen.jwks.document import discovery_url, read_discovery, read_keys, verifies_anything
from lateen.jwks.errors import KeyFetchError
from tests.unit.jwks.server import OTHER_KEY, RSA_KEY, keys

EC_KEY = {"kty": "EC", "kid": "e", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}
ED_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
ISSUER = "https://issuer.example.com"


def kept(*given: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(read_keys(keys(*given)))["keys"]
    return found


def test_public_keys_are_kept() -> None:
    assert kept(RSA_KEY, EC_KEY, ED_KEY) == [RSA_KEY, EC_KEY, ED_KEY]


def test_private_halves_and_unknown_fields_are_dropped() -> None:
    assert kept(RSA_KEY | {"d": "secret", "x5u": "http://elsewhere"}) == [RSA_KEY]


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared secret"},
        RSA_KEY | {"n": "AQAB"},
        RSA_KEY | {"n": "not base64!"},
        RSA_KEY | {"n": None},
        RSA_KEY | {"use": "enc"},
        EC_KEY | {"crv": "P-192"},
        {"kty": "RSA"},
        {"kty": ["RSA"]},
        "a string",
        None,
    ],
)
def test_what_cannot_verify_a_signature_is_dropped(key: Any) -> None:
    assert kept(key, OTHER_KEY) == [OTHER_KEY]


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b"\xff", b"[" * 200_000],
)
def test_garbage_is_refused(content: bytes) -> None:
    with pytest.raises(KeyFetchError):
        read_keys(content)


@given(st.binary())
def test_no_bytes_break_the_reader(content: bytes) -> None:
    with pytest.raises(KeyFetchError):
        read_keys(content)


def test_all_keys_can_be_withdrawn() -> None:
    assert kept() == []
    assert not verifies_anything(read_keys(keys()))


def test_sets_without_a_usable_key_are_told() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0"}
    assert verifies_anything(keys(secret).decode())
    assert verifies_anything(keys({"kty": "x"}, RSA_KEY).decode())
    for text in ("", "{}", "[]", '{"keys": [1]}', keys({"kty": "oct"}).decode()):
        assert not verifies_anything(text)


def test_more_keys_than_anybody_has_are_refused() -> None:
    with pytest.raises(KeyFetchError, match="at most 100"):
        read_keys(keys(*([RSA_KEY] * 101)))


def test_discovery_names_the_keys_of_the_issuer() -> None:
    document = json.dumps({"issuer": ISSUER + "/", "jwks_uri": f"{ISSUER}/keys"}).encode()

    assert read_discovery(document, ISSUER) == f"{ISSUER}/keys"
    assert discovery_url(ISSUER + "/") == f"{ISSUER}/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://other.example.com", "jwks_uri": f"{ISSUER}/keys"},
        {"jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://issuer.example.com/keys"},
    ],
)
def test_discovery_that_could_be_forged_is_refused(document: dict[str, str]) -> None:
    with pytest.raises(KeyFetchError):
        read_discovery(json.dumps(document).encode(), ISSUER)
