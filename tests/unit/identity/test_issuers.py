"""Tokens of others: what is believed, and every way not to be."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from lateen.identity.errors import IdentityError
from lateen.identity.issuers import Issuer
from lateen.identity.public_keys import VerificationKey, parse

NOW = 1_800_000_000.0
NAME = "https://kubernetes.default.svc"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
CLAIMS: dict[str, Any] = {
    "iss": NAME,
    "aud": ["istio-ca", "other"],
    "sub": "system:serviceaccount:shop:web",
    "iat": NOW - 10,
    "nbf": NOW - 10,
    "exp": NOW + 60,
}


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(key: Any, **fields: str) -> dict[str, str]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **fields}
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        x, y = (encode(part.to_bytes(32, "big")) for part in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, **fields}
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(raw), **fields}


def jwks(*keys: dict[str, str]) -> bytes:
    return json.dumps({"keys": keys}).encode()


KEYS = parse(jwks(jwk(RSA, kid="r"), jwk(EC, kid="e", use="sig"), jwk(ED, kid="d", alg="EdDSA")))


def sign(key: Any, algorithm: str, body: bytes) -> bytes:
    if algorithm == "RS256":
        return bytes(key.sign(body, padding.PKCS1v15(), hashes.SHA256()))
    if algorithm == "PS256":
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return bytes(key.sign(body, pss, hashes.SHA256()))
    if algorithm == "ES256":
        r, s = decode_dss_signature(key.sign(body, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return bytes(key.sign(body))


def token(
    algorithm: str = "RS256",
    key: Any = RSA,
    *,
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
) -> str:
    head = {"alg": algorithm, "kid": {"RS256": "r", "PS256": "r", "ES256": "e"}.get(algorithm, "d")}
    parts = ({**head, **(header or {})}, {**CLAIMS, **(claims or {})})
    body = ".".join(encode(json.dumps(part).encode()) for part in parts)
    return f"{body}.{encode(sign(key, algorithm, body.encode()))}"


def issuer(keys: tuple[VerificationKey, ...] = KEYS, **fields: Any) -> Issuer:
    return Issuer(NAME, lambda: keys, **fields)


def refusal(written: str, keys: tuple[VerificationKey, ...] = KEYS, **fields: Any) -> str:
    with pytest.raises(IdentityError) as refused:
        issuer(keys, **fields).verify(written, NOW)
    assert written not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("algorithm", "key"), [("RS256", RSA), ("PS256", RSA), ("ES256", EC), ("EdDSA", ED)]
)
def test_a_service_account_token_is_believed(algorithm: str, key: Any) -> None:
    found = issuer().verify(token(algorithm, key), NOW)
    assert (found.namespace, found.service_account) == ("shop", "web")
    assert found.proof == f"token {NAME}"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://elsewhere"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "kubernetes"}, "not for the audience istio-ca"),
        ({"aud": []}, "not for the audience"),
        ({"aud": None}, "not for the audience"),
        ({"aud": "istio-ca2"}, "not for the audience"),
        ({"exp": NOW - 6}, "has expired"),
        ({"exp": None}, "no exp"),
        ({"exp": "9999999999"}, "exp is not a number"),
        ({"exp": True}, "exp is not a number"),
        ({"exp": float("nan")}, "exp is no time"),
        ({"exp": float("inf")}, "exp is no time"),
        ({"exp": 10**400}, "exp is no time"),
        ({"nbf": NOW + 6}, "not valid yet"),
        ({"iat": NOW + 6}, "not valid yet"),
        ({"sub": "web"}, "not a service account"),
        ({"sub": "system:serviceaccount:shop"}, "not a service account"),
        ({"sub": "system:serviceaccount:shop:web/x"}, "not a service account"),
        ({"sub": "system:serviceaccount:../x:web"}, "not a service account"),
        ({"sub": ["system:serviceaccount:shop:web"]}, "not a service account"),
    ],
)
def test_claims_that_are_off_are_refused(claims: dict[str, Any], reason: str) -> None:
    assert reason in refusal(token(claims=claims))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": ["RS256"]},
        {"alg": None},
        {"kid": "other"},
        {"kid": "e"},
        {"crit": ["b64"]},
        {"typ": "dpop+jwt"},
    ],
)
def test_headers_choose_nothing(header: dict[str, Any]) -> None:
    refusal(token(header=header))


def test_an_unsigned_token_is_refused() -> None:
    head, body, _ = token(header={"alg": "none"}).split(".")
    refusal(f"{head}.{body}.")


def test_a_public_key_is_no_secret() -> None:
    """Key confusion: HS256 with the issuer's public key as the secret."""
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = token(header={"alg": "HS256"}).rpartition(".")[0]
    made = hmac.HMAC(public, hashes.SHA256())
    made.update(body.encode())
    refusal(f"{body}.{encode(made.finalize())}", parse(public))


def test_a_key_of_another_is_refused() -> None:
    assert "signature" in refusal(token(key=rsa.generate_private_key(65537, 2048)))


def test_an_issuer_speaks_for_its_namespaces_only() -> None:
    assert "may not speak for 'shop'" in refusal(token(), namespaces=("bank",))
    assert issuer(namespaces=("bank", "shop")).verify(token(), NOW).namespace == "shop"


def test_named_claims_make_the_identity() -> None:
    named = {"namespace_claim": "team", "account_claim": "app"}
    found = issuer(**named).verify(token(claims={"team": "shop", "app": "cart"}), NOW)
    assert (found.namespace, found.service_account) == ("shop", "cart")
    for wrong in ({}, {"team": "shop"}, {"team": "../x", "app": "a"}, {"team": 1, "app": "a"}):
        assert "no namespace and service account" in refusal(token(claims=wrong), **named)


def test_without_keys_nothing_is_believed() -> None:
    assert "not known at the moment" in refusal(token(), ())


def test_a_token_without_kid_is_tried_with_every_fitting_key() -> None:
    keys = parse(jwks(jwk(rsa.generate_private_key(65537, 2048), kid="a"), jwk(RSA, kid="b")))
    assert issuer(keys).verify(token(header={"kid": ""}), NOW).namespace == "shop"


@given(st.text(alphabet="ab.=-_{}\"'0", max_size=60))
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(IdentityError):
        issuer().verify(text, NOW)


@given(st.integers(0, 1000), st.characters(categories=["L", "N"]))
def test_no_changed_token_is_believed(place: int, other: str) -> None:
    written = token("ES256", EC)
    at = place % (written.rindex(".") - 1)
    if written[at] != other:
        with pytest.raises(IdentityError):
            issuer().verify(written[:at] + other + written[at + 1 :], NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        jwks({"kty": "oct", "k": "c2VjcmV0"}),
        jwks({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        jwks({"kty": "RSA", "n": "!", "e": "AQAB"}),
        jwks({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}),
        jwks(jwk(RSA, use="enc")),
        jwks(jwk(RSA, alg="HS256")),
        jwks(jwk(rsa.generate_private_key(65537, 1024))),
        json.dumps({"keys": [{}] * 101}).encode(),
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b" " * (1024 * 1024 + 1),
    ],
)
def test_key_sets_without_a_usable_key_are_refused(content: bytes) -> None:
    with pytest.raises(IdentityError):
        parse(content)
