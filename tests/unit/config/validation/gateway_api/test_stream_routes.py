"""TLSRoutes, TCPRoutes and UDPRoutes, as the rules of their definitions check them."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found

RULES = "rules: [{backendRefs: [{name: web, port: 80}]}]"


@pytest.mark.parametrize(
    ("kind", "spec", "paths"),
    [
        ("TCPRoute", f"{{{RULES}}}", []),
        ("UDPRoute", f"{{{RULES}}}", []),
        ("TLSRoute", f"{{hostnames: [a.b], {RULES}}}", []),
        ("TLSRoute", f"{{{RULES}}}", ["spec.hostnames"]),
        ("TCPRoute", "{rules: []}", ["spec.rules"]),
        ("TCPRoute", "{rules: [{backendRefs: [{name: web, port: 80, weight: -1}]}]}",
         ["spec.rules[0].backendRefs[0].weight"]),
    ],
)  # fmt: skip
def test_rules_and_hostnames(kind: str, spec: str, paths: list[str]) -> None:
    assert found(kind, spec) == [f"error {path}" for path in paths]


def test_a_tls_route_of_the_alpha_version_may_be_for_all_names() -> None:
    assert found("TLSRoute", f"{{{RULES}}}", "v1alpha2") == []
