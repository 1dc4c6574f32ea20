"""One resource type on one stream: what the proxy was told, and what it still has to acknowledge.

A response is sent only when the one before it was acknowledged and the call takes more; otherwise
nothing is queued: that `synced` is older than the group is the mark, and what was missed is one
merged response when the acknowledgement comes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lateen.xds import kinds
from lateen.xds.groups import NOTHING, Group
from lateen.xds.requests import MOST_NAMES, WILDCARD, Request
from lateen.xds.responses import Response, Sent
from lateen.xds.transport.status import CallRefused, Status

if TYPE_CHECKING:
    from lateen.xds.stream import Stream

NO_NAMES: frozenset[str] = frozenset()
# In the state-of-the-world protocol what a response leaves out of these is deleted, even where the
# client asks for them by name, as gRPC does.
WHOLE = frozenset((kinds.LISTENER, kinds.CLUSTER))


@dataclass(frozen=True, slots=True)
class Rejection:
    """What a proxy said when it refused a response."""

    nonce: str
    text: str
    names: tuple[str, ...]  # the resources it named, or all of the response
    sources: tuple[str, ...]  # the users' resources that caused them
    time: float

    def beside(self, older: "Rejection | None") -> "Rejection":
        if older is None:
            return self
        return replace(
            self,
            names=tuple(dict.fromkeys((*self.names, *older.names))),
            sources=tuple(dict.fromkeys((*self.sources, *older.sources))),
        )

    def without(self, told: Sent) -> "Rejection | None":
        """What is left of it after another response: resources not told since stay refused."""
        left = tuple(
            name for name in self.names if name not in told.names and name not in told.removed
        )
        return replace(self, names=left) if left else None


class Watch:
    """Belongs to one stream; is a member of one group."""

    __slots__ = (
        "acknowledged", "forced", "group", "last", "lost", "outstanding", "pruned", "rejection",
        "stream", "synced",
    )  # fmt: skip

    def __init__(self, stream: "Stream", group: Group) -> None:
        self.stream = stream
        self.group = group
        self.synced = NOTHING  # stamp up to which updates were told
        self.pruned = group.removed_at  # stamp up to which removals were told
        self.forced = NO_NAMES  # to be told again whether or not they changed
        self.lost = NO_NAMES  # to be told as removed, besides those gone from the group
        self.outstanding: list[Sent] = []
        self.acknowledged: str = ""  # nonce
        self.last: Sent | None = None
        self.rejection: Rejection | None = None
        group.members[self] = None

    @property
    def is_behind(self) -> bool:
        return self.synced < self.group.changed_at or bool(self.forced)

    @property
    def is_free(self) -> bool:
        """Whether a response may be sent now."""
        return not self.outstanding and self.stream.call.writable and not self.is_held

    @property
    def is_held(self) -> bool:
        """Whether it may lead requests to clusters that cannot serve them yet."""
        return (
            self.stream.is_warming
            and self.last is not None
            and self.group.type_url in (kinds.LISTENER, kinds.ROUTE)
        )

    def leave(self) -> None:
        self.group.members.pop(self, None)

    # sending

    def update(self) -> None:
        """Tells what changed since the last time. Only when free and behind."""
        response = self._next_update()
        self.synced = self.group.changed_at
        self.forced = NO_NAMES
        if response is None and self.last is None and self.group.listed:
            response = self.group.empty()
        if response is not None:
            self.send(response)

    def _next_update(self) -> Response | None:
        group = self.group
        if not self.stream.delta:
            return self._next_whole()
        if not self.forced:
            return group.updates(self.synced)
        if self.synced == NOTHING:
            return group.updates(NOTHING)
        return group.some(self.forced.union(group.touched_since(self.synced)))

    def _next_whole(self) -> Response:
        group = self.group
        version = str(max(group.changed_at, group.removed_at))
        if group.listed or self.synced == NOTHING or group.type_url in WHOLE:
            self.pruned = group.removed_at
            return group.whole(version)
        return group.some_whole(self.forced.union(group.touched_since(self.synced)), version)

    @property
    def has_removals(self) -> bool:
        return self.pruned < self.group.removed_at or bool(self.lost)

    def prune(self) -> None:
        """Tells what was removed. May follow an update that is not acknowledged yet."""
        group = self.group
        if self.stream.delta:
            response = self._next_removals()
        else:
            is_whole = group.listed or group.type_url in WHOLE
            response = group.whole(str(group.removed_at)) if is_whole else None
        self.pruned, self.lost = group.removed_at, NO_NAMES
        if response is not None:
            self.send(response)

    def _next_removals(self) -> Response | None:
        group = self.group
        if not self.lost:
            return group.removals(self.pruned)
        gone = {name for name, stamp in group.gone.items() if stamp > self.pruned}
        return group.some(NO_NAMES, self.lost.difference(group.cells).union(gone))

    def send(self, response: Response) -> None:
        self.last = response.sent
        self.outstanding.append(response.sent)
        self.stream.call.send(response)
        tell = TELLS.get(self.group.type_url)
        if tell is not None:
            tell(self.stream, response.sent)

    # receiving

    def acknowledge(self, nonce: str) -> bool:
        """Whether this is the answer to something that was sent."""
        outstanding = self.outstanding
        for index, sent in enumerate(outstanding):
            if sent.nonce == nonce:
                del outstanding[: index + 1]
                self.acknowledged = nonce
                return True
        return False

    def refuse(self, rejection: Rejection) -> None:
        """Resources that were refused before and not told since are still refused."""
        sent = self.find_sent(rejection.nonce)
        if self.rejection is not None and sent is not None:
            rejection = rejection.beside(self.rejection.without(sent))
        self.rejection = rejection

    def find_sent(self, nonce: str) -> Sent | None:
        return next((sent for sent in self.outstanding if sent.nonce == nonce), None)

    # subscriptions

    def resume(self, held: dict[str, str], warming: frozenset[str]) -> None:
        """A proxy that reconnects says what it holds; it is told only what differs.

        Clusters that it was just sent warm anew, so their endpoints are told in any case.
        """
        group = self.group
        self.synced, self.pruned = group.changed_at, group.removed_at
        self.forced = warming.intersection(group.cells).union(self._differing(held))
        if group.listed:
            self.lost = frozenset(held).difference(group.cells)

    def move(self, group: Group) -> None:
        """Changes the subscription; what the old group still owed is owed by the new one."""
        old = self.group
        if old is group:
            return
        owed = self.forced.union(old.touched_since(self.synced)) if self.is_behind else NO_NAMES
        told_removals = not self.has_removals
        self.leave()
        self.group = group
        group.members[self] = None
        self.forced = owed.intersection(group.cells)
        self.synced = group.changed_at
        self.pruned = group.removed_at if told_removals else NOTHING

    def transfer(self, group: Group) -> None:
        """Follows the proxy into another scope: tells only what differs between the two."""
        old = self.group
        if old is group:
            return
        held = self._held()
        self.leave()
        self.group = group
        group.members[self] = None
        self.synced, self.pruned = group.changed_at, group.removed_at
        self.forced = frozenset(self._differing(held))
        if group.listed:
            self.lost = frozenset((*old.cells, *old.gone)).difference(group.cells)

    def _differing(self, held: Mapping[str, str | None]) -> Iterator[str]:
        """What the proxy holds in another version. Endpoints of clusters that are gone may stay
        with it: see `Cell.refresh`."""
        keeps = self.group.type_url == kinds.ENDPOINT
        for name, cell in self.group.cells.items():
            if cell.version != held.get(name) and not (keeps and cell.is_gone and name in held):
                yield name

    def _held(self) -> dict[str, str | None]:
        """The version of each name that the proxy was told, as far as that is certain."""
        if self.synced == NOTHING:
            return {}
        group, synced = self.group, self.synced
        touched = set(group.touched_since(synced))
        return {
            name: cell.version_at(synced)
            for name, cell in group.cells.items()
            if name not in self.forced
            and group.joined.get(name, 0) <= synced
            and (cell.changed_at > synced or name not in touched)
        }


TELLS: dict[str, Callable[["Stream", Sent], None]] = {
    kinds.CLUSTER: lambda stream, sent: stream.told_clusters(sent.names),
    kinds.ENDPOINT: lambda stream, sent: stream.told_endpoints(sent.names),
    kinds.SECRET: lambda stream, sent: stream.told_secrets(sent),
}


def subscription(
    group: Group | None, request: Request, *, listed: bool
) -> tuple[bool, frozenset[str]]:
    """What a delta request makes of the subscription so far: (everything?, names)."""
    added = request.subscribe
    if group is None:
        everything = listed and (not added or WILDCARD in added)
        return everything, frozenset(name for name in added if name != WILDCARD)
    everything = group.listed or (listed and WILDCARD in added)
    if WILDCARD in request.unsubscribe:
        everything = False
    names = group.names
    if added:
        names = names.union(name for name in added if name != WILDCARD)
    if request.unsubscribe:
        names = names.difference(request.unsubscribe)
    if len(names) > MOST_NAMES:
        raise CallRefused(Status.RESOURCE_EXHAUSTED, f"more than {MOST_NAMES} resource names")
    return everything, names
