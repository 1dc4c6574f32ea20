"""Policies of backends, as the rules of their definitions check them."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found

TARGET = 'targetRefs: [{group: "", kind: Service, name: web}]'
SYSTEM = "wellKnownCACertificates: System"
POOL = "selector: {matchLabels: {a: b}}, targetPorts: [{number: 80}]"


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        (f"{{{TARGET}, validation: {{hostname: a.b, {SYSTEM}}}}}", []),
        (f"{{{TARGET}}}", ["spec.validation"]),
        (f"{{{TARGET}, validation: {{{SYSTEM}}}}}", ["spec.validation.hostname"]),
        (f"{{{TARGET}, validation: {{hostname: a.b}}}}", ["spec.validation"]),
        (f"{{{TARGET}, validation: {{hostname: a.b, {SYSTEM}, caCertificateRefs: [{{name: c}}]}}}}",
         ["spec.validation"]),
        (f"{{{TARGET}, validation: {{hostname: a.b, {SYSTEM}, subjectAltNames: [{{type: URI}}]}}}}",
         ["spec.validation.subjectAltNames[0].uri"]),
        (f"{{validation: {{hostname: a.b, {SYSTEM}}}}}", ["spec.targetRefs"]),
    ],
)  # fmt: skip
def test_tls_of_backends(spec: str, paths: list[str]) -> None:
    assert found("BackendTLSPolicy", spec) == [f"error {path}" for path in paths]


def test_options_are_told_to_be_unsupported() -> None:
    spec = "{targetRefs: [{kind: Service, name: a}], options: {a: b}, "
    spec += "validation: {hostname: a.b, wellKnownCACertificates: System}}"

    assert found("BackendTLSPolicy", spec) == ["warning spec.options"]


def test_a_share_of_retries_is_a_percentage() -> None:
    spec = f"{{{TARGET}, retryConstraint: {{budget: {{percent: 101}}}}}}"

    assert found("XBackendTrafficPolicy", spec) == ["error spec.retryConstraint.budget.percent"]


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ("{externalHostname: {hostname: a.b}, port: {port: 443}, tls: {mode: ServerOnly}}", []),
        ("{port: {port: 443}}", ["spec.externalHostname"]),
        ("{externalHostname: {hostname: a.b}}", ["spec.port"]),
        ("{externalHostname: {hostname: a.b}, port: {port: 443}, tls: {mode: Some}}",
         ["spec.tls.mode"]),
    ],
)  # fmt: skip
def test_external_backends(spec: str, paths: list[str]) -> None:
    assert found("XBackend", spec) == [f"error {path}" for path in paths]


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        (f"{{{POOL}, endpointPickerRef: {{name: a}}}}", []),
        (f"{{{POOL}}}", ["spec.endpointPickerRef"]),
        ("{targetPorts: [], endpointPickerRef: {name: a}}",
         ["spec.selector.matchLabels", "spec.targetPorts"]),
    ],
)  # fmt: skip
def test_inference_pools(spec: str, paths: list[str]) -> None:
    assert found("InferencePool", spec) == [f"error {path}" for path in paths]
