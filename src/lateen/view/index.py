"""Which resources belong to a row: the inverted indexes that make one change touch few rows.

    ("virtual service host", ("reviews.default.svc.cluster.local",))  ->  keys, sorted

The rows that a resource belongs to follow from the resource alone (`view.rows`), so that applying
a change compares two small sets. A row is written once at the end of a batch, however often it
was touched.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

from lateen.api.resource import Key
from lateen.base.incremental import Graph, Table

Values = tuple[str, ...]
CROWD = 2  # members from which a row may hold a conflict


class Row(NamedTuple):
    """Address of a row: which index, and the values that are looked up in it."""

    name: str
    values: Values


class Index:
    """Owns the memberships; derived functions read them through `keys` and `rows`."""

    def __init__(self, graph: Graph) -> None:
        self._members: dict[Row, list[Key]] = {}
        self._rows: dict[str, list[Values]] = {}
        self._member_table: Table[Row, tuple[Key, ...]] = Table(graph, "index")
        self._row_table: Table[str, tuple[Values, ...]] = Table(graph, "index rows")
        self._crowded: dict[str, list[Values]] = {}
        self._crowded_table: Table[str, tuple[Values, ...]] = Table(graph, "crowded rows")
        self._touched: dict[Row, None] = {}
        self._touched_indexes: dict[str, None] = {}
        self._touched_crowds: dict[str, None] = {}

    def keys(self, index: str, *values: str) -> tuple[Key, ...]:
        """The members of a row, sorted; depends on which they are, not on what they hold."""
        return self._member_table.get(Row(index, values)) or ()

    def rows(self, index: str) -> tuple[Values, ...]:
        """The values under which the index has members, sorted; depends on which rows exist."""
        return self._row_table.get(index) or ()

    def crowded(self, index: str) -> tuple[Values, ...]:
        """The values under which the index has several members, sorted; depends on which do."""
        return self._crowded_table.get(index) or ()

    def size(self, index: str, *values: str) -> int:
        """How many members a row has, without a dependency: for choosing the shortest row."""
        return len(self._members.get(Row(index, values), ()))

    def move(self, key: Key, old: Iterable[Row], new: Iterable[Row]) -> None:
        """The key leaves the old rows and enters the new ones; visible after `flush`."""
        before, after = set(old), set(new)
        for row in before - after:
            self._leave(row, key)
        for row in after - before:
            self._enter(row, key)

    def flush(self) -> None:
        for row in self._touched:
            members = self._members.get(row)
            if members:
                self._member_table.put(row, tuple(members))
            else:
                self._member_table.discard(row)
        for index in self._touched_indexes:
            self._row_table.put(index, tuple(self._rows[index]))
        for index in self._touched_crowds:
            self._crowded_table.put(index, tuple(self._crowded[index]))
        self._touched.clear()
        self._touched_indexes.clear()
        self._touched_crowds.clear()

    def _enter(self, row: Row, key: Key) -> None:
        members = self._members.get(row)
        if members is None:
            members = self._members[row] = []
            insort(self._rows.setdefault(row.name, []), row.values)
            self._touched_indexes[row.name] = None
        insort(members, key)
        if len(members) == CROWD:
            insort(self._crowded.setdefault(row.name, []), row.values)
            self._touched_crowds[row.name] = None
        self._touched[row] = None

    def _leave(self, row: Row, key: Key) -> None:
        members = self._members[row]
        del members[bisect_left(members, key)]
        if len(members) == CROWD - 1:
            crowded = self._crowded[row.name]
            del crowded[bisect_left(crowded, row.values)]
            self._touched_crowds[row.name] = None
        if not members:
            del self._members[row]
            rows = self._rows[row.name]
            del rows[bisect_left(rows, row.values)]
            self._touched_indexes[row.name] = None
        self._touched[row] = None
