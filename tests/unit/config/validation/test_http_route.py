"""HTTP routes of a VirtualService."""

from typing import Any

import pytest

from tests.unit.config.validation.found import found

ROUTE = [{"destination": {"host": "a"}}]


def route(**fields: Any) -> list[str]:
    problems = found("VirtualService", {"hosts": ["a.b"], "http": [fields]})
    return [problem.replace("spec.http[0]", "").rstrip() for problem in problems]


def routed(**fields: Any) -> list[str]:
    return route(route=ROUTE, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"timeout": "0.5s"},
        {"retries": {"attempts": 0}},
        {"retries": {"attempts": 2, "retryOn": "5xx, 503,cancelled", "perTryTimeout": "1s"}},
        {"match": [{"uri": {"regex": "^/v[0-9]+(/.*)?$"}, "headers": {"x": {}}}]},
        {"headers": {"request": {"set": {"x": "100%%", "y": "%REQ(:path)%"}, "remove": ["z"]}}},
        {"corsPolicy": {"allowOrigins": [{"exact": "*"}], "allowHeaders": ["*"], "maxAge": "1h"}},
        {"fault": {"abort": {"grpcStatus": "UNAVAILABLE", "percentage": {"value": 0.001}}}},
        {"rewrite": {"uriRegexRewrite": {"match": "^/(.*)", "rewrite": "/v1/\\1"}}},
        {"mirrors": [{"destination": {"host": "b"}, "percentage": {"value": 1}}]},
    ],
)
def test_ordinary_routes_are_fine(fields: dict[str, Any]) -> None:
    assert routed(**fields) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"timeout": "0.0001s"}, "error .timeout"),
        ({"timeout": "1.0000001s"}, "error .timeout"),
        ({"retries": {"retryOn": "5xx"}}, "error .retries"),
        ({"retries": {"attempts": -1}}, "error .retries.attempts"),
        ({"retries": {"attempts": 1, "retryOn": "often"}}, "error .retries.retryOn"),
        ({"retries": {"attempts": 1, "backoff": "1us"}}, "error .retries.backoff"),
        ({"match": [{"uri": {"prefix": ""}}]}, "error .match[0].uri.prefix"),
        ({"match": [{"uri": {"regex": ""}}]}, "error .match[0].uri.regex"),
        ({"match": [{"uri": {"regex": "a" * 1025}}]}, "error .match[0].uri.regex"),
        ({"match": [{"uri": {"regex": "(?=a)"}}]}, "error .match[0].uri.regex"),
        ({"match": [{"headers": {"a b": {}}}]}, "error .match[0].headers[a b]"),
        ({"match": [{"headers": {"@claims": {}}}]}, "error .match[0].headers[@claims]"),
        ({"match": [{"port": 70000}]}, "error .match[0].port"),
        ({"match": [{"sourceLabels": {"a/": "x"}}]}, "error .match[0].sourceLabels[a/]"),
        ({"headers": {"request": {"set": {"x": "50%"}}}}, "error .headers.request.set[x]"),
        ({"headers": {"response": {"remove": [""]}}}, "error .headers.response.remove[0]"),
        ({"corsPolicy": {"allowOrigins": [{"exact": ""}]}},
         "error .corsPolicy.allowOrigins[0].exact"),
        ({"corsPolicy": {"allowMethods": ["FETCH"]}}, "error .corsPolicy.allowMethods[0]"),
        ({"corsPolicy": {"maxAge": "1.5s"}}, "error .corsPolicy.maxAge"),
        ({"fault": {}}, "error .fault"),
        ({"fault": {"delay": {"exponentialDelay": "1s"}}}, "error .fault.delay.exponentialDelay"),
        ({"fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 101}}}},
         "error .fault.delay.percentage.value"),
        ({"fault": {"delay": {"fixedDelay": "1s", "percent": 5}}}, "warning .fault.delay.percent"),
        ({"fault": {"abort": {"httpStatus": 100}}}, "error .fault.abort.httpStatus"),
        ({"fault": {"abort": {"grpcStatus": "BAD"}}}, "error .fault.abort.grpcStatus"),
        ({"fault": {"abort": {"http2Error": "x"}}}, "error .fault.abort.http2Error"),
        ({"rewrite": {}}, "error .rewrite"),
        ({"rewrite": {"uri": "/", "uriRegexRewrite": {"match": "a", "rewrite": "b"}}},
         "error .rewrite"),
        ({"mirror": {"host": "b"}, "mirrors": [{"destination": {"host": "b"}}]}, "error"),
        ({"mirrors": [{}]}, "error .mirrors[0].destination"),
        ({"mirrorPercent": 5}, "warning .mirrorPercent"),
        ({"redirect": {"uri": "/"}}, "error"),
        ({"directResponse": {"status": 200}}, "error"),
        ({"delegate": {"name": "x"}}, "error"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_is(fields: dict[str, Any], problem: str) -> None:
    assert routed(**fields) == [problem]


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({}, ["error"]),
        ({"redirect": {"uri": "/"}}, []),
        ({"redirect": {"derivePort": "FROM_REQUEST_PORT"}}, []),
        ({"redirect": {}}, ["error .redirect"]),
        ({"redirect": {"uri": "/", "redirectCode": 200}}, ["error .redirect.redirectCode"]),
        ({"redirect": {"scheme": "ftp"}}, ["error .redirect.scheme"]),
        ({"redirect": {"uri": "/", "prefixRewrite": "/"}}, ["error .redirect"]),
        ({"redirect": {"uri": "/"}, "directResponse": {"status": 200}}, ["error"]),
        ({"directResponse": {"status": 200, "body": {"string": "ok"}}}, []),
        ({"directResponse": {"status": 200}, "fault": {"abort": {"httpStatus": 500}}}, ["error"]),
        ({"directResponse": {"status": 99}}, ["error .directResponse.status"]),
        ({"directResponse": {"status": 200, "body": {"string": "a" * 1048577}}},
         ["error .directResponse.body"]),
        ({"directResponse": {"status": 200, "body": {"string": "a" * 200000}}},
         ["warning .directResponse.body"]),
        ({"route": [{}]}, ["error .route[0].destination"]),
        ({"route": [{"destination": {"host": "*"}}]}, ["error .route[0].destination.host"]),
        ({"route": [{"destination": {"host": "a", "subset": "v_1"}}]},
         ["error .route[0].destination.subset"]),
        ({"route": [{"destination": {"host": "a", "port": {}}}]},
         ["error .route[0].destination.port.number"]),
        ({"route": [{"destination": {"host": "a"}, "weight": -1}]}, ["error .route[0].weight"]),
        ({"delegate": {"name": "x"}}, []),
    ],
)  # fmt: skip
def test_a_route_does_one_thing_and_does_it_right(
    fields: dict[str, Any], problems: list[str]
) -> None:
    assert route(**fields) == problems


def test_a_prefix_is_rewritten_only_where_a_prefix_was_matched() -> None:
    redirect = {"prefixRewrite": "/b"}
    assert route(redirect=redirect, match=[{"uri": {"prefix": "/a"}}]) == []
    assert route(redirect=redirect, match=[{"uri": {"exact": "/a"}}]) == [
        "error .redirect.prefixRewrite"
    ]


def test_the_authority_is_set_once() -> None:
    twice = {"rewrite": {"authority": "x"}, "headers": {"request": {"set": {"Host": "y"}}}}
    assert routed(**twice) == ["error"]
