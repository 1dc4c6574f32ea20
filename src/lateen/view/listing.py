"""Row values of one index, sorted, whether they come one by one or by the thousand."""

from bisect import bisect_left, insort

Values = tuple[str, ...]
FEW = 32  # that are put in one by one; more are cheaper to sort


class Listing:
    """`ordered` has what was there at the last flush; `added` came since and is not among it."""

    __slots__ = ("_added", "_ordered", "is_touched")

    def __init__(self) -> None:
        self._ordered: list[Values] = []
        self._added: dict[Values, None] = {}
        self.is_touched = False

    def enter(self, values: Values) -> None:
        self._added[values] = None
        self.is_touched = True

    def leave(self, values: Values) -> None:
        if values in self._added:
            del self._added[values]
        else:
            del self._ordered[bisect_left(self._ordered, values)]
        self.is_touched = True

    def flush(self) -> tuple[Values, ...]:
        if len(self._added) <= FEW:
            for values in self._added:
                insort(self._ordered, values)
        else:
            self._ordered.extend(self._added)
            self._ordered.sort()
        self._added.clear()
        self.is_touched = False
        return tuple(self._ordered)
