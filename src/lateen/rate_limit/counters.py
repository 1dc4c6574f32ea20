"""Counters in windows of time: what is asked of a store, and what it answers.

    fixed      a window is a whole unit of the clock: 12:00:00 to 12:00:59
    sliding    the window before counts with the share of it that is still within one unit

A request takes from all of its counters or from none: what one of them refuses is not counted by
the others.
"""

from dataclasses import dataclass
from math import floor

UNIT_SECONDS = {
    "SECOND": 1,
    "MINUTE": 60,
    "HOUR": 3600,
    "DAY": 86_400,
    "WEEK": 7 * 86_400,
    "MONTH": 30 * 86_400,  # as Envoy's reference server has them
    "YEAR": 365 * 86_400,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """`requests` in `multiplier` units. `name` is what metrics call it."""

    name: str
    requests: int
    unit: str
    multiplier: int = 1
    shadow: bool = False

    @property
    def seconds(self) -> int:
        return UNIT_SECONDS[self.unit] * self.multiplier


@dataclass(frozen=True, slots=True)
class Counter:
    """One question. Negative `hits` are given back and always allowed."""

    key: str
    limit: Limit
    hits: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """After the request: whether it had room, what is left, when the window ends."""

    allowed: bool
    remaining: int
    reset_seconds: float


@dataclass(slots=True)
class Window:
    """What one counter has counted. Changed by its store alone."""

    index: int
    seconds: int
    current: int = 0
    previous: int = 0

    def advance(self, now: float) -> None:
        """To the window that holds this moment."""
        index = floor(now / self.seconds)
        if index == self.index:
            return
        self.previous = self.current if index == self.index + 1 else 0
        self.index, self.current = index, 0

    def used(self, now: float, *, slides: bool) -> float:
        if not slides:
            return self.current
        passed = now / self.seconds - self.index
        return self.current + self.previous * (1 - passed)

    def ends_in(self, now: float) -> float:
        return (self.index + 1) * self.seconds - now
