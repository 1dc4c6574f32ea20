"""Limits as Envoy's reference server writes them."""

import pytest

from lateen.rate_limit.config_file import parse
from lateen.rate_limit.errors import ConfigError

TEXT = """
domain: shop
descriptors:
- key: user
  rate_limit: {unit: minute, requests_per_unit: 100}
  descriptors:
  - key: path
    value: /search*
    rate_limit: {unit: second, requests_per_unit: 5}
    shadow_mode: true
  - key: path
    value: /search/all
    rate_limit: {unlimited: true, name: all, replaces: [{name: other}]}
- key: user
  value: robot
  rate_limit: {unit: HOUR, requests_per_unit: 1, unit_multiplier: 6}
- key: database
  value: users
"""


@pytest.mark.parametrize(
    ("entries", "limit"),
    [
        ([("user", "ann")], ("shop.user", 100, "MINUTE", 1, False)),
        ([("user", "robot")], ("shop.user_robot", 1, "HOUR", 6, False)),
        ([("user", "ann"), ("path", "/search/x")],
         ("shop.user.path_/search*", 5, "SECOND", 1, True)),
        ([("user", "ann"), ("path", "/other")], None),
        ([("user", "robot"), ("path", "/search/x")], None),
        ([("database", "users")], None),
        ([("database", "products")], None),
        ([("path", "/search")], None),
    ],
)  # fmt: skip
def test_the_most_specific_entry_at_the_full_depth_has_the_limit(
    entries: list[tuple[str, str]], limit: tuple[object, ...] | None
) -> None:
    found = parse(TEXT, place="t").find(entries)

    if limit is None:
        assert found is None
        return
    assert found is not None
    assert found.limit is not None
    made = found.limit
    assert (made.name, made.requests, made.unit, made.multiplier, made.shadow) == limit


def test_unlimited_replaces_others_by_name() -> None:
    found = parse(TEXT, place="t").find([("user", "ann"), ("path", "/search/all")])

    assert found is not None
    assert found.limit is None
    assert found.replaces == {"other"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("domain: a\nlimits: []", "unknown field `limits`"),
        ("descriptors: []", "missing required field `domain`"),
        ("domain: ''", "domain must not be empty"),
        ("domain: [", "expected the node content"),
        ("{domain: a, descriptors: [{key: b, rate_limit: {unit: fortnight}}]}", '"fortnight"'),
        ("{domain: a, descriptors: [{key: b}, {key: b}]}", "a.b: is there twice"),
        ("{domain: a, descriptors: [{key: ''}]}", "an empty key"),
        ("{domain: a, descriptors: [{key: b, rate_limit: {unlimited: true, unit: day}}]}",
         "is unlimited and has a limit"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, place="limits.yaml")

    assert str(caught.value).startswith("limits.yaml: ")
    assert message in str(caught.value)
