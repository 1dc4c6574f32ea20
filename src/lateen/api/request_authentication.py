"""RequestAuthentication: which tokens a workload accepts."""

from lateen.api.duration import Duration
from lateen.api.resource import Spec
from lateen.api.selector import PolicyTargetReference, WorkloadSelector


class JWTHeader(Spec, frozen=True):
    name: str = ""
    prefix: str = ""


class ClaimToHeader(Spec, frozen=True):
    header: str = ""
    claim: str = ""


class JWTRule(Spec, frozen=True):
    NOT_EMPTY = ("issuer", "jwks_uri", "output_payload_to_header")

    issuer: str = ""
    audiences: tuple[str, ...] = ()
    jwks_uri: str = ""
    jwks: str = ""
    from_headers: tuple[JWTHeader, ...] = ()
    from_params: tuple[str, ...] = ()
    from_cookies: tuple[str, ...] = ()
    output_payload_to_header: str = ""
    forward_original_token: bool = False
    output_claim_to_headers: tuple[ClaimToHeader, ...] = ()
    timeout: Duration | None = None
    space_delimited_claims: tuple[str, ...] = ()
    presence: str = ""


class RequestAuthentication(Spec, frozen=True):
    selector: WorkloadSelector | None = None
    target_ref: PolicyTargetReference | None = None
    target_refs: tuple[PolicyTargetReference, ...] = ()
    jwt_rules: tuple[JWTRule, ...] = ()
