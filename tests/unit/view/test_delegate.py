"""Delegate routes joined with their parent."""

import msgspec
import pytest

from lateen.api.virtual_service import HTTPMatchRequest, HTTPRoute
from lateen.view.delegate import excludes, merged_matches, merged_route


def match(**fields: object) -> HTTPMatchRequest:
    return msgspec.convert(fields, HTTPMatchRequest)


def route(**fields: object) -> HTTPRoute:
    return msgspec.convert(fields, HTTPRoute)


@pytest.mark.parametrize(
    ("root", "leaf", "expected"),
    [
        ({"uri": {"regex": "^/a"}}, {"uri": {"prefix": "/a/v2"}}, True),
        ({"uri": {"regex": "^/a"}}, {}, False),
        ({}, {"uri": {"regex": "^/a"}}, False),
        ({"uri": {"prefix": "/a/v2"}}, {"uri": {"prefix": "/a"}}, True),
        ({"uri": {"prefix": "/a"}}, {"uri": {"exact": "/a/v2"}}, False),
        ({"headers": {"h": {"exact": "1"}}}, {"headers": {"h": {"exact": "2"}}}, True),
        ({"headers": {"h": {"prefix": "h1"}}}, {"headers": {"h": {"exact": "h1-v1"}}}, False),
        ({}, {"port": 8080}, False),
        ({"port": 8080}, {"port": 8090}, True),
        ({"sourceNamespace": "a"}, {"sourceNamespace": "b"}, True),
        ({"sourceLabels": {"a": "1"}}, {"sourceLabels": {"a": "2"}}, True),
        ({"gateways": ["edge"]}, {"gateways": ["edge", "mesh"]}, True),
        ({"gateways": ["edge", "mesh"]}, {"gateways": ["edge"]}, False),
    ],
)
def test_leaf_outside_its_root_is_excluded(
    root: dict[str, object], leaf: dict[str, object], expected: bool
) -> None:
    assert excludes(match(**root), match(**leaf)) is expected


def test_one_excluded_match_drops_the_route() -> None:
    parent = (match(uri={"prefix": "/a"}),)
    child = (match(uri={"exact": "/a/v1"}), match(uri={"exact": "/b"}))

    assert merged_matches(parent, child) is None


def test_a_match_of_the_parent_that_fits_no_child_is_left_out() -> None:
    parent = (match(uri={"prefix": "/a"}), match(uri={"exact": "/login"}))
    child = (match(uri={"prefix": "/a/v1"}),)

    assert merged_matches(parent, child) == (match(uri={"prefix": "/a/v1"}),)


def test_matches_combine_every_condition() -> None:
    parent = (match(headers={"a": {"exact": "1"}}, name="p"),)
    child = (match(headers={"b": {"exact": "2"}}, name="c", uri={"prefix": "/x"}),)

    assert merged_matches(parent, child) == (
        match(headers={"a": {"exact": "1"}, "b": {"exact": "2"}}, name="p-c", uri={"prefix": "/x"}),
    )


def test_match_of_one_side_stands_alone() -> None:
    only = (match(uri={"prefix": "/x"}),)

    assert merged_matches(only, ()) == merged_matches((), only) == only


def test_child_inherits_what_it_leaves_empty() -> None:
    parent = route(name="p", mirrorPercent=5, rewrite={"uri": "/p"})
    child = route(name="c", rewrite={"uri": "/c"})

    made = merged_route(parent, child)

    assert made is not None
    assert made.name == "p-c"
    assert made.mirror_percent == 5
    assert made.rewrite is not None
    assert made.rewrite.uri == "/c"
