"""Workload tokens: ours are believed, everything else is not."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from lateen.identity.errors import IdentityError
from lateen.identity.labels import WorkloadLabels
from lateen.identity.tokens import TokenSigner, _encode, _sign, load_or_create_key

NOW = 1_800_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = TokenSigner(KEY, lambda: NOW)
CLAIMS = {
    "iss": "lateen",
    "aud": ["istio-ca"],
    "sub": "system:serviceaccount:shop:web",
    "iat": int(NOW),
    "exp": int(NOW) + 60,
}


def mint() -> str:
    return SIGNER.mint(namespace="shop", service_account="web", ttl_seconds=60)


def forged(claims: dict[str, Any], header: dict[str, Any] | None = None, *, key: Any = KEY) -> str:
    parts = [{"alg": "ES256", "typ": "JWT"} if header is None else header, claims]
    body = ".".join(_encode(json.dumps(part).encode()) for part in parts)
    return f"{body}.{_encode(_sign(key, body.encode()))}"


def test_a_token_says_whom_it_was_made_for() -> None:
    labels = WorkloadLabels(app="web", version="v1")
    token = SIGNER.mint(namespace="shop", service_account="web", ttl_seconds=60, workload=labels)
    claims = SIGNER.verifier().verify(token)
    assert (claims.namespace, claims.service_account) == ("shop", "web")
    assert claims.labels == labels


def test_the_forging_of_these_tests_works() -> None:
    assert SIGNER.verifier().verify(forged(CLAIMS)).namespace == "shop"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"aud": ["api"]},
        {"aud": None},
        {"exp": int(NOW) - 60},
        {"exp": "later"},
        {"exp": True},
        {"iat": int(NOW) + 60},
        {"sub": "system:serviceaccount:shop"},
        {"sub": "system:serviceaccount:shop:web:more"},
        {"sub": "system:serviceaccount:Shop:web"},
        {"sub": "system:node:shop:web"},
        {"sub": 3},
        {"lateen.io/labels": "app=web"},
        {"lateen.io/labels": {"app": "a=b,c"}},
    ],
)
def test_a_signed_token_with_a_wrong_claim_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(IdentityError):
        SIGNER.verifier().verify(forged({**CLAIMS, **changed}))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "JWT"},
        {"alg": "HS256", "typ": "JWT"},
        {"alg": "ES256", "typ": "JWT", "jwk": {}},
        {},
    ],
)
def test_the_algorithm_is_never_taken_from_the_token(header: dict[str, Any]) -> None:
    with pytest.raises(IdentityError):
        SIGNER.verifier().verify(forged(CLAIMS, header))


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(IdentityError):
        SIGNER.verifier().verify(forged(CLAIMS, key=ec.generate_private_key(ec.SECP256R1())))


def test_a_token_ends() -> None:
    token = mint()
    later = TokenSigner(KEY, lambda: NOW + 66).verifier()
    with pytest.raises(IdentityError, match="expired"):
        later.verify(token)


def test_a_huge_token_is_refused_unread() -> None:
    with pytest.raises(IdentityError, match="too large"):
        SIGNER.verifier().verify("a" * 9000)


@given(st.text(max_size=200))
def test_text_that_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(IdentityError) as refused:
        SIGNER.verifier().verify(text)
    assert len(text) < 20 or text not in str(refused.value)


@given(st.data())
def test_a_token_with_one_changed_byte_is_refused(data: st.DataObject) -> None:
    token = mint()
    signed = token.rpartition(".")[0]
    at = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda letter: letter != token[at]))
    with pytest.raises(IdentityError):
        SIGNER.verifier().verify(token[:at] + other + token[at + 1 :])


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    first, second = load_or_create_key(folder), load_or_create_key(folder)
    assert first.private_numbers() == second.private_numbers()
    assert (folder / "token-key.pem").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "token-key.pem").write_bytes(base64.b64encode(b"nonsense"))
    with pytest.raises(IdentityError, match=r"token-key\.pem"):
        load_or_create_key(tmp_path)


def test_the_signer_does_not_show_its_key() -> None:
    assert "PrivateKey" not in repr(SIGNER)
