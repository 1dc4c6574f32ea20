"""A new status keeps the history of the one that an object has."""

from typing import Any

from lateen.gateway_api.status_merge import merged


def condition(kind: str, reason: str, **more: str) -> dict[str, Any]:
    return {"type": kind, "status": "True", "reason": reason, "message": "", **more}


def test_a_condition_that_says_the_same_keeps_its_time() -> None:
    old = {"conditions": [condition("Accepted", "Accepted", lastTransitionTime="then")]}

    same = merged(old, {"conditions": [condition("Accepted", "Accepted")]})
    other = merged(old, {"conditions": [condition("Accepted", "Other")]})

    assert same["conditions"][0]["lastTransitionTime"] == "then"
    assert "lastTransitionTime" not in other["conditions"][0]


def test_conditions_of_others_stay_and_new_ones_follow() -> None:
    old = {"conditions": [condition("Theirs", "A"), condition("Accepted", "B")]}

    made = merged(old, {"conditions": [condition("Accepted", "C"), condition("Programmed", "D")]})

    assert [each["reason"] for each in made["conditions"]] == ["A", "C", "D"]


def test_parts_are_told_apart_by_name_and_parent() -> None:
    kept = condition("Accepted", "Accepted", lastTransitionTime="then")
    parent = {"parentRef": {"name": "a"}, "controllerName": "c"}
    old = {
        "listeners": [{"name": "a", "conditions": [kept]}],
        "parents": [{**parent, "conditions": [kept]}],
    }
    fresh = condition("Accepted", "Accepted")

    made = merged(
        old,
        {
            "listeners": [
                {"name": "b", "conditions": [fresh]},
                {"name": "a", "conditions": [fresh]},
            ],
            "parents": [{**parent, "conditions": [fresh]}],
        },
    )

    assert made["listeners"][0]["conditions"] == [fresh]
    assert made["listeners"][1]["conditions"] == [kept]
    assert made["parents"][0]["conditions"] == [kept]


def test_an_address_that_was_told_stays_while_there_is_no_other() -> None:
    old = {"addresses": [{"value": "192.0.2.1"}], "conditions": []}
    new: dict[str, Any] = {"listeners": [], "conditions": []}

    assert merged(old, new)["addresses"] == old["addresses"]
    assert merged(old, {**new, "addresses": [{"value": "b"}]})["addresses"] == [{"value": "b"}]


def test_without_an_old_status_the_new_one_stands() -> None:
    assert merged(None, {"conditions": []}) == {"conditions": []}
