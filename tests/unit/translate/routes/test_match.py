"""HTTPMatchRequest as Envoy's RouteMatch."""

from typing import Any

import pytest

from lateen.api.virtual_service import HTTPMatchRequest, StringMatch
from lateen.envoy import messages, types
from lateen.translate.routes.match import claim_path, is_catch_all, route_match


def made(**fields: Any) -> dict[str, Any]:
    return messages.to_json(route_match(HTTPMatchRequest(**fields)))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        (StringMatch(exact="/a"), {"path": "/a"}),
        (StringMatch(prefix="/a"), {"prefix": "/a"}),
        (StringMatch(regex="/a.*"), {"safe_regex": {"regex": "/a.*"}}),
    ],
)
def test_uri_is_matched_as_a_whole_by_prefix_or_by_pattern(
    uri: StringMatch, path: dict[str, Any]
) -> None:
    assert made(uri=uri) == {**path, "case_sensitive": True}
    assert made(uri=uri, ignore_uri_case=True) == {**path, "case_sensitive": False}


def test_no_match_is_every_request() -> None:
    assert messages.to_json(route_match(None)) == {"prefix": "/"}


def test_headers_are_in_order_and_pseudo_headers_follow() -> None:
    match = made(
        headers={"x-b": StringMatch(prefix="p"), "x-a": StringMatch(exact="e")},
        method=StringMatch(exact="GET"),
        authority=StringMatch(regex=".*"),
        scheme=StringMatch(exact="https"),
    )

    assert match["headers"] == [
        {"name": "x-a", "string_match": {"exact": "e"}},
        {"name": "x-b", "string_match": {"prefix": "p"}},
        {"name": ":method", "string_match": {"exact": "GET"}},
        {"name": ":authority", "string_match": {"safe_regex": {"regex": ".*"}}},
        {"name": ":scheme", "string_match": {"exact": "https"}},
    ]


@pytest.mark.parametrize("empty", [StringMatch(), StringMatch(regex="*")])
def test_header_without_a_value_needs_only_to_be_there(empty: StringMatch) -> None:
    assert made(headers={"x": empty})["headers"] == [{"name": "x", "present_match": True}]


def test_unwanted_header_counts_as_empty_when_it_is_missing() -> None:
    match = made(without_headers={"a": StringMatch(), "b": StringMatch(exact="1")})

    assert match["headers"] == [
        {"name": "a", "present_match": True, "invert_match": True},
        {
            "name": "b",
            "string_match": {"exact": "1"},
            "invert_match": True,
            "treat_missing_header_as_empty": True,
        },
    ]


def test_query_parameters_match_like_headers() -> None:
    match = made(query_params={"b": StringMatch(), "a": StringMatch(prefix="1")})

    assert match["query_parameters"] == [
        {"name": "a", "string_match": {"prefix": "1"}},
        {"name": "b", "present_match": True},
    ]


@pytest.mark.parametrize(
    ("header", "claim"),
    [
        ("@request.auth.claims.admin", ("admin",)),
        ("@request.auth.claims.realm.roles", ("realm", "roles")),
        ("@request.auth.claims[https://a.b/c][d]", ("https://a.b/c", "d")),
        ("x-request-auth", ()),
    ],
)
def test_claims_are_named_with_dots_or_brackets(header: str, claim: tuple[str, ...]) -> None:
    assert claim_path(header) == claim


def test_claim_may_be_one_value_or_a_list_that_has_it() -> None:
    [matcher] = made(without_headers={"@request.auth.claims.role": StringMatch(exact="admin")})[
        "dynamic_metadata"
    ]

    assert matcher == {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": "payload"}, {"key": "role"}],
        "value": {
            "or_match": {
                "value_matchers": [
                    {"string_match": {"exact": "admin"}},
                    {"list_match": {"one_of": {"string_match": {"exact": "admin"}}}},
                ]
            }
        },
        "invert": True,
    }


def test_catch_all_is_a_match_of_every_path_and_nothing_else() -> None:
    with_header = types.RouteMatch(prefix="/")
    with_header.headers.add(name="x")

    assert is_catch_all(types.RouteMatch(prefix="/"))
    assert is_catch_all(types.RouteMatch(safe_regex={"regex": ".*"}))
    assert not is_catch_all(types.RouteMatch(prefix="/a"))
    assert not is_catch_all(types.RouteMatch(path="/"))
    assert not is_catch_all(with_header)
