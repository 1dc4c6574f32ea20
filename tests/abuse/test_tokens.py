"""Tokens that must not open anything."""

from collections.abc import Callable

import pytest

from tests.abuse import wire
from tests.abuse.conftest import Target
from tests.abuse.tokens import (
    Issuer,
    signed_with_the_public_key,
    unsigned,
    with_other_claims,
)

pytestmark = [pytest.mark.envoy, pytest.mark.root]

STRANGER = Issuer("https://issuer.example")  # the same name, another key


def ask(target: Target, token: str, path: str = "/tokens", **headers: str) -> wire.Reply:
    request = wire.get(path, authorization=f"Bearer {token}", **headers)
    return wire.plain(target.gateway, request)


def test_the_honest_token_is_taken(target: Target) -> None:
    reply = ask(target, target.issuer.token())
    assert reply.status == 200
    assert b'"x-subject": "somebody"' in reply.content


def test_no_token_is_not_enough(target: Target) -> None:
    assert wire.plain(target.gateway, wire.get("/tokens")).status == 403


FORGERIES: dict[str, Callable[[Issuer], str]] = {
    "none": lambda issuer: unsigned(issuer, "none"),
    "None": lambda issuer: unsigned(issuer, "None"),
    "key confusion": signed_with_the_public_key,
    "another key": lambda issuer: STRANGER.token(),
    "unknown key id": lambda issuer: issuer.token(header={"kid": "two"}),
    "another issuer": lambda issuer: issuer.token(iss="https://other.example"),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "another audience": lambda issuer: issuer.token(aud="ratings"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "expired": lambda issuer: issuer.token(exp=1),
    "not yet valid": lambda issuer: issuer.token(nbf=4_000_000_000),
    "changed": lambda issuer: with_other_claims(issuer.token(), sub="boss"),
    "cut off": lambda issuer: issuer.token().rpartition(".")[0],
    "empty signature": lambda issuer: issuer.token().rpartition(".")[0] + ".",
    "not a token": lambda issuer: "a.b.c",
    "key inside": lambda issuer: STRANGER.token(
        header={"jwk": {"kty": "RSA"}, "jku": "http://127.0.0.1/keys", "kid": "one"}
    ),
    "path as key id": lambda issuer: STRANGER.token(header={"kid": "../../../../dev/null"}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(target: Target, name: str) -> None:
    reply = ask(target, FORGERIES[name](target.issuer))
    assert reply.status in (401, 403)


def test_a_good_token_does_not_carry_a_bad_one_along(target: Target) -> None:
    good, bad = target.issuer.token(), unsigned(target.issuer, "none")
    request = wire.get("/tokens", authorization=f"Bearer {bad}").replace(
        b"connection:", f"authorization: Bearer {good}\r\nconnection:".encode()
    )
    assert wire.plain(target.gateway, request).status in (400, 401, 403)


def test_a_claim_in_a_header_is_the_tokens_own(target: Target) -> None:
    reply = ask(target, target.issuer.token(sub="honest"), x_subject="forged")
    assert reply.status == 200
    assert b"honest" in reply.content
    assert b"forged" not in reply.content


def test_a_header_named_like_a_claim_routes_nothing(target: Target) -> None:
    admins = ask(target, target.issuer.token(group="admins"))
    assert b"x-routed: admins" in admins.content.lower()
    request = wire.get("/tokens", authorization=f"Bearer {target.issuer.token()}").replace(
        b"connection:", b"@request.auth.claims.group: admins\r\nconnection:"
    )
    assert b"x-routed: admins" not in wire.plain(target.gateway, request).content.lower()
