"""A new status over the one that the object has: conditions keep their place and their history.

Conditions of types that are not ours stay; one that says the same as before keeps the time at which
it began to; an address that was once told is not taken back while there is no other.
"""

from collections.abc import Callable, Iterable
from typing import Any

Status = dict[str, Any]
Condition = dict[str, Any]
TIME = "lastTransitionTime"


def merged(old: Any, new: Status) -> Status:
    """`old` as the object carries it, whatever it is."""
    if not isinstance(old, dict):
        return new
    made = dict(new)
    if "conditions" in new:
        made["conditions"] = _conditions(old.get("conditions") or (), new["conditions"])
    for field, identity in PARTS.items():
        if field in new:
            made[field] = _parts(old.get(field) or (), new[field], identity)
    if "addresses" not in new and old.get("addresses") and "listeners" in new:
        made["addresses"] = old["addresses"]
    return made


def _parts(
    old: Iterable[Status], new: Iterable[Status], identity: Callable[[Status], Any]
) -> list[Status]:
    before = [(identity(part), part.get("conditions") or ()) for part in old]
    return [
        {
            **part,
            "conditions": _conditions(
                next((found for of, found in before if of == identity(part)), ()),
                part.get("conditions") or (),
            ),
        }
        for part in new
    ]


def _conditions(old: Iterable[Condition], new: Iterable[Condition]) -> list[Condition]:
    fresh = {condition["type"]: condition for condition in new}
    made = [_updated(each, fresh.pop(each["type"], None)) for each in old if "type" in each]
    return [*made, *fresh.values()]


def _updated(old: Condition, new: Condition | None) -> Condition:
    if new is None:
        return old
    same = all(old.get(field) == new.get(field) for field in ("status", "reason", "message"))
    return {**new, TIME: old[TIME]} if same and TIME in old else new


def _listener(part: Status) -> Any:
    return part.get("name")


def _parent(part: Status) -> Any:
    return (part.get("controllerName"), part.get("parentRef") or part.get("ancestorRef"))


PARTS: dict[str, Callable[[Status], Any]] = {
    "listeners": _listener,
    "parents": _parent,
    "ancestors": _parent,
}
