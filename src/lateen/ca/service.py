"""Answers `istio.v1.auth.IstioCertificateService/CreateCertificate`, whatever carries the bytes.

The names in a leaf come from the caller's credential alone; a request contributes its public key
and the time it wishes. See `request_policy` for what is refused.
"""

import logging
from typing import Any

from google.protobuf.message import DecodeError

from lateen.base.clock import Clock
from lateen.base.metrics import Registry
from lateen.ca import request_policy
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.errors import AuthorityError
from lateen.ca.metrics import AuthorityMetrics
from lateen.ca.request_policy import SigningPolicy
from lateen.ca.signer import LeafRequest
from lateen.identity.credential import Authenticator, Credential, Peer
from lateen.identity.errors import Refused, StatusCode
from lateen.identity.signing_request import IstioCertificateRequest, IstioCertificateResponse

log = logging.getLogger(__name__)

LARGEST_REQUEST = 64 * 1024


class CertificateService:
    """The service."""

    def __init__(
        self,
        authority: CertificateAuthority,
        authenticator: Authenticator,
        clock: Clock,
        policy: SigningPolicy | None = None,
        metrics: AuthorityMetrics | None = None,
    ) -> None:
        self._authority = authority
        self._authenticator = authenticator
        self._clock = clock
        self._policy = policy or SigningPolicy()
        self._metrics = metrics or AuthorityMetrics(Registry(), authority, clock)

    async def create_certificate(self, message: bytes, peer: Peer) -> bytes:
        """The serialized response; Refused with a gRPC status otherwise."""
        try:
            response = await self._created(message, peer)
        except Refused as refusal:
            self._metrics.refused(refusal.code)
            raise
        self._metrics.accepted()
        return response

    async def _created(self, message: bytes, peer: Peer) -> bytes:
        credential = self._authenticator.credential(peer)
        request = leaf_request(message, credential, now=self._clock(), policy=self._policy)
        try:
            leaf = await self._authority.sign(request)
        except AuthorityError as trouble:
            log.error("certificate not issued", extra={"reason": str(trouble)})
            raise Refused(StatusCode.UNAVAILABLE, str(trouble)) from trouble
        log.info(
            "certificate issued",
            extra={"identity": request.identity, "address": peer.address},
        )
        response = IstioCertificateResponse(cert_chain=(*leaf.chain, self._authority.told()))
        return bytes(response.SerializeToString())


def leaf_request(
    message: bytes,
    credential: Credential,
    *,
    now: float,
    policy: SigningPolicy,
) -> LeafRequest:
    """What is to be signed for the caller; Refused if the request is not in order."""
    request = _request(message)
    _check_metadata(request)
    return LeafRequest(
        csr=request.csr,
        public_key=request_policy.public_key(request.csr, credential, policy),
        names=request_policy.names(credential),
        ttl_seconds=request_policy.ttl_seconds(request.validity_duration, policy),
        now=now,
    )


def _request(message: bytes) -> Any:
    if len(message) > LARGEST_REQUEST:
        raise Refused(StatusCode.INVALID_ARGUMENT, "the request is too large")
    try:
        return IstioCertificateRequest.FromString(message)
    except DecodeError as wrong:
        raise Refused(
            StatusCode.INVALID_ARGUMENT, "the request is not an IstioCertificateRequest"
        ) from wrong


def _check_metadata(request: Any) -> None:
    fields = request.metadata.fields
    if "ImpersonatedIdentity" in fields and fields["ImpersonatedIdentity"].string_value:
        raise Refused(StatusCode.PERMISSION_DENIED, "callers may only ask for their own identity")
    if "CertSigner" in fields and fields["CertSigner"].string_value:
        raise Refused(StatusCode.INVALID_ARGUMENT, "this authority has no further signers")
