"""BackendTLSPolicy: TLS towards the backends of routes."""

from msgspec import field

from lateen.api.gateway_api.references import ObjectReference
from lateen.api.resource import OpenSpec


class PolicyTargetReference(OpenSpec, frozen=True):
    group: str = ""
    kind: str = ""
    name: str = ""
    section_name: str = ""


class SubjectAltName(OpenSpec, frozen=True):
    type: str = ""
    hostname: str = ""
    uri: str = ""


class BackendTLSPolicyValidation(OpenSpec, frozen=True):
    ca_certificate_refs: tuple[ObjectReference, ...] = ()
    well_known_ca_certificates: str = field(default="", name="wellKnownCACertificates")
    hostname: str = ""
    subject_alt_names: tuple[SubjectAltName, ...] = ()


class BackendTLSPolicySpec(OpenSpec, frozen=True):
    target_refs: tuple[PolicyTargetReference, ...] = ()
    validation: BackendTLSPolicyValidation | None = None
    options: dict[str, str] = {}
