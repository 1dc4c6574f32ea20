"""Which part of a resource a proxy refuses, found by leaving parts out one after the other.

A resource that a proxy rejects stays there as it was, and with it all that came since: a policy,
say, of the same listener. So parts that the resource can do without are left out, for this proxy
alone, the last applied first:

    rejected        one part more is left out
    acknowledged    the last one left out was at fault; those before it come back
    rejected, and nothing is left to leave out      none was at fault: all come back, and stay

A part that was found at fault stays out until it is written anew.
"""

from typing import NamedTuple

from lateen.xds.catalogue import Part


class Place(NamedTuple):
    type_url: str
    name: str


class Isolation:
    """Belongs to one stream."""

    __slots__ = ("_hopeless", "_tried", "left_out")

    def __init__(self) -> None:
        self.left_out: dict[Part, str] = {}  # and what the proxy said, in the order of the search
        self._tried: dict[Place, list[Part]] = {}
        self._hopeless: set[Place] = set()

    @property
    def is_searching(self) -> bool:
        return bool(self._tried or self._hopeless)

    @property
    def at_fault(self) -> dict[Part, str]:
        """What was found so far, without what is only tried."""
        tried = {part for parts in self._tried.values() for part in parts}
        return {part: reason for part, reason in self.left_out.items() if part not in tried}

    def rejected(self, place: Place, parts: tuple[Part, ...], reason: str) -> bool:
        """Whether what is left out is different now."""
        if place in self._hopeless:
            return False
        suspects = [part for part in parts if part not in self.left_out]
        if suspects:
            self.left_out[suspects[-1]] = reason
            self._tried.setdefault(place, []).append(suspects[-1])
            return True
        innocent = self._tried.pop(place, [])
        for part in innocent:
            self.left_out.pop(part, None)
        self._hopeless.add(place)
        return bool(innocent)

    def acknowledged(self, place: Place) -> bool:
        """Whether what is left out is different now."""
        self._hopeless.discard(place)
        *innocent, _ = self._tried.pop(place, [None])
        for part in innocent:
            self.left_out.pop(part, None)
        return bool(innocent)
