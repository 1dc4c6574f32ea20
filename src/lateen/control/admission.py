"""Who may call the control plane, and as whom: credentials of callers against what they claim.

On the secure port every caller proves an identity, and a proxy's node metadata may claim only what
that identity covers. The plaintext port is on loopback, for tools: it proves nothing, issues no
certificates and serves no secrets.
"""

from typing import Any

from lateen.base.clock import Clock
from lateen.base.tasks import Tasks
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.request_policy import SigningPolicy
from lateen.ca.service import CertificateService
from lateen.identity.credential import Authenticator, Peer, check_claims
from lateen.identity.errors import Refused
from lateen.identity.signing_request import METHOD
from lateen.view.proxy import Proxy
from lateen.xds.transport.call import Call
from lateen.xds.transport.service import Deferred, Methods
from lateen.xds.transport.status import CallRefused, Status

SERVICE_ACCOUNT = "SERVICE_ACCOUNT"


def peer(call: Call) -> Peer:
    return Peer(
        certificate=call.certificate or b"",
        authorization=call.metadata.get("authorization", ""),
        address=call.peer,
    )


def admit(authenticator: Authenticator, call: Call, proxy: Proxy, metadata: dict[str, Any]) -> bool:
    """Whether the caller has proven who it is: always on the secure port, never on the plain one.

    CallRefused on the secure port unless its credential covers what its node metadata claims.
    """
    if not call.secure:
        return False
    try:
        check_claims(
            authenticator.credential(peer(call)),
            namespace=proxy.proxy_class.namespace,
            service_account=str(metadata.get(SERVICE_ACCOUNT, "")),
            labels=dict(proxy.proxy_class.labels),
        )
    except Refused as refusal:
        raise refused(refusal) from refusal
    return True


def certificate_methods(
    authority: CertificateAuthority, authenticator: Authenticator, clock: Clock, tasks: Tasks
) -> Methods:
    """`IstioCertificateService`, for the secure port alone."""
    policy = SigningPolicy(trust_domains=authenticator.trust_domains)
    service = CertificateService(authority, authenticator, clock, policy)

    async def create_certificate(call: Call, message: bytes) -> bytes:
        try:
            return await service.create_certificate(message, peer(call))
        except Refused as refusal:
            raise refused(refusal) from refusal

    return {METHOD: Deferred(create_certificate, tasks)}


def refused(refusal: Refused) -> CallRefused:
    return CallRefused(Status(int(refusal.code)), refusal.reason)
