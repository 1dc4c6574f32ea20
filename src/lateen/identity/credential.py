"""Who is calling, by what they can prove: a verified client certificate, else a bearer token.

What a caller claims (node id, metadata, certificate request) never makes an identity; it may only
agree with the one proven here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

from lateen.base.clock import Clock
from lateen.identity import spiffe
from lateen.identity.errors import IdentityError, Refused, StatusCode
from lateen.identity.labels import WorkloadLabels, from_dns_names
from lateen.identity.tokens import TokenVerifier

BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Peer:
    """What a transport knows of a caller. `certificate` (DER) has passed TLS verification."""

    certificate: bytes = b""
    authorization: str = field(default="", repr=False)  # the header's value
    address: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """A proven identity, and the labels that the proof covers."""

    identity: spiffe.SpiffeId
    labels: WorkloadLabels | None = None


@dataclass(frozen=True, slots=True)
class Authenticator:
    trust_domains: tuple[str, ...]  # our own first; then its aliases
    tokens: TokenVerifier | None
    clock: Clock

    def credential(self, peer: Peer) -> Credential:
        """The caller's credential; Refused (UNAUTHENTICATED) if they prove nothing."""
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
        return found

    def _by_token(self, peer: Peer) -> Credential | None:
        if not peer.authorization:
            return None
        if not peer.authorization.lower().startswith(BEARER):
            raise IdentityError("the authorization header holds no bearer token")
        if self.tokens is None:
            raise IdentityError("tokens are not accepted here")
        claims = self.tokens.verify(peer.authorization[len(BEARER) :].strip())
        identity = spiffe.of(
            trust_domain=self.trust_domains[0],
            namespace=claims.namespace,
            service_account=claims.service_account,
        )
        return Credential(identity, claims.labels)


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
