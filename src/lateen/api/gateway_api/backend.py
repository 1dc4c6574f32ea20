"""XBackend and XBackendTrafficPolicy: experimental kinds of the Gateway API."""

from typing import Any

from lateen.api.duration import Duration
from lateen.api.gateway_api.policy import BackendTLSPolicyValidation, PolicyTargetReference
from lateen.api.gateway_api.references import ObjectReference
from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32


class ExternalHostname(OpenSpec, frozen=True):
    hostname: str = ""


class BackendPort(OpenSpec, frozen=True):
    name: str = ""
    port: Int32 = 0


class BackendTLS(OpenSpec, frozen=True):
    """`mode`: None, ServerOnly or ClientAndServer."""

    mode: str = ""
    client_certificate_ref: ObjectReference | None = None
    validation: BackendTLSPolicyValidation | None = None


class XBackendSpec(OpenSpec, frozen=True):
    type: str = "ExternalHostname"
    external_hostname: ExternalHostname | None = None
    port: BackendPort | None = None
    protocol: str = ""
    tls: BackendTLS | None = None


class RetryRate(OpenSpec, frozen=True):
    count: Int32 = 10
    interval: Duration | None = None


class BudgetDetails(OpenSpec, frozen=True):
    percent: Int32 = 20
    interval: Duration | None = None


class RetryConstraint(OpenSpec, frozen=True):
    budget: BudgetDetails | None = None
    min_retry_rate: RetryRate | None = None


class XBackendTrafficPolicySpec(OpenSpec, frozen=True):
    target_refs: tuple[PolicyTargetReference, ...] = ()
    retry_constraint: RetryConstraint | None = None
    session_persistence: dict[str, Any] | None = None
