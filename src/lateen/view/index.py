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
from lateen.view.listing import Listing, Values

CROWD = 2  # members from which a row may hold a conflict


class Row(NamedTuple):
    """Address of a row: which index, and the values that are looked up in it."""

    name: str
    values: Values


class Index:
    """Owns the memberships; derived functions read them through `keys` and `rows`.

    `listed` and `crowded` name the indexes of which these are asked; None: of all.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        listed: frozenset[str] | None = None,
        crowded: frozenset[str] | None = None,
    ) -> None:
        self._members: dict[Row, list[Key]] = {}
        self._member_table: Table[Row, tuple[Key, ...]] = Table(graph, "index")
        self._touched: dict[Row, None] = {}
        self._rows = Listings(graph, "index rows", listed)
        self._crowds = Listings(graph, "crowded rows", crowded)

    def keys(self, index: str, *values: str) -> tuple[Key, ...]:
        """The members of a row, sorted; depends on which they are, not on what they hold."""
        return self._member_table.get(Row(index, values)) or ()

    def rows(self, index: str) -> tuple[Values, ...]:
        """The values under which the index has members, sorted; depends on which rows exist."""
        return self._rows.get(index)

    def crowded(self, index: str) -> tuple[Values, ...]:
        """The values under which the index has several members, sorted; depends on which do."""
        return self._crowds.get(index)

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
        self._touched.clear()
        self._rows.flush()
        self._crowds.flush()

    def _enter(self, row: Row, key: Key) -> None:
        members = self._members.get(row)
        if members is None:
            members = self._members[row] = []
            self._rows.enter(row)
        insort(members, key)
        if len(members) == CROWD:
            self._crowds.enter(row)
        self._touched[row] = None

    def _leave(self, row: Row, key: Key) -> None:
        members = self._members[row]
        del members[bisect_left(members, key)]
        if len(members) == CROWD - 1:
            self._crowds.leave(row)
        if not members:
            del self._members[row]
            self._rows.leave(row)
        self._touched[row] = None


class Listings:
    """Which rows there are, by index, for those indexes that somebody lists."""

    def __init__(self, graph: Graph, name: str, wanted: frozenset[str] | None) -> None:
        self._wanted = wanted
        self._listings: dict[str, Listing] = {}
        self._table: Table[str, tuple[Values, ...]] = Table(graph, name)

    def get(self, index: str) -> tuple[Values, ...]:
        if self._wanted is not None and index not in self._wanted:
            raise KeyError(index)
        return self._table.get(index) or ()

    def enter(self, row: Row) -> None:
        if self._wanted is None or row.name in self._wanted:
            self._listings.setdefault(row.name, Listing()).enter(row.values)

    def leave(self, row: Row) -> None:
        if self._wanted is None or row.name in self._wanted:
            self._listings[row.name].leave(row.values)

    def flush(self) -> None:
        for index, listing in self._listings.items():
            if listing.is_touched:
                self._table.put(index, listing.flush())
