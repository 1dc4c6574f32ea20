"""TLS towards backends: what a BackendTLSPolicy or an XBackend asks for, and what is wrong with it.

Authorities are those of the system, or the first ConfigMap named. When they cannot be had the
settings name a secret that nobody serves: connections fail rather than go unverified.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lateen.api.destination_rule import NamedTLSSettings, TLSmode
from lateen.api.gateway_api.policy import BackendTLSPolicyValidation
from lateen.api.gateway_api.references import ObjectReference
from lateen.api.kubernetes.config import ConfigMap
from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.gateway_api import sources
from lateen.gateway_api.credentials import Fault, shown_keys
from lateen.gateway_api.sources import Sources

VALID = "Configuration is valid"
NOBODYS = "invalid://"  # a secret that is never served
SYSTEM = "System"
ROOT_KEYS = ("cacert", "ca.crt")


@dataclass(frozen=True, slots=True)
class BackendTLS:
    settings: NamedTLSSettings
    accepted: str = VALID  # message, when nothing is wrong
    refused: Fault | None = None  # of the condition Accepted
    unresolved: Fault | None = None  # of ResolvedRefs


def backend_tls(
    mesh: Sources, namespace: str, validation: BackendTLSPolicyValidation | None, default_sni: str
) -> BackendTLS:
    if validation is None:
        return BackendTLS(NamedTLSSettings(mode=TLSmode.SIMPLE, sni=default_sni))
    settings = NamedTLSSettings(
        mode=TLSmode.SIMPLE,
        sni=validation.hostname or default_sni,
        subject_alt_names=tuple(each.hostname or each.uri for each in validation.subject_alt_names),
    )
    known = validation.well_known_ca_certificates
    if known:
        if known == SYSTEM:
            return BackendTLS(settings)
        return BackendTLS(
            settings, refused=Fault("Invalid", f"Unknown wellKnownCACertificates: {known}")
        )
    if not validation.ca_certificate_refs:
        return BackendTLS(settings)
    return _with_authority(mesh, namespace, settings, validation.ca_certificate_refs)


def _with_authority(
    mesh: Sources,
    namespace: str,
    settings: NamedTLSSettings,
    references: tuple[ObjectReference, ...],
) -> BackendTLS:
    first = references[0]
    message = VALID
    if len(references) > 1:
        message += "; warning: only the first caCertificateRefs will be used"
    fault, why = _authority_fault(mesh, namespace, first)
    if fault is None:
        return BackendTLS(_named(settings, f"configmap://{namespace}/{first.name}"), message)
    refused = Fault("NoValidCACertificate", f"Certificate reference invalid: {why}")
    return BackendTLS(_named(settings, NOBODYS), message, refused, fault)


def _named(settings: NamedTLSSettings, credential: str) -> NamedTLSSettings:
    return NamedTLSSettings(
        mode=settings.mode,
        sni=settings.sni,
        subject_alt_names=settings.subject_alt_names,
        credential_name=credential,
    )


def _authority_fault(
    mesh: Sources, namespace: str, reference: ObjectReference
) -> tuple[Fault | None, str]:
    """The fault of ResolvedRefs, and in few words why."""
    kind = (reference.group, reference.kind)
    if kind == ("", "Secret") or kind == ("", "Service"):
        why = f"unsupported reference kind: {reference.kind}"
        return Fault("InvalidKind", f"Certificate reference invalid: {why}"), why
    if kind != ("", "ConfigMap"):
        why = f"unsupported kind {reference.kind}"
        return Fault("InvalidKind", f"Certificate reference not supported: {why}"), why
    found = mesh.resource(Key("ConfigMap", namespace, reference.name))
    if found is None:
        why = f"reference {namespace}/{reference.name} (of kind ConfigMap) not found"
        message = f"Certificate reference not found: {why}"
        return Fault("InvalidCACertificateRef", message), why
    why = _root_fault(found)
    return (Fault("InvalidCACertificateRef", f"Certificate invalid: {why}") if why else None), why


def _root_fault(found: Resource[ConfigMap]) -> str:
    data = found.spec.data
    if any(data.get(key) for key in ROOT_KEYS):
        return ""
    for key in ROOT_KEYS:
        if key in data:
            return f'found keys "{key}", but it was empty'
    wanted = " or ".join(ROOT_KEYS)
    return f"found secret, but didn't have expected keys {wanted}; found: {shown_keys(data)}"


@derived
def published_authorities(mesh: Sources, namespace: str) -> frozenset[str]:
    """ConfigMaps of a namespace that its policies name: every proxy may have these roots."""
    return frozenset(_published(mesh, namespace))


def _published(mesh: Sources, namespace: str) -> Iterator[str]:
    for policy in mesh.of_kind("BackendTLSPolicy", namespace):
        if not sources.is_ignored(policy):
            yield from _config_maps(policy.spec.validation)
    for backend in mesh.of_kind("XBackend", namespace):
        if backend.spec.tls is not None:
            yield from _config_maps(backend.spec.tls.validation)


def _config_maps(validation: BackendTLSPolicyValidation | None) -> Iterator[str]:
    for reference in validation.ca_certificate_refs[:1] if validation is not None else ():
        if (reference.group, reference.kind) == ("", "ConfigMap"):
            yield reference.name
