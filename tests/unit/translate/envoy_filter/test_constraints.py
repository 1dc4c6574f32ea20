"""Rules that Envoy's messages carry."""

from typing import Any

import pytest

from lateen.envoy import messages, types
from lateen.translate.envoy_filter.constraints import faults


def made(kind: str, document: dict[str, Any]) -> Any:
    return messages.from_json(document, types.FULL_NAMES[kind])


@pytest.mark.parametrize(
    ("kind", "document", "place"),
    [
        ("Cluster", {"name": "a", "connectTimeout": "-1s"}, "connect_timeout"),
        ("Route", {"directResponse": {"status": 200}}, "match"),
        ("VirtualHost", {"name": "a"}, "domains"),
        ("Route", {"match": {"prefix": "/"}, "directResponse": {"status": 1}}, "status"),
        ("Route", {"match": {"prefix": "/"}}, "action"),
    ],
)
def test_a_broken_rule_is_told_with_its_place(
    kind: str, document: dict[str, Any], place: str
) -> None:
    found = list(faults(made(kind, document)))

    assert any(place in each for each in found), found


def test_rules_inside_an_any_count() -> None:
    config = types.HttpLocalRateLimit()
    filter_ = types.HttpFilter(name="a")
    filter_.typed_config.CopyFrom(messages.pack(config))

    assert list(faults(filter_)) == ["typed_config.stat_prefix: must not be empty"]


def test_a_required_member_of_a_oneof_may_be_unset_when_another_is_set() -> None:
    assert not list(faults(made("StringMatcher", {"exact": "a"})))
