"""BackendTLSPolicy, XBackendTrafficPolicy, XBackend and InferencePool."""

from collections.abc import Sequence

from lateen.api.gateway_api.backend import XBackendSpec, XBackendTrafficPolicySpec
from lateen.api.gateway_api.inference import InferencePoolSpec
from lateen.api.gateway_api.policy import (
    BackendTLSPolicySpec,
    BackendTLSPolicyValidation,
    PolicyTargetReference,
)
from lateen.api.resource import Resource
from lateen.config.validation.gateway_api import shapes
from lateen.config.validation.report import Report

NAME_TYPES = ("Hostname", "URI")
TLS_MODES = ("None", "ServerOnly", "ClientAndServer")
BACKEND_TYPES = ("ExternalHostname",)
MOST_TARGETS, MOST_AUTHORITIES, MOST_NAMES, MOST_TARGET_PORTS = 16, 8, 5, 8


def check_backend_tls(resource: Resource[BackendTLSPolicySpec], report: Report) -> None:
    spec = resource.spec
    _check_targets(report, spec.target_refs)
    if spec.options:
        report.warning("spec.options", "are not supported, and have no effect")
    if spec.validation is None:
        report.error("spec.validation", "must be set")
        return
    if not spec.validation.hostname:
        report.error("spec.validation.hostname", "must be set")
    _check_authorities(report, "spec.validation", spec.validation)
    _check_validation(report, "spec.validation", spec.validation)


def check_traffic(resource: Resource[XBackendTrafficPolicySpec], report: Report) -> None:
    _check_targets(report, resource.spec.target_refs)
    constraint = resource.spec.retry_constraint
    if constraint is None or constraint.budget is None:
        return
    percent = constraint.budget.percent
    if not 0 <= percent <= 100:
        path = "spec.retryConstraint.budget.percent"
        report.error(path, f"{percent} must be from 0 to 100")


def check_backend(resource: Resource[XBackendSpec], report: Report) -> None:
    spec = resource.spec
    shapes.check_one_of(report, "spec.type", spec.type, BACKEND_TYPES)
    if spec.external_hostname is None:
        report.error("spec.externalHostname", f"must be set for type {spec.type}")
    else:
        path = "spec.externalHostname.hostname"
        shapes.check_hostname(report, path, spec.external_hostname.hostname, wildcard=False)
    if spec.port is None:
        report.error("spec.port", "must be set")
    else:
        shapes.check_port(report, "spec.port.port", spec.port.port)
    if spec.tls is not None:
        shapes.check_one_of(report, "spec.tls.mode", spec.tls.mode, TLS_MODES)
        if spec.tls.validation is not None:
            _check_validation(report, "spec.tls.validation", spec.tls.validation)


def check_inference_pool(resource: Resource[InferencePoolSpec], report: Report) -> None:
    spec = resource.spec
    if spec.selector is None or not spec.selector.match_labels:
        report.error("spec.selector.matchLabels", "must not be empty")
    ports = spec.target_ports
    shapes.check_count(report, "spec.targetPorts", ports, least=1, most=MOST_TARGET_PORTS)
    for index, port in enumerate(ports):
        shapes.check_port(report, f"spec.targetPorts[{index}].number", port.number)
    if spec.endpoint_picker_ref is None:
        report.error("spec.endpointPickerRef", "must be set")
    else:
        name = spec.endpoint_picker_ref.name
        shapes.check_object_name(report, "spec.endpointPickerRef.name", name)


def _check_targets(report: Report, targets: Sequence[PolicyTargetReference]) -> None:
    path = "spec.targetRefs"
    shapes.check_count(report, path, targets, least=1, most=MOST_TARGETS)
    seen: set[tuple[str, ...]] = set()
    for index, target in enumerate(targets):
        shapes.check_object_name(report, f"{path}[{index}].name", target.name)
        place = (target.group, target.kind, target.name, target.section_name)
        if place in seen:
            hint = "several ports of one target have a sectionName each"
            report.error(f"{path}[{index}]", "is the target of an earlier one", hint)
        seen.add(place)


def _check_authorities(report: Report, path: str, validation: BackendTLSPolicyValidation) -> None:
    references, known = validation.ca_certificate_refs, validation.well_known_ca_certificates
    if references and known:
        report.error(path, "only one of caCertificateRefs and wellKnownCACertificates may be set")
    if not references and not known:
        report.error(path, "one of caCertificateRefs and wellKnownCACertificates must be set")


def _check_validation(report: Report, path: str, validation: BackendTLSPolicyValidation) -> None:
    if validation.hostname:
        shapes.check_hostname(report, f"{path}.hostname", validation.hostname, wildcard=False)
    references = validation.ca_certificate_refs
    shapes.check_count(report, f"{path}.caCertificateRefs", references, most=MOST_AUTHORITIES)
    names = validation.subject_alt_names
    shapes.check_count(report, f"{path}.subjectAltNames", names, most=MOST_NAMES)
    for index, name in enumerate(names):
        place = f"{path}.subjectAltNames[{index}]"
        shapes.check_one_of(report, f"{place}.type", name.type, NAME_TYPES)
        wanted, other = ("hostname", "uri") if name.type == "Hostname" else ("uri", "hostname")
        if not getattr(name, wanted):
            report.error(f"{place}.{wanted}", f"must be set for type {name.type}")
        if getattr(name, other):
            report.error(f"{place}.{other}", f"cannot be set for type {name.type}")
