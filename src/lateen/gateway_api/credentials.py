"""Certificates and authorities that listeners refer to: present, well formed, permitted."""

from dataclasses import dataclass

from lateen.api.gateway_api.gateway import FrontendTLSValidation
from lateen.api.gateway_api.references import ObjectReference
from lateen.api.resource import Key
from lateen.gateway_api import permissions, sources
from lateen.gateway_api.sources import Sources

PEM_START = b"-----BEGIN "
CERTIFICATE_KEYS = (("tls.crt", "tls.key"), ("cert", "key"))


@dataclass(frozen=True, slots=True)
class Fault:
    reason: str
    message: str


def server_certificates(
    mesh: Sources, kind: str, namespace: str, references: tuple[ObjectReference, ...]
) -> tuple[tuple[str, ...], Fault | None]:
    """Credential names, in order; or the first thing that is wrong."""
    if not references:
        message = "at least 1 certificateRef is required for TLS termination"
        return (), Fault("InvalidCertificateRef", message)
    names = []
    for reference in references:
        owner = reference.namespace or namespace
        if reference.group or reference.kind not in ("", "Secret"):
            return (), Fault(
                "InvalidCertificateRef",
                f"invalid certificate reference {_shown(reference)}, only secret is allowed",
            )
        name = f"kubernetes-gateway://{owner}/{reference.name}"
        if not permissions.is_granted(
            mesh, (sources.GROUP, kind, namespace), ("", "Secret", owner), reference.name
        ):
            return (), Fault(
                "RefNotPermitted",
                f"certificateRef {reference.name}/{owner} not accessible to a Gateway in "
                f'namespace "{namespace}" (missing a ReferenceGrant?)',
            )
        wrong = _certificate_fault(mesh, reference, owner)
        if wrong:
            return (), Fault(
                "InvalidCertificateRef",
                f"invalid certificate reference {_shown(reference)}, {wrong}",
            )
        names.append(name)
    return tuple(names), None


def frontend_authorities(
    mesh: Sources, namespace: str, validation: FrontendTLSValidation
) -> tuple[str, Fault | None]:
    """The credential of the authorities that clients' certificates must come from."""
    for reference in validation.ca_certificate_refs[:1]:
        owner = reference.namespace or namespace
        shown = f"invalid CA certificate reference {_shown(reference)}"
        if reference.group or reference.kind not in ("ConfigMap", "Secret"):
            message = f"{shown}, only secret and configmap are allowed"
            return "", Fault("InvalidCACertificateKind", message)
        if not permissions.is_granted(
            mesh,
            (sources.GROUP, "Gateway", namespace),
            ("", reference.kind, owner),
            reference.name,
        ):
            message = (
                f"caCertificateRef {reference.name}/{owner} not accessible to a Gateway in "
                f'namespace "{namespace}" (missing a ReferenceGrant?)'
            )
            return "", Fault("RefNotPermitted", message)
        if mesh.resource(Key(reference.kind, owner, reference.name)) is None:
            message = f"{shown}, {reference.kind.lower()} {owner}/{reference.name} not found"
            return "", Fault("InvalidCACertificateRef", message)
        scheme = "configmap" if reference.kind == "ConfigMap" else "kubernetes-gateway"
        return f"{scheme}://{owner}/{reference.name}-cacert", None
    return "", None


def _certificate_fault(mesh: Sources, reference: ObjectReference, namespace: str) -> str:
    found = mesh.resource(Key("Secret", namespace, reference.name))
    if found is None:
        return f"secret {namespace}/{reference.name} not found"
    text = {key: value.encode() for key, value in found.spec.string_data.items()}
    fields = {**found.spec.data, **text}
    for certificate, key in CERTIFICATE_KEYS:
        if certificate in fields and key in fields:
            whole = PEM_START in fields[certificate] and PEM_START in fields[key]
            return "" if whole else "the certificate is malformed: tls: failed to find any PEM data"
    return "found secret, but didn't have expected keys"


def _shown(reference: ObjectReference) -> str:
    """Group, kind, name and namespace, as Istio writes references."""
    kind = reference.kind or "Secret"
    return f"{reference.group}/{kind}/{reference.name}.{reference.namespace or ''}"
