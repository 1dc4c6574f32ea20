"""Who is calling, by what they can prove: a verified client certificate, else a bearer token.

What a caller claims (node id, metadata, certificate request) never makes an identity; it may only
agree with the one proven here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from cryptography import x509

from lateen.audit.event import NO_RECORDER, Action, Decision, Event, Recorder
from lateen.base.clock import Clock
from lateen.identity import spiffe
from lateen.identity.errors import IdentityError, Refused, StatusCode
from lateen.identity.labels import WorkloadLabels, from_dns_names
from lateen.identity.tokens import TokenClaims

BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Peer:
    """What a transport knows of a caller. `certificate` (DER) has passed TLS verification."""

    certificate: bytes = b""
    authorization: str = field(default="", repr=False)  # the header's value
    address: str = ""
    correlation: str = ""  # of the call, for the audit trail
    joins: bool = False  # whether the call buys a certificate, for which a join token is enough


@dataclass(frozen=True, slots=True)
class Credential:
    """A proven identity, and the labels that the proof covers."""

    identity: spiffe.SpiffeId
    labels: WorkloadLabels | None = None
    proof: str = field(default="", compare=False)  # how it was proven, for the audit trail


class Tokens(Protocol):
    """Which tokens are believed."""

    async def prepare(self, token: str) -> None:
        """Gets what `verify` needs from elsewhere, within a time limit. Never raises."""

    def give_back(self, token: str) -> None:
        """A token for one use that `verify` has believed is unused again."""

    def verify(self, token: str, *, joins: bool) -> TokenClaims:
        """IdentityError, without the token in its text, if it must not be believed."""


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Every decision goes to the audit trail, accepted or refused."""

    trust_domains: tuple[str, ...]  # our own first; then its aliases
    tokens: Tokens | None
    clock: Clock
    audit: Recorder = NO_RECORDER

    async def prepare(self, peer: Peer) -> None:
        """Asks who has to be asked about the caller's token, so that `credential` need not wait."""
        token = _bearer(peer)
        if self.tokens is not None and token:
            await self.tokens.prepare(token)

    def give_back(self, peer: Peer) -> None:
        """The call failed by no fault of the caller: a token for one use may be used again."""
        token = _bearer(peer)
        if self.tokens is not None and token:
            self.tokens.give_back(token)

    def credential(self, peer: Peer) -> Credential:
        """The caller's credential; Refused (UNAUTHENTICATED) if they prove nothing."""
        try:
            found = self._proven(peer)
        except Refused as refusal:
            self._record(peer, Decision.REFUSED, reason=refusal.reason)
            raise
        self._record(peer, Decision.ACCEPTED, actor=str(found.identity), proof=found.proof)
        return found

    def _record(
        self, peer: Peer, decision: Decision, *, actor: str = "", proof: str = "", reason: str = ""
    ) -> None:
        self.audit.record(
            Event(
                Action.AUTHENTICATE,
                decision,
                object="certificate" if peer.joins else "discovery",
                actor=actor,
                proof=proof,
                peer=peer.address,
                reason=reason,
                correlation=peer.correlation,
            )
        )

    def _proven(self, peer: Peer) -> Credential:
        if not peer.certificate and not peer.authorization:
            raise Refused(
                StatusCode.UNAUTHENTICATED, "a client certificate or a bearer token is needed"
            )
        reasons: list[str] = []
        for proof in (self._by_certificate, self._by_token):
            try:
                found = proof(peer)
            except IdentityError as reason:
                reasons.append(str(reason))
            else:
                if found is not None:
                    return found
        raise Refused(StatusCode.UNAUTHENTICATED, "; ".join(reasons))

    def _by_certificate(self, peer: Peer) -> Credential | None:
        if not peer.certificate:
            return None
        found = from_certificate(peer.certificate)
        if found.identity.trust_domain not in self.trust_domains:
            raise IdentityError(f"{found.identity} is of a foreign trust domain")
        return replace(found, proof="certificate")

    def _by_token(self, peer: Peer) -> Credential | None:
        if not peer.authorization:
            return None
        if not peer.authorization.lower().startswith(BEARER):
            raise IdentityError("the authorization header holds no bearer token")
        if self.tokens is None:
            raise IdentityError("tokens are not accepted here")
        claims = self.tokens.verify(_bearer(peer), joins=peer.joins)
        identity = spiffe.of(
            trust_domain=self.trust_domains[0],
            namespace=claims.namespace,
            service_account=claims.service_account,
        )
        return Credential(identity, claims.labels, claims.proof)


def _bearer(peer: Peer) -> str:
    """The token; empty when the caller shows none."""
    if not peer.authorization.lower().startswith(BEARER):
        return ""
    return peer.authorization[len(BEARER) :].strip()


def from_certificate(der: bytes) -> Credential:
    """What a verified leaf says: exactly one SPIFFE URI, and the labels signed with it."""
    try:
        leaf = x509.load_der_x509_certificate(der)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as wrong:
        raise IdentityError("the client certificate names no identity") from wrong
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise IdentityError(f"the client certificate names {len(uris)} identities; it must be one")
    carried = from_dns_names(names.get_values_for_type(x509.DNSName))
    return Credential(spiffe.parse(uris[0]), carried)


def check_claims(
    credential: Credential,
    *,
    namespace: str = "",
    service_account: str = "",
    labels: Mapping[str, str] | None = None,
) -> None:
    """Refuses (PERMISSION_DENIED) a node whose metadata the credential does not cover.

    Of its labels, those that the credential carries: other workloads' policies are not for it.
    """
    identity = credential.identity
    if namespace and namespace != identity.namespace:
        raise Refused(
            StatusCode.PERMISSION_DENIED,
            f"the node claims namespace {namespace!r}; its identity is {identity}",
        )
    if service_account and service_account != identity.service_account:
        raise Refused(
            StatusCode.PERMISSION_DENIED,
            f"the node claims service account {service_account!r}; its identity is {identity}",
        )
    proven = credential.labels
    if labels is None or proven is None:
        return
    for name, value in (("app", proven.app), ("version", proven.version)):
        if labels.get(name, "") != value:
            raise Refused(
                StatusCode.PERMISSION_DENIED,
                f"the node claims the label {name}={labels.get(name, '')[:100]!r}; "
                f"its credential says {value!r}",
            )
