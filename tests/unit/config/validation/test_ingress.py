"""Ingress, as the Kubernetes API server checks it."""

import pytest

from tests.unit.config.validation.found import found

BACKEND = "backend: {service: {name: web, port: {number: 80}}}"
PATH = f"{{path: /, pathType: Prefix, {BACKEND}}}"


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        (f"{{rules: [{{host: a.b, http: {{paths: [{PATH}]}}}}]}}", []),
        ("{defaultBackend: {service: {name: web, port: {name: http}}}}", []),
        ("{}", ["error spec"]),
        ("{rules: [{host: A.b}]}", ["error spec.rules[0].host"]),
        ("{rules: [{http: {paths: []}}]}", ["error spec.rules[0].http.paths"]),
        (f"{{rules: [{{http: {{paths: [{{path: /, {BACKEND}}}]}}}}]}}",
         ["warning spec.rules[0].http.paths[0].pathType"]),
        (f"{{rules: [{{http: {{paths: [{{path: a, pathType: Exact, {BACKEND}}}]}}}}]}}",
         ["error spec.rules[0].http.paths[0].path"]),
        ("{rules: [{http: {paths: [{path: /, pathType: Exact, backend: {}}]}}]}",
         ["error spec.rules[0].http.paths[0].backend"]),
        ("{defaultBackend: {service: {name: web, port: {name: a, number: 1}}}}",
         ["error spec.defaultBackend.service.port"]),
        ("{defaultBackend: {service: {name: web}}}", ["error spec.defaultBackend.service.port"]),
    ],
)  # fmt: skip
def test_rules_and_backends(spec: str, wanted: list[str]) -> None:
    assert found("Ingress", spec) == wanted
