"""Certificates and authorities that listeners refer to: present, well formed, permitted."""

from collections.abc import Mapping
from dataclasses import dataclass

from lateen.api.gateway_api.gateway import FrontendTLSValidation
from lateen.api.gateway_api.references import ObjectReference
from lateen.api.resource import Key
from lateen.gateway_api import permissions, sources
from lateen.gateway_api.sources import Sources

PEM_START = b"-----BEGIN "
MOST_CERTIFICATES = 2  # one for each kind of key: RSA and ECDSA
CERTIFICATE_KEYS = (("cert", "key"), ("tls.crt", "tls.key"))
SHOWN_KEYS = 3


@dataclass(frozen=True, slots=True)
class Fault:
    reason: str
    message: str
    of_authorities: bool = False  # that clients' certificates must come from


def server_certificates(
    mesh: Sources, kind: str, namespace: str, references: tuple[ObjectReference, ...]
) -> tuple[tuple[str, ...], Fault | None]:
    """Credential names, in order. Those that cannot be used are left out, as long as one can."""
    if not references:
        message = "at least 1 certificateRef is required for TLS termination"
        return (), Fault("InvalidCertificateRef", message)
    if len(references) > MOST_CERTIFICATES:
        message = f"TLS mode can only support up to {MOST_CERTIFICATES} server certificates"
        return (), Fault("InvalidCertificateRef", message)
    names = []
    fault: Fault | None = None
    for reference in references:
        wrong = _reference_fault(mesh, kind, namespace, reference)
        if wrong is None:
            owner = reference.namespace or namespace
            names.append(f"kubernetes-gateway://{owner}/{reference.name}")
        fault = joined(fault, wrong)
    return tuple(names), None if names else fault


def client_certificate_fault(
    mesh: Sources, namespace: str, reference: ObjectReference
) -> Fault | None:
    """Why a Gateway cannot show the certificate to its backends."""
    fault = _reference_fault(mesh, "Gateway", namespace, reference)
    if fault is None or fault.reason == "RefNotPermitted":
        return fault
    return Fault("InvalidClientCertificateRef", fault.message)


def joined(one: Fault | None, other: Fault | None) -> Fault | None:
    """Both messages, with the reason of the first."""
    if one is None or other is None:
        return one or other
    message = f"{one.message}; {other.message}"
    return Fault(one.reason, message, one.of_authorities or other.of_authorities)


def _reference_fault(
    mesh: Sources, kind: str, namespace: str, reference: ObjectReference
) -> Fault | None:
    owner = reference.namespace or namespace
    shown = f"invalid certificate reference {_shown(reference)}"
    if reference.group or reference.kind not in ("", "Secret"):
        return Fault("InvalidCertificateRef", f"{shown}, only secret is allowed")
    if not permissions.is_granted(
        mesh, (sources.GROUP, kind, namespace), ("", "Secret", owner), reference.name
    ):
        return Fault(
            "RefNotPermitted",
            f"certificateRef {reference.name}/{owner} not accessible to a Gateway in "
            f'namespace "{namespace}" (missing a ReferenceGrant?)',
        )
    wrong = _certificate_fault(mesh, reference, owner)
    return Fault("InvalidCertificateRef", f"{shown}, {wrong}") if wrong else None


def frontend_authorities(
    mesh: Sources, namespace: str, validation: FrontendTLSValidation
) -> tuple[str, Fault | None]:
    """The credential of the authorities that clients' certificates must come from."""
    for reference in validation.ca_certificate_refs[:1]:
        owner = reference.namespace or namespace
        shown = f"invalid CA certificate reference {_shown(reference)}"
        if reference.group or reference.kind not in ("ConfigMap", "Secret"):
            message = f"{shown}, only secret and configmap are allowed"
            return "", Fault("InvalidCACertificateKind", message, of_authorities=True)
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
            return "", Fault("RefNotPermitted", message, of_authorities=True)
        if mesh.resource(Key(reference.kind, owner, reference.name)) is None:
            message = f"{shown}, {reference.kind.lower()} {owner}/{reference.name} not found"
            return "", Fault("InvalidCACertificateRef", message, of_authorities=True)
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
        if fields.get(certificate) and fields.get(key):
            for name, what in ((certificate, "certificate"), (key, "key")):
                if PEM_START not in fields[name]:
                    why = f"tls: failed to find any PEM data in {what} input"
                    return f"the certificate is malformed: {why}"
            return ""
    for certificate, key in CERTIFICATE_KEYS:
        if certificate in fields and key in fields:
            return f'found keys "{certificate}" and "{key}", but they were empty'
    wanted = " or ".join(f"({one} and {other})" for one, other in CERTIFICATE_KEYS)
    found_keys = shown_keys(fields)
    return f"found secret, but didn't have expected keys {wanted}; found: {found_keys}"


def shown_keys(fields: Mapping[str, object]) -> str:
    """The first of them, for a message."""
    names = sorted(fields)
    if len(names) < SHOWN_KEYS:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN_KEYS])}, and {len(names) - SHOWN_KEYS} more..."


def _shown(reference: ObjectReference) -> str:
    """Group, kind, name and namespace, as Istio writes references: as far as they are written."""
    return f"{reference.group}/{reference.kind}/{reference.name}.{reference.namespace or ''}"
