"""What an operation does to a list: filters of a chain, routes of a host.

Without a match INSERT_BEFORE goes to the front and INSERT_AFTER to the end. Only the first element
that matches counts, but REMOVE takes them all. Each function says whether it found its place.
"""

from collections.abc import Callable, MutableSequence
from typing import Any

from lateen.api.envoy_filter import Operation

Matches = Callable[[Any], bool]


def change(
    items: Any,
    operation: Operation,
    value: Any,
    matches: Matches | None,
    *,
    stand_in: Callable[[], int | None] = lambda: None,
) -> bool:
    """`stand_in`: where to insert when nothing matches; None: nowhere."""
    if operation is Operation.ADD:
        items.append(value)
        return True
    if operation is Operation.INSERT_FIRST:
        items.insert(0, value)
        return True
    if operation in (Operation.INSERT_BEFORE, Operation.INSERT_AFTER):
        return _insert(items, operation, value, matches, stand_in)
    if matches is None:
        return False
    if operation is Operation.REPLACE:
        return _replace(items, value, matches)
    if operation is Operation.REMOVE:
        return _remove(items, matches)
    return False


def first(items: Any, matches: Matches) -> int | None:
    return next((at for at, item in enumerate(items) if matches(item)), None)


def _insert(
    items: MutableSequence[Any],
    operation: Operation,
    value: Any,
    matches: Matches | None,
    stand_in: Callable[[], int | None],
) -> bool:
    after = operation is Operation.INSERT_AFTER
    if matches is None:
        items.insert(len(items) if after else 0, value)
        return True
    found = first(items, matches)
    place = stand_in() if found is None else found + after
    if place is None:
        return False
    items.insert(place, value)
    return True


def _replace(items: Any, value: Any, matches: Matches) -> bool:
    found = first(items, matches)
    if found is not None:
        items[found].CopyFrom(value)
    return found is not None


def _remove(items: Any, matches: Matches) -> bool:
    gone = [at for at, item in enumerate(items) if matches(item)]
    for at in reversed(gone):
        del items[at]
    return bool(gone)
