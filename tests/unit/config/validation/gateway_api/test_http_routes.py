"""HTTPRoutes, as the rules of their definition check them."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found

TO_WEB = "backendRefs: [{name: web, port: 80}]"
GOOD = [
    "{}",
    f"{{rules: [{{{TO_WEB}}}]}}",
    f"{{hostnames: ['*.example.com', a.b], rules: [{{matches: [{{method: GET}}], {TO_WEB}}}]}}",
    "{rules: [{matches: [{path: {value: /a%20b}, headers: [{name: x-a, value: b}]}]}]}",
    "{rules: [{matches: [{path: {type: RegularExpression, value: 'a|b'}}]}]}",
    "{rules: [{timeouts: {request: 1s, backendRequest: 500ms}, retry: {codes: [503]}}]}",
    "{rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: a.b, port: 1}]}]}",
]
BAD = [
    ("{hostnames: [A.b]}", "spec.hostnames[0]"),
    ("{hostnames: [1.2.3.4]}", "spec.hostnames[0]"),
    ("{hostnames: ['a.*.b']}", "spec.hostnames[0]"),
    ("{rules: [{name: a}, {name: a}]}", "spec.rules[1].name"),
    ("{rules: [{matches: [{path: {value: a}}]}]}", "spec.rules[0].matches[0].path.value"),
    ("{rules: [{matches: [{path: {value: /a//b}}]}]}", "spec.rules[0].matches[0].path.value"),
    ("{rules: [{matches: [{path: {value: /a/..}}]}]}", "spec.rules[0].matches[0].path.value"),
    ("{rules: [{matches: [{path: {value: '/a b'}}]}]}", "spec.rules[0].matches[0].path.value"),
    ("{rules: [{matches: [{path: {type: Suffix, value: /a}}]}]}",
     "spec.rules[0].matches[0].path.type"),
    ("{rules: [{matches: [{path: {type: RegularExpression, value: '(?=a)'}}]}]}",
     "spec.rules[0].matches[0].path.value"),
    ("{rules: [{matches: [{method: get}]}]}", "spec.rules[0].matches[0].method"),
    ("{rules: [{matches: [{headers: [{name: 'a b', value: c}]}]}]}",
     "spec.rules[0].matches[0].headers[0].name"),
    ("{rules: [{matches: [{headers: [{name: a, value: ''}]}]}]}",
     "spec.rules[0].matches[0].headers[0].value"),
    ("{rules: [{matches: [{queryParams: [{name: a, value: b}, {name: a, value: c}]}]}]}",
     "spec.rules[0].matches[0].queryParams[1].name"),
    ("{rules: [{timeouts: {request: 1s, backendRequest: 2s}}]}",
     "spec.rules[0].timeouts.backendRequest"),
    ("{rules: [{retry: {codes: [200]}}]}", "spec.rules[0].retry.codes[0]"),
    ("{rules: [{backendRefs: [{name: web}]}]}", "spec.rules[0].backendRefs[0].port"),
    ("{rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}],"
     f" {TO_WEB}}}]}}", "spec.rules[0].backendRefs"),
    ("{rules: [{matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite,"
     " urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}]}",
     "spec.rules[0].filters"),
]  # fmt: skip


@pytest.mark.parametrize("spec", GOOD)
def test_good_ones_are_accepted(spec: str) -> None:
    assert found("HTTPRoute", spec) == []


@pytest.mark.parametrize(("spec", "path"), BAD)
def test_bad_ones_are_refused_at_their_path(spec: str, path: str) -> None:
    assert found("HTTPRoute", spec) == [f"error {path}"]


def test_persistent_sessions_are_told_to_be_unsupported() -> None:
    rule = "{sessionPersistence: {type: Cookie}}"

    assert found("HTTPRoute", f"{{rules: [{rule}]}}") == [
        "warning spec.rules[0].sessionPersistence"
    ]
    assert found("GRPCRoute", f"{{rules: [{rule}]}}") == [
        "warning spec.rules[0].sessionPersistence"
    ]


def test_too_many_matches_are_refused() -> None:
    match = "{path: {value: /a}}"
    rule = f"{{matches: [{', '.join([match] * 60)}]}}"

    assert found("HTTPRoute", f"{{rules: [{rule}, {rule}, {rule}]}}") == ["error spec.rules"]
