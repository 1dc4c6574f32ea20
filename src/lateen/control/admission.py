"""Who may call the control plane, and as whom: credentials of callers against what they claim.

On the secure port every caller proves an identity, and a proxy's node metadata may claim only what
that identity covers. The plaintext port is on loopback, for tools: it proves nothing, issues no
certificates and serves no secrets.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.audit.event import Action, Decision, Event, Recorder
from lateen.audit.line import stamp
from lateen.base.clock import Clock
from lateen.base.tasks import Tasks
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.metrics import AuthorityMetrics
from lateen.ca.request_policy import SigningPolicy
from lateen.ca.service import CertificateService
from lateen.control.node_proof import check_node
from lateen.identity.credential import Authenticator, Peer, check_claims, from_certificate
from lateen.identity.errors import IdentityError, Refused, StatusCode
from lateen.identity.signing_request import METHOD, IstioCertificateResponse
from lateen.view.mesh import Mesh
from lateen.view.proxy import Proxy
from lateen.xds.records import correlation
from lateen.xds.transport.call import Call
from lateen.xds.transport.service import Deferred, Methods
from lateen.xds.transport.status import CallRefused, Status

SERVICE_ACCOUNT = "SERVICE_ACCOUNT"


def peer(call: Call, *, joins: bool = False) -> Peer:
    return Peer(
        certificate=call.certificate or b"",
        authorization=call.metadata.get("authorization", ""),
        address=call.peer,
        correlation=correlation(call),
        joins=joins,
    )


@dataclass(frozen=True, slots=True)
class Admission:
    """Of proxies to discovery."""

    authenticator: Authenticator
    mesh: Mesh
    gateways: tuple[str, ...] = ()  # identities that may be gateways without a pod
    evicted: Container[str] = ()

    def admit(self, call: Call, proxy: Proxy, metadata: dict[str, Any]) -> str:
        """The proven identity: always on the secure port, never (empty) on the plain one.

        CallRefused on the secure port unless its credential covers what its node metadata claims.
        """
        if not call.secure:
            return ""
        try:
            credential = self.authenticator.credential(peer(call))
            self._check_evicted(str(credential.identity))
            check_claims(
                credential,
                namespace=proxy.proxy_class.namespace,
                service_account=str(metadata.get(SERVICE_ACCOUNT, "")),
                labels=dict(proxy.proxy_class.labels),
            )
            check_node(self.mesh, credential, proxy, gateways=self.gateways)
        except Refused as refusal:
            raise refused(refusal) from refusal
        return str(credential.identity)

    def _check_evicted(self, identity: str) -> None:
        if identity in self.evicted:
            raise Refused(StatusCode.PERMISSION_DENIED, f"{identity} is evicted")


def no_handshake(peer_address: str, reason: str) -> Event:
    """A connection to the secure port that never came to be, for its certificate or for no TLS."""
    return Event(
        Action.AUTHENTICATE,
        Decision.REFUSED,
        object="connection",
        peer=peer_address,
        reason=reason,
    )


def certificate_methods(
    authority: CertificateAuthority,
    authenticator: Authenticator,
    clock: Clock,
    tasks: Tasks,
    metrics: AuthorityMetrics,
) -> Methods:
    """`IstioCertificateService`, for the secure port alone. Every answer is in the audit trail."""
    policy = SigningPolicy(
        longest_ttl_seconds=authority.settings.longest_ttl_seconds,
        trust_domains=authenticator.trust_domains,
    )
    service = CertificateService(authority, authenticator, clock, policy, metrics)
    audit = authenticator.audit

    async def create_certificate(call: Call, message: bytes) -> bytes:
        caller = peer(call, joins=True)
        try:
            await authenticator.prepare(caller)
            response = await service.create_certificate(message, caller)
        except Refused as refusal:
            if refusal.code is StatusCode.UNAVAILABLE:
                authenticator.give_back(caller)
            if refusal.code is not StatusCode.UNAUTHENTICATED:  # which is in the trail already
                _record(audit, caller, Decision.REFUSED, reason=refusal.reason)
            raise refused(refusal) from refusal
        _record(audit, caller, Decision.ACCEPTED, leaf=_leaf(response))
        return response

    return {METHOD: Deferred(create_certificate, tasks)}


def _leaf(response: bytes) -> x509.Certificate:
    chain = IstioCertificateResponse.FromString(response).cert_chain
    return x509.load_pem_x509_certificate(chain[0].encode())


def _record(
    audit: Recorder,
    caller: Peer,
    decision: Decision,
    *,
    reason: str = "",
    leaf: x509.Certificate | None = None,
) -> None:
    identity, detail = "", {}
    if leaf is not None:
        identity = str(from_certificate(leaf.public_bytes(Encoding.DER)).identity)
        detail = {
            "serial": f"{leaf.serial_number:x}",
            "expires": stamp(leaf.not_valid_after_utc.timestamp()),
        }
    audit.record(
        Event(
            Action.CERTIFICATE,
            decision,
            object=identity,
            actor=identity or _shown(caller),
            peer=caller.address,
            reason=reason,
            correlation=caller.correlation,
            detail=detail,
        )
    )


def _shown(caller: Peer) -> str:
    """Who was refused, as far as a certificate says it; the authentication's line has the rest."""
    try:
        return str(from_certificate(caller.certificate).identity) if caller.certificate else ""
    except IdentityError:
        return ""


def refused(refusal: Refused) -> CallRefused:
    return CallRefused(Status(int(refusal.code)), refusal.reason)
