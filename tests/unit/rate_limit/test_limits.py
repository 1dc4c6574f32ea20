"""Which limit a descriptor has."""

import pytest

from lateen.api.resource import Change
from lateen.config import documents
from lateen.rate_limit.counters import Limit
from lateen.rate_limit.limits import Limits, NotYours

RULES = """
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {name: api, namespace: shop}
spec:
  rules:
  - {name: all, shadow: true, global: {requests: 5, unit: HOUR}}
  - {name: here, local: {requests: 5}}
  connections:
  - {name: new, global: {connections: 7}}
"""
MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: limits, namespace: shop}
data:
  config.yaml: |
    domain: edge
    descriptors: [{key: a, rate_limit: {unit: day, requests_per_unit: 9}}]
"""
ALL = [("rate_limit", "shop/api/all")]


def applied(limits: Limits, text: str) -> None:
    found = documents.read(text, "limits.yaml").resources
    limits.apply([Change(resource.key, resource) for resource in found])


def limit_of(limits: Limits, domain: str, entries: list[tuple[str, str]]) -> Limit | None:
    found = limits.find(domain, entries, None)
    return found.limit if found else None


def test_global_rules_are_known_by_their_name_and_domain() -> None:
    limits = Limits()
    applied(limits, RULES)

    assert limit_of(limits, "lateen", ALL) == Limit("shop/api/all", 5, "HOUR", shadow=True)
    assert limit_of(limits, "lateen", [("rate_limit", "shop/api/new")]) == Limit(
        "shop/api/new", 7, "SECOND"
    )
    assert limit_of(limits, "lateen", [("rate_limit", "shop/api/here")]) is None
    assert limit_of(limits, "other", ALL) is None


def test_a_changed_resource_changes_its_limits_and_a_deleted_one_has_none() -> None:
    limits = Limits()
    applied(limits, RULES)
    applied(limits, RULES.replace("requests: 5, unit: HOUR", "requests: 6"))
    changed = limit_of(limits, "lateen", ALL)
    (resource,) = documents.read(RULES).resources
    limits.apply([Change(resource.key, None)])

    assert changed == Limit("shop/api/all", 6, "SECOND", shadow=True)
    assert limit_of(limits, "lateen", ALL) is None


def test_the_resource_beats_the_limit_that_came_with_the_question() -> None:
    limits, own = Limits(), Limit("", 100, "SECOND")
    before = limits.find("lateen", ALL, own)
    applied(limits, RULES)
    after = limits.find("lateen", ALL, own)

    assert before is not None
    assert before.limit == own
    assert after is not None
    assert after.limit is not None
    assert after.limit.requests == 5


def test_a_rule_is_for_callers_of_its_namespace_and_the_mesh_wide_ones_for_all() -> None:
    limits = Limits()

    with pytest.raises(NotYours):
        limits.find("lateen", ALL, None, caller="other")
    limits.find("lateen", ALL, None, caller="shop")
    limits.find("lateen", [("rate_limit", "istio-system/a/b")], None, caller="other")


def test_a_config_map_is_followed_and_keeps_its_last_good_version() -> None:
    limits = Limits(config_maps=[("shop", "limits")])
    applied(limits, MAP)
    entries = [("a", "x")]

    assert limit_of(limits, "edge", entries) == Limit("edge.a", 9, "DAY")
    applied(limits, MAP.replace("unit: day", "unit: eon"))
    assert limit_of(limits, "edge", entries) == Limit("edge.a", 9, "DAY")
    (problem,) = limits.problems.values()
    assert '"eon" is no unit' in problem.message
    applied(limits, MAP.replace("9}", "8}"))
    assert limit_of(limits, "edge", entries) == Limit("edge.a", 8, "DAY")
    assert not limits.problems


def test_other_config_maps_are_none_of_its_business() -> None:
    limits = Limits(config_maps=[("shop", "others")])
    applied(limits, MAP)

    assert limit_of(limits, "edge", [("a", "x")]) is None
