"""Responses, built once for everybody who is to get the same.

Two groups that must be told the same cells (the endpoints of a service, say, in the scopes of
hundreds of workloads) get the same bytes. What is kept for sharing is bounded: when it grows too
large all of it is let go, and made again when it is needed again.
"""

from collections.abc import Callable
from typing import NamedTuple

from lateen.xds import wire
from lateen.xds.cells import Cell
from lateen.xds.transport.message import Message

SHARED_BYTES = 48 * 1024 * 1024


class Sent(NamedTuple):
    """What a response carried, for the acknowledgement that names its nonce. Holds no content."""

    nonce: str
    names: tuple[str, ...]
    removed: tuple[str, ...]


class Response(Message):
    __slots__ = ("sent",)

    def __init__(self, body: bytes, sent: Sent) -> None:
        super().__init__(body)
        self.sent = sent


class Responses:
    """Makes responses, each with a nonce of its own. `full` is called when too much is kept: it
    takes the responses from those who keep some and calls `forget`."""

    def __init__(self, full: Callable[[], None]) -> None:
        self._full = full
        self._shared: dict[tuple[object, ...], Response] = {}
        self._bytes = 0
        self._nonce = 0

    def outdate(self) -> None:
        """Some cell has new content. Groups may still keep responses of cells that have not."""
        self._shared.clear()

    def forget(self) -> None:
        """Nothing is kept any more, by no group either."""
        self._shared.clear()
        self._bytes = 0

    def delta(self, type_url: str, cells: tuple[Cell, ...], removed: tuple[str, ...]) -> Response:
        """Of the delta protocol. The cells must have content."""
        key = (type_url, cells, removed)
        found = self._shared.get(key)
        if found is not None:
            return found
        nonce = self._next_nonce()
        body = wire.delta_response(
            [cell.field or b"" for cell in cells], type_url=type_url, nonce=nonce, removed=removed
        )
        return self._keep(key, Response(body, Sent(nonce, _names(cells), removed)))

    def whole(self, type_url: str, cells: tuple[Cell, ...], version: str) -> Response:
        """Of the state-of-the-world protocol. The cells must have content."""
        key = (type_url, cells, "whole", version)
        found = self._shared.get(key)
        if found is not None:
            return found
        nonce = self._next_nonce()
        body = wire.whole_response(
            [cell.content or b"" for cell in cells],
            type_url=type_url,
            nonce=nonce,
            version_info=version,
        )
        return self._keep(key, Response(body, Sent(nonce, _names(cells), ())))

    def _next_nonce(self) -> str:
        self._nonce += 1
        return str(self._nonce)

    def _keep(self, key: tuple[object, ...], response: Response) -> Response:
        self._bytes += 2 * response.size  # as a message and as frames
        if self._bytes > SHARED_BYTES:
            self._full()
        self._shared[key] = response
        return response


def _names(cells: tuple[Cell, ...]) -> tuple[str, ...]:
    return tuple(cell.name for cell in cells)
