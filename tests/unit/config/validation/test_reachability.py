"""Routes that no request reaches."""

from typing import Any

from tests.unit.config.validation.found import found


def routes(*matches: list[dict[str, Any]]) -> list[str]:
    http = [{"match": match, "route": [{"destination": {"host": "a"}}]} for match in matches]
    problems = found("VirtualService", {"hosts": ["a.b"], "http": http})
    return [problem.removeprefix("warning spec.http") for problem in problems]


def prefix(path: str, **more: Any) -> dict[str, Any]:
    return {"uri": {"prefix": path}, **more}


def test_all_is_reachable_in_good_order() -> None:
    assert routes([prefix("/a/b")], [prefix("/a")], []) == []


def test_nothing_comes_after_a_route_without_a_match() -> None:
    assert routes([], [prefix("/a")]) == ["[0]"]


def test_the_same_match_twice_is_told() -> None:
    assert routes([prefix("/a", name="x")], [prefix("/b"), prefix("/a", name="y")]) == [
        "[1].match[1]"
    ]


def test_a_longer_prefix_comes_first() -> None:
    assert routes([prefix("/a")], [prefix("/a/b")]) == ["[1].match[0]"]


def test_a_prefix_with_further_conditions_takes_less() -> None:
    version = {"headers": {"x": {"exact": "1"}}}
    assert routes([prefix("/a", **version)], [prefix("/a/b")]) == []
    assert routes([prefix("/a")], [prefix("/a/b", **version)]) == ["[1].match[0]"]
    assert routes([prefix("/a", **version)], [prefix("/a/b", **version, port=80)]) == [
        "[1].match[0]"
    ]


def test_letter_case_counts_unless_it_is_ignored() -> None:
    assert routes([prefix("/A")], [prefix("/a/b")]) == []
    assert routes([prefix("/A", ignoreUriCase=True)], [prefix("/a/b")]) == ["[1].match[0]"]
