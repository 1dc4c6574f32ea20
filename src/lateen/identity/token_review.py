"""Asks a Kubernetes API server whether it issued a token, and for whom (TokenReview).

The answer is remembered for a short time, so that a thousand proxies that reconnect are a thousand
questions at most, not two thousand, and so that `verify` need not wait. Questions are bounded in
number, time and size; while the server does not answer, tokens are refused, never believed.
"""

import asyncio
import hashlib
import http.client
import json
import logging
import ssl
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lateen.base.clock import Clock
from lateen.identity.errors import IdentityError
from lateen.identity.tokens import AUDIENCE, LARGEST_TOKEN, TokenClaims, subject

log = logging.getLogger(__name__)

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
PROOF = "token reviewed by Kubernetes"
TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 256 * 1024
MOST_ASKING = 16  # at once
MOST_WAITING = 1000  # callers that wait for their turn; more are refused at once
MOST_REMEMBERED = 20_000
ACCEPTED_SECONDS = 60.0  # how long a revoked token may still be believed
REFUSED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Where the API server is and how we prove ourselves to it. Files are read at each question."""

    server: str  # https://HOST:PORT
    ca_file: str
    token_file: str
    audiences: tuple[str, ...] = (AUDIENCE,)


@dataclass(frozen=True, slots=True)
class _Verdict:
    until: float
    claims: TokenClaims | None
    reason: str = ""


class TokenReview:
    """Owns what it remembers of answers; by the tokens' hashes, never the tokens."""

    def __init__(self, settings: ReviewSettings, clock: Clock) -> None:
        address = urlsplit(settings.server)
        if address.scheme != "https" or not address.hostname:
            raise IdentityError(f"{settings.server!r} is not an https:// address of an API server")
        self._settings = settings
        self._host, self._port = address.hostname, address.port or 443
        self._clock = clock
        self._known: OrderedDict[bytes, _Verdict] = OrderedDict()
        self._asking = asyncio.Semaphore(MOST_ASKING)
        self._waiting = 0

    async def prepare(self, token: str) -> None:
        if len(token) > LARGEST_TOKEN or self._remembered(token) or self._waiting >= MOST_WAITING:
            return
        self._waiting += 1
        try:
            async with self._asking:
                if not self._remembered(token):
                    self._remember(token, await self._asked(token))
        finally:
            self._waiting -= 1

    def verify(self, token: str) -> TokenClaims:
        found = self._remembered(token)
        if found is None:
            raise IdentityError("the token was not reviewed; it buys a certificate first")
        if found.claims is None:
            raise IdentityError(found.reason)
        return found.claims

    def _remembered(self, token: str) -> _Verdict | None:
        found = self._known.get(_mark(token))
        return found if found is not None and found.until > self._clock() else None

    def _remember(self, token: str, verdict: _Verdict) -> None:
        self._known[_mark(token)] = verdict
        self._known.move_to_end(_mark(token))
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    async def _asked(self, token: str) -> _Verdict:
        try:
            answer = await asyncio.to_thread(self._post, token)
            claims = self._read(answer)
        except IdentityError as refusal:
            return _Verdict(self._clock() + REFUSED_SECONDS, None, str(refusal))
        except (OSError, ValueError, http.client.HTTPException) as trouble:
            log.error("token not reviewed", extra={"reason": str(trouble)})
            reason = "the API server that reviews tokens does not answer"
            return _Verdict(self._clock() + 1.0, None, reason)
        return _Verdict(self._clock() + ACCEPTED_SECONDS, claims)

    def _post(self, token: str) -> dict[str, Any]:
        """In a thread: blocks up to the time limit."""
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.ca_file)
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=TIMEOUT_SECONDS, context=context
        )
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": list(settings.audiences)},
        }
        own = Path(settings.token_file).read_text().strip()
        headers = {"authorization": f"Bearer {own}", "content-type": "application/json"}
        try:
            connection.request("POST", PATH, json.dumps(review), headers)
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER + 1)
        finally:
            connection.close()
        if answer.status not in (200, 201):
            raise ValueError(f"the API server answers {answer.status}")
        if len(content) > LARGEST_ANSWER:
            raise ValueError("the API server's answer is too large")
        document = json.loads(content)
        if not isinstance(document, dict) or not isinstance(document.get("status"), dict):
            raise ValueError("the API server's answer is no TokenReview")
        return dict(document["status"])

    def _read(self, status: dict[str, Any]) -> TokenClaims:
        if status.get("authenticated") is not True:
            raise IdentityError("the API server does not know the token")
        held = status.get("audiences")
        if not isinstance(held, list) or not any(a in held for a in self._settings.audiences):
            wanted = " or ".join(self._settings.audiences)
            raise IdentityError(f"the token is not for the audience {wanted}")
        user = status.get("user")
        namespace, account = subject(user.get("username") if isinstance(user, dict) else None)
        return TokenClaims(
            namespace=namespace,
            service_account=account,
            expires=self._clock() + ACCEPTED_SECONDS,
            proof=PROOF,
        )


def _mark(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
