"""Counters in this process's memory: the store of a single server.

Bounded: when there is no room for another counter, the one that was not asked for longest goes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from math import floor

from lateen.base.clock import Clock
from lateen.rate_limit.counters import Counter, Reading, Window

COUNTERS = 200_000  # about 40 MB


class MemoryStore:
    """Owns the counters."""

    def __init__(self, *, clock: Clock, slides: bool = False, most: int = COUNTERS) -> None:
        self._clock, self._slides, self._most = clock, slides, most
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self.evicted = 0  # counters that went while their window was not over

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, counters: Sequence[Counter]) -> list[Reading]:
        now = self._clock()
        windows = [self._window(counter, now) for counter in counters]
        used = [window.used(now, slides=self._slides) for window in windows]
        room = [
            counter.hits < 0 or found + counter.hits <= counter.limit.requests
            for counter, found in zip(counters, used, strict=True)
        ]
        passes = all(
            has or counter.limit.shadow for counter, has in zip(counters, room, strict=True)
        )
        readings = []
        for counter, window, found, has in zip(counters, windows, used, room, strict=True):
            taken = counter.hits if has and passes else 0
            window.current = max(0, window.current + taken)
            left = floor(counter.limit.requests - found - taken)
            readings.append(Reading(has, max(0, left), window.ends_in(now)))
        return readings

    def _window(self, counter: Counter, now: float) -> Window:
        found = self._windows.get(counter.key)
        if found is None or found.seconds != counter.limit.seconds:
            seconds = counter.limit.seconds
            found = self._windows[counter.key] = Window(floor(now / seconds), seconds)
            if len(self._windows) > self._most:
                _, oldest = self._windows.popitem(last=False)
                self.evicted += oldest.ends_in(now) > 0
        else:
            found.advance(now)
            self._windows.move_to_end(counter.key)
        return found
