"""Filters: the field of their type and no other, and which stand together."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found

GOOD = [
    "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}",
    "{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}, percent: 10}}",
    "{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 308}}",
    "{type: CORS, cors: {allowOrigins: ['https://*.example.com', 'http://a:8080'], maxAge: 5}}",
    "{type: ExtensionRef, extensionRef: {group: a.b, kind: C, name: d}}",
]
BAD = [
    ("{type: Magic}", ["type"]),
    ("{type: CORS}", ["cors"]),
    ("{type: CORS, cors: {}, urlRewrite: {hostname: a}}", ["urlRewrite"]),
    ("{type: RequestRedirect, requestRedirect: {scheme: ftp}}", ["requestRedirect.scheme"]),
    ("{type: RequestRedirect, requestRedirect: {statusCode: 200}}",
     ["requestRedirect.statusCode"]),
    ("{type: RequestRedirect, requestRedirect: {port: 0}}", ["requestRedirect.port"]),
    ("{type: RequestRedirect, requestRedirect: {hostname: '*.a'}}", ["requestRedirect.hostname"]),
    ("{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath}}}",
     ["urlRewrite.path.replaceFullPath"]),
    ("{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /a,"
     " replacePrefixMatch: /b}}}", ["urlRewrite.path.replacePrefixMatch"]),
    ("{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 1}, percent: 1,"
     " fraction: {numerator: 1}}}", ["requestMirror"]),
    ("{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 1}, percent: 101}}",
     ["requestMirror.percent"]),
    ("{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 1},"
     " fraction: {numerator: 3, denominator: 2}}}", ["requestMirror.fraction"]),
    ("{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: 'a:', value: b}]}}",
     ["requestHeaderModifier.add[0].name"]),
    ("{type: CORS, cors: {allowMethods: ['*', GET]}}", ["cors.allowMethods"]),
    ("{type: CORS, cors: {allowOrigins: [example.com]}}", ["cors.allowOrigins[0]"]),
]  # fmt: skip


def of(*filters: str) -> list[str]:
    return found("HTTPRoute", f"{{rules: [{{filters: [{', '.join(filters)}]}}]}}")


@pytest.mark.parametrize("each", GOOD)
def test_good_ones_are_accepted(each: str) -> None:
    assert of(each) == []


@pytest.mark.parametrize(("each", "paths"), BAD)
def test_bad_ones_are_refused_at_their_path(each: str, paths: list[str]) -> None:
    assert of(each) == [f"error spec.rules[0].filters[0].{path}" for path in paths]


def test_a_filter_is_not_repeated_but_mirrors_are() -> None:
    cors = "{type: CORS, cors: {}}"
    mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}"

    assert of(cors, cors) == ["error spec.rules[0].filters[1]"]
    assert of(mirror, mirror) == []


def test_redirect_and_rewrite_exclude_each_other() -> None:
    redirect = "{type: RequestRedirect, requestRedirect: {scheme: https}}"
    rewrite = "{type: URLRewrite, urlRewrite: {hostname: a.b}}"

    assert of(redirect, rewrite) == ["error spec.rules[0].filters"]
