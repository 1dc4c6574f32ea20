"""Which tokens are believed: every kind by the one that can judge it.

    iss lateen, audience lateen-join    join tokens, once
    iss lateen                          workload tokens of this control plane
    iss of the settings                 by that issuer's keys
    any other                           Kubernetes, where a TokenReview is configured; else refused

What a token says of itself only chooses the judge, who then believes nothing that is not proven.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lateen.base.clock import Clock
from lateen.identity.errors import IdentityError
from lateen.identity.issuers import Issuer
from lateen.identity.join_tokens import JoinTokens, is_join_token
from lateen.identity.token_review import TokenReview
from lateen.identity.tokens import ISSUER, TokenClaims, TokenVerifier, claimed


@dataclass(frozen=True, slots=True)
class TokenJudges:
    own: TokenVerifier
    clock: Clock
    joins: JoinTokens | None = None
    issuers: Mapping[str, Issuer] = field(default_factory=dict)
    review: TokenReview | None = None

    async def prepare(self, token: str) -> None:
        issuer = claimed(token).get("iss")
        if self.review is not None and issuer != ISSUER and issuer not in self.issuers:
            await self.review.prepare(token)

    def give_back(self, token: str) -> None:
        if self.joins is not None and is_join_token(token):
            self.joins.give_back(token)

    def verify(self, token: str, *, joins: bool) -> TokenClaims:
        claims = claimed(token)
        issuer = claims.get("iss")
        if issuer == ISSUER or not claims:
            if self.joins is not None and is_join_token(token):
                return self.joins.verify(token, joins=joins)
            return self.own.verify(token)
        if isinstance(issuer, str) and issuer in self.issuers:
            return self.issuers[issuer].verify(token, self.clock())
        if self.review is not None:
            return self.review.verify(token)
        raise IdentityError("the token is of another issuer")
