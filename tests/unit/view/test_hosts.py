"""Hostnames and wildcards."""

import pytest

from lateen.view import hosts


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.com", "a.com", True),
        ("a.com", "b.com", False),
        ("x.a.com", "a.com", False),
        ("*.com", "a.com", True),
        ("*", "", True),
        ("*.com", "*.a.com", True),
        ("a.com", "*.a.com", False),
        ("*.x.y.z", "*.z", True),
        ("a.facebook.com", "*.facebook.COM", False),
    ],
)
def test_two_names_match_when_something_falls_under_both(
    one: str, other: str, expected: bool
) -> None:
    assert hosts.matches(one, other) is expected
    assert hosts.matches(other, one) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.com", "*.com", True),
        ("x.a.com", "*.a.com", True),
        ("a.com", "*.a.com", False),
        ("*.a.com", "*.com", True),
        ("*.com", "*.a.com", False),
        ("*.x.y.z", "z", False),
        ("com", "*", True),
        ("*", "*", True),
        ("*", "*.com", False),
    ],
)
def test_subset(one: str, other: str, expected: bool) -> None:
    assert hosts.is_subset(one, other) is expected


def test_more_specific_is_exact_then_longer_then_by_name() -> None:
    names = ["*", "*.com", "a.com", "*.a.com", "b.com", "x.a.com"]

    assert sorted(names, key=hosts.specificity) == [
        "x.a.com",
        "a.com",
        "b.com",
        "*.a.com",
        "*.com",
        "*",
    ]


@pytest.mark.parametrize("host", ["a.b.com", "*.b.com", "*-x.b.com", "*b.com", "b", "*"])
@pytest.mark.parametrize(
    "rule", ["a.b.com", "*.b.com", "*-x.b.com", "*b.com", "*.com", "*", "b", "*com"]
)
def test_every_rule_that_covers_a_host_is_filed_where_it_is_sought(host: str, rule: str) -> None:
    if hosts.is_subset(host, rule):
        assert hosts.bucket(rule) in list(hosts.buckets(host))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("foo", "foo.default.svc.cluster.local"),
        ("foo.bar", "foo.bar"),
        ("*", "*"),
        ("42.185.131.210", "42.185.131.210"),
        ("2a00:4000::614", "2a00:4000::614"),
        ("", ""),
    ],
)
def test_short_names_are_of_the_namespace(host: str, expected: str) -> None:
    assert hosts.qualified(host, "default", "cluster.local") == expected
