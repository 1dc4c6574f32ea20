"""Streams that must hold the same resources of one type, and the responses they share.

A group is one scope's subscription: a type and names (or everything of a listed type). It keeps
when each name last changed, as stamps that only grow, so that what a stream missed is known from
one number. Streams that missed the same get the same bytes; nothing is kept for a stream that does
not acknowledge.

    touched   name -> stamp of its last change since the group was made, oldest first
    gone      name -> stamp of its removal (listed types)
    joined    name -> stamp at which it came into the list since the group was made
"""

from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING

from lateen.base.incremental import Node
from lateen.xds import kinds
from lateen.xds.cells import Cell
from lateen.xds.responses import Response, Responses

if TYPE_CHECKING:
    from lateen.xds.requests import Request
    from lateen.xds.scopes import Scope
    from lateen.xds.watch import Watch

NOTHING = -1  # the stamp of a stream that holds nothing yet
MOST_GONE = 1000  # removals remembered beyond the number of names, before old ones are dropped


class Group:
    """Owned by `Scopes`, which alone adds, touches and removes names."""

    def __init__(
        self,
        *,
        scope: "Scope",
        type_url: str,
        listed: bool,
        names: frozenset[str],
        responses: Responses,
    ) -> None:
        self.scope = scope
        self.type_url = type_url
        self.order = kinds.order(type_url)
        self.listed = listed
        self.names = names  # those asked for by name
        self.list_node: Node | None = None
        self.cells: dict[str, Cell] = {}
        self.touched: dict[str, int] = {}
        self.gone: dict[str, int] = {}
        self.joined: dict[str, int] = {}
        self.changed_at = 0
        self.removed_at = 0
        self.members: dict[Watch, None] = {}
        self.successors: dict[Request, Group] = {}  # where a request leads a stream to
        self._responses = responses
        self._memo: dict[object, Response | None] = {}

    def __repr__(self) -> str:
        return f"Group({kinds.short(self.type_url)}, {len(self.cells)} names)"

    # changes

    def put(self, name: str, cell: Cell) -> None:
        self.cells[name] = cell

    def drop(self, name: str, stamp: int) -> Cell:
        """The name has left the list."""
        self._removed(name, stamp)
        self.joined.pop(name, None)
        return self.cells.pop(name)

    def touch(self, name: str, stamp: int) -> None:
        """The cell of the name has new content, or none any more."""
        cell = self.cells[name]
        if self.listed and cell.field is None:
            self._removed(name, stamp)
            return
        self._memo.clear()
        self.gone.pop(name, None)
        self.touched.pop(name, None)
        self.touched[name] = stamp
        self.changed_at = stamp

    def _removed(self, name: str, stamp: int) -> None:
        self._memo.clear()
        self.touched.pop(name, None)
        self.gone[name] = stamp
        self.removed_at = stamp
        if len(self.gone) > len(self.cells) + MOST_GONE:
            self._forget_old_removals()

    def forget_responses(self) -> None:
        """Frees what was kept for sharing; it is made again when it is needed again."""
        self._memo.clear()
        self.successors.clear()

    def _forget_old_removals(self) -> None:
        oldest = min((watch.pruned for watch in self.members), default=self.removed_at)
        self.gone = {name: stamp for name, stamp in self.gone.items() if stamp > oldest}

    # what to send

    def touched_since(self, stamp: int) -> list[str]:
        """Names whose content changed after the stamp, in the order of the changes."""
        if stamp == NOTHING:
            return list(self.cells)
        recent = takewhile(lambda item: item[1] > stamp, reversed(self.touched.items()))
        return [name for name, _ in recent][::-1]

    def updates(self, since: int) -> Response | None:
        """Resources changed since; everything for NOTHING. None when there is nothing to say."""
        if since not in self._memo:
            names = self.touched_since(since)
            self._memo[since] = self._delta(names, self._absent(names))
        return self._memo[since]

    def removals(self, since: int) -> Response | None:
        key = ("gone", since)
        if key not in self._memo:
            names = tuple(name for name, stamp in self.gone.items() if stamp > since)
            self._memo[key] = self._delta((), names)
        return self._memo[key]

    def some(self, names: frozenset[str], removed: frozenset[str] = frozenset()) -> Response | None:
        """The named resources, whether or not they changed."""
        key = (names, removed)
        if key not in self._memo:
            here = sorted(name for name in names if name in self.cells)
            self._memo[key] = self._delta(here, (*self._absent(here), *sorted(removed)))
        return self._memo[key]

    def whole(self, version: str) -> Response:
        """Everything, for the state-of-the-world protocol."""
        return self._responses.whole(self.type_url, self._present(self.cells), version)

    def some_whole(self, names: frozenset[str], version: str) -> Response:
        """A part, which that protocol allows for types that are asked for by name."""
        return self._responses.whole(self.type_url, self._present(sorted(names)), version)

    def empty(self) -> Response:
        """The answer to a first request when there is nothing: the proxy waits for one."""
        return self._responses.delta(self.type_url, (), ())

    def _absent(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of resources that do not exist, which a subscriber is told as removed."""
        if self.listed:
            return ()
        cells = [self.cells[name] for name in names]
        return tuple(cell.name for cell in cells if cell.field is None and not cell.is_unknown)

    def _present(self, names: Iterable[str]) -> tuple[Cell, ...]:
        cells = [self.cells[name] for name in names if name in self.cells]
        return tuple([cell for cell in cells if cell.field is not None])

    def _delta(self, names: Iterable[str], removed: tuple[str, ...]) -> Response | None:
        present = self._present(names)
        if not present and not removed:
            return None
        return self._responses.delta(self.type_url, present, removed)
