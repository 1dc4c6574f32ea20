"""Tokens with which a workload joins, once: the first certificate is bought with one.

    lateen token create --namespace shop --service-account cart      made, valid for a short time
    CreateCertificate with the token                                 used: it never works again
    from then on                                                     the certificate renews itself

What was used is kept in a folder, one file a token until it expires, so that a restart of the
control plane forgets nothing. Two processes may judge the same token at once: the file system
decides which of them was first.
"""

import contextlib
import re
import secrets
from pathlib import Path

from lateen.base.clock import Clock
from lateen.base.private_files import create_private, private_folder
from lateen.identity import tokens
from lateen.identity.errors import IdentityError
from lateen.identity.labels import WorkloadLabels
from lateen.identity.tokens import LEEWAY_SECONDS, TokenClaims, TokenSigner, TokenVerifier

AUDIENCE = "lateen-join"
PROOF = "join token"
FOLDER = "used-join-tokens"  # below the control plane's state
DEFAULT_SECONDS, LONGEST_SECONDS = 15 * 60, 24 * 3600
IDENTIFIER = re.compile(r"[0-9a-f]{32}")


class JoinTokens:
    """Issues join tokens and believes each of them once. Owns the folder of those used."""

    def __init__(self, signer: TokenSigner, folder: Path, clock: Clock) -> None:
        self._signer = signer
        self._verifier = TokenVerifier(signer.key.public_key(), clock, AUDIENCE)
        self._folder = private_folder(folder)
        self._clock = clock

    def issue(
        self,
        *,
        namespace: str,
        service_account: str,
        ttl_seconds: float = DEFAULT_SECONDS,
        workload: WorkloadLabels | None = None,
    ) -> tuple[TokenClaims, str]:
        """IdentityError for names that cannot be an identity, or a time that is too long."""
        if not 0 < ttl_seconds <= LONGEST_SECONDS:
            raise IdentityError(f"a join token lives up to {LONGEST_SECONDS} s")
        text = self._signer.mint(
            namespace=namespace,
            service_account=service_account,
            ttl_seconds=ttl_seconds,
            workload=workload,
            audience=AUDIENCE,
            identifier=secrets.token_hex(16),
        )
        return self._verifier.verify(text), text

    def verify(self, token: str, *, joins: bool) -> TokenClaims:
        """Uses the token up. IdentityError if it was used before, or is not to be believed."""
        claims = self._verifier.verify(token)
        if not joins:
            raise IdentityError("a join token buys a certificate; discovery takes that")
        self._forget_expired()
        if not create_private(self._place(claims), str(claims.expires).encode()):
            raise IdentityError("the join token was used before")
        return TokenClaims(
            namespace=claims.namespace,
            service_account=claims.service_account,
            expires=claims.expires,
            labels=claims.labels,
            identifier=claims.identifier,
            proof=f"{PROOF} {claims.identifier}",
        )

    def give_back(self, token: str) -> None:
        """The certificate could not be issued, by no fault of the caller: they may try again."""
        with contextlib.suppress(IdentityError):  # it expired meanwhile
            self._place(self._verifier.verify(token)).unlink(missing_ok=True)

    def _place(self, claims: TokenClaims) -> Path:
        if not IDENTIFIER.fullmatch(claims.identifier):
            raise IdentityError("the join token has no identifier")
        return self._folder / claims.identifier

    def _forget_expired(self) -> None:
        for path in self._folder.iterdir():
            if not IDENTIFIER.fullmatch(path.name):
                continue  # one that is being written
            if float(path.read_text()) + LEEWAY_SECONDS < self._clock():
                path.unlink(missing_ok=True)


def is_join_token(token: str) -> bool:
    """By what it says of itself, which proves nothing yet."""
    audience = tokens.claimed(token).get("aud")
    return audience == [AUDIENCE]
