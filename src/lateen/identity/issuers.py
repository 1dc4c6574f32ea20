"""Tokens of others: Kubernetes service accounts and OpenID Connect, by their issuers' public keys.

    iss      exactly one of the issuers that the settings name
    aud      one of the audiences of that issuer
    exp, iat, nbf   by the clock; a token without `exp` is refused
    sub      system:serviceaccount:<namespace>:<account>, or claims that the issuer's settings name
    header   an algorithm that the key allows; the key by `kid` where both have one

Nothing in a token chooses how it is verified.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lateen.identity import spiffe
from lateen.identity.errors import IdentityError
from lateen.identity.public_keys import VerificationKey
from lateen.identity.signatures import is_signed
from lateen.identity.tokens import (
    AUDIENCE,
    LARGEST_TOKEN,
    LEEWAY_SECONDS,
    TokenClaims,
    decode,
    decoded_json,
    parts,
    subject,
)

TYPES = (None, "JWT", "at+jwt")
LATEST = 253402300799  # the year 9999
MOST_TRIED = 16  # keys, for a token that names none


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are believed, and for what. `keys` is asked at each token, as they rotate."""

    issuer: str
    keys: Callable[[], tuple[VerificationKey, ...]]
    audiences: tuple[str, ...] = (AUDIENCE,)
    namespaces: tuple[str, ...] = ()  # whose workloads it may speak for; empty: all
    namespace_claim: str = ""  # both empty: `sub` names a Kubernetes service account
    account_claim: str = ""

    def verify(self, token: str, now: float) -> TokenClaims:
        if len(token) > LARGEST_TOKEN:
            raise IdentityError("the token is too large")
        head, body, signature = parts(token)
        self._check_signature(decoded_json(head), f"{head}.{body}".encode(), decode(signature))
        claims = decoded_json(body)
        self._check_claims(claims)
        namespace, account = self._identity(claims)
        if self.namespaces and namespace not in self.namespaces:
            raise IdentityError(f"the issuer {self.issuer} may not speak for {namespace!r}")
        return TokenClaims(
            namespace=namespace,
            service_account=account,
            expires=valid_until(claims, now),
            proof=f"token {self.issuer}",
        )

    def _check_signature(self, header: Mapping[str, Any], body: bytes, signature: bytes) -> None:
        if "crit" in header or header.get("typ") not in TYPES:
            raise IdentityError("the token's header asks for what is not known here")
        algorithm, identifier = header.get("alg"), str(header.get("kid", ""))
        known = self.keys()
        if not known:
            raise IdentityError(f"the keys of {self.issuer} are not known at the moment")
        fitting = [
            key
            for key in known
            if algorithm in key.algorithms and key.identifier in ("", identifier or key.identifier)
        ]
        if not fitting:
            raise IdentityError("the token is signed with an algorithm or key that is not known")
        if not any(
            is_signed(key.key, str(algorithm), body, signature) for key in fitting[:MOST_TRIED]
        ):
            raise IdentityError("the token's signature is wrong")

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != self.issuer:
            raise IdentityError("the token is of another issuer")
        audience = claims.get("aud")
        held = audience if isinstance(audience, list) else [audience]
        if not any(wanted in held for wanted in self.audiences):
            wanted = " or ".join(self.audiences)
            raise IdentityError(f"the token is not for the audience {wanted}")

    def _identity(self, claims: Mapping[str, Any]) -> tuple[str, str]:
        if not self.namespace_claim:
            return subject(claims.get("sub"))
        namespace, account = claims.get(self.namespace_claim), claims.get(self.account_claim)
        if not (
            isinstance(namespace, str)
            and isinstance(account, str)
            and spiffe.NAMESPACE.fullmatch(namespace)
            and spiffe.SERVICE_ACCOUNT.fullmatch(account)
        ):
            raise IdentityError(
                f"the token's {self.namespace_claim} and {self.account_claim} are no namespace "
                "and service account"
            )
        return namespace, account


def valid_until(claims: Mapping[str, Any], now: float) -> float:
    """The token's end. IdentityError unless it is valid now."""
    expires = _time(claims, "exp")
    if expires is None:
        raise IdentityError("the token has no exp")
    if now > expires + LEEWAY_SECONDS:
        raise IdentityError("the token has expired")
    for name in ("iat", "nbf"):
        begins = _time(claims, name)
        if begins is not None and now < begins - LEEWAY_SECONDS:
            raise IdentityError(f"the token is not valid yet ({name})")
    return expires


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise IdentityError(f"the token's {name} is not a number")
    if not 0 <= value <= LATEST:  # nor is NaN, which is never before anything
        raise IdentityError(f"the token's {name} is no time")
    return float(value)
