"""GRPCRoutes, as the rules of their definition check them."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found

BAD = [
    ("{rules: [{matches: [{method: {}}]}]}", "spec.rules[0].matches[0].method"),
    ("{rules: [{matches: [{method: {service: 'a-b'}}]}]}",
     "spec.rules[0].matches[0].method.service"),
    ("{rules: [{matches: [{method: {method: a.b}}]}]}", "spec.rules[0].matches[0].method.method"),
    ("{rules: [{matches: [{method: {type: RegularExpression, method: '('}}]}]}",
     "spec.rules[0].matches[0].method.method"),
    ("{rules: [{matches: [{method: {type: Prefix, method: a}}]}]}",
     "spec.rules[0].matches[0].method.type"),
    ("{rules: [{filters: [{type: URLRewrite, urlRewrite: {hostname: a}}]}]}",
     "spec.rules[0].filters[0].type"),
]  # fmt: skip


def test_a_good_one_is_accepted() -> None:
    match = "{method: {service: a.B, method: C}, headers: [{name: x, value: w}]}"

    assert found("GRPCRoute", f"{{rules: [{{matches: [{match}]}}]}}") == []


@pytest.mark.parametrize(("spec", "path"), BAD)
def test_bad_ones_are_refused_at_their_path(spec: str, path: str) -> None:
    assert found("GRPCRoute", spec) == [f"error {path}"]
