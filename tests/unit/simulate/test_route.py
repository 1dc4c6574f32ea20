"""Which virtual host and route a request meets."""

from typing import Any

import pytest

from lateen.envoy import messages
from lateen.simulate.call import Action, Call, Security
from lateen.simulate.route import action, find_route, find_virtual_host, matches
from tests.unit.simulate.worlds import configuration, route


def match_of(**fields: Any) -> Any:
    return messages.from_json({"prefix": "/", **fields}, "envoy.config.route.v3.RouteMatch")


def host_named(table: Any, host: str) -> str:
    found = find_virtual_host(table, host)
    return found.name if found else ""


def test_exact_domains_come_before_suffixes_prefixes_and_any() -> None:
    table = configuration(
        "80",
        [
            {"name": "any", "domains": ["*"]},
            {"name": "prefix", "domains": ["web.*"]},
            {"name": "suffix", "domains": ["*.example.com"]},
            {"name": "long-suffix", "domains": ["*.api.example.com"]},
            {"name": "exact", "domains": ["WEB.example.com"]},
        ],
    )

    assert host_named(table, "web.example.com") == "exact"
    assert host_named(table, "v1.api.example.com") == "long-suffix"
    assert host_named(table, "x.example.com") == "suffix"
    assert host_named(table, "web.example.org") == "prefix"
    assert host_named(table, "other") == "any"


def test_the_port_of_the_host_header_counts_unless_it_is_ignored() -> None:
    hosts = [{"name": "a", "domains": ["a"]}]

    assert host_named(configuration("80", hosts), "a:8080") == ""
    assert (
        host_named(configuration("80", hosts, ignore_port_in_host_matching=True), "a:8080") == "a"
    )


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"prefix": "/api"}, "/apis", True),
        ({"path_separated_prefix": "/api"}, "/apis", False),
        ({"path_separated_prefix": "/api"}, "/api/v1", True),
        ({"path": "/api"}, "/api?x=1", True),
        ({"path": "/api"}, "/api/", False),
        ({"path": "/API", "case_sensitive": False}, "/api", True),
        ({"safe_regex": {"regex": "/a+"}}, "/aaa", True),
        ({"safe_regex": {"regex": "/a+"}}, "/aab", False),
    ],
)
def test_paths(fields: dict[str, Any], path: str, expected: bool) -> None:
    match = messages.from_json(fields, "envoy.config.route.v3.RouteMatch")

    assert matches(match, Call(port=80, path=path)) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"name": "x-user", "string_match": {"exact": "jason"}}, True),
        ({"name": "x-user", "string_match": {"prefix": "jas"}}, True),
        ({"name": "x-user", "string_match": {"exact": "JASON", "ignore_case": True}}, True),
        ({"name": "x-user", "string_match": {"exact": "jason"}, "invert_match": True}, False),
        ({"name": "x-none", "string_match": {"exact": "a"}, "invert_match": True}, False),
        (
            {
                "name": "x-none",
                "string_match": {"exact": "a"},
                "invert_match": True,
                "treat_missing_header_as_empty": True,
            },
            True,
        ),
        ({"name": "x-none", "present_match": True}, False),
        ({"name": "x-none", "present_match": True, "invert_match": True}, True),
        ({"name": ":method", "string_match": {"exact": "GET"}}, True),
        ({"name": ":authority", "string_match": {"suffix": ".com"}}, True),
        ({"name": ":scheme", "string_match": {"exact": "https"}}, True),
    ],
)
def test_headers(header: dict[str, Any], expected: bool) -> None:
    call = Call(
        port=80, host="a.example.com", headers=(("x-user", "jason"),), security=Security.TLS
    )

    assert matches(match_of(headers=[header]), call) is expected


def test_query_parameters_must_be_there_and_match() -> None:
    match = match_of(query_parameters=[{"name": "v", "string_match": {"exact": "2"}}])

    assert matches(match, Call(port=80, path="/?a=1&v=2"))
    assert not matches(match, Call(port=80, path="/?v=1"))
    assert not matches(match, Call(port=80, path="/"))


def test_the_first_route_that_matches_is_taken() -> None:
    table = configuration(
        "80",
        [{"name": "h", "domains": ["*"], "routes": [route("a", prefix="/a"), route("rest")]}],
    )

    assert find_route(table.virtual_hosts[0], Call(port=80, path="/a/b")).name == "a"
    assert find_route(table.virtual_hosts[0], Call(port=80, path="/b")).name == "rest"


def test_actions_tell_clusters_with_weights_or_a_status() -> None:
    def of(fields: dict[str, Any]) -> Any:
        made = {"match": {"prefix": "/"}, **fields}
        return action(messages.from_json(made, "envoy.config.route.v3.Route"))

    split = {"clusters": [{"name": "a", "weight": 90}, {"name": "b", "weight": 10}]}

    assert of({"route": {"cluster": "a"}}) == (Action.FORWARD, (("a", 1),), 0)
    assert of({"route": {"weighted_clusters": split}})[1] == (("a", 90), ("b", 10))
    assert of({"redirect": {"response_code": "FOUND"}}) == (Action.REDIRECT, (), 302)
    assert of({"direct_response": {"status": 503}}) == (Action.RESPOND, (), 503)
