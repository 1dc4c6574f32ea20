"""Keeps the keys of every source that is wanted: fetched, refreshed, and closed when too old.

    wanted -> first attempt -> good keys -> again after the refresh interval
                    |                             | failure: again soon, later and later
                    v                             v
              no token is good          the last good keys, until the age limit, then none

Keys never become good by a failure: what cannot be had verifies nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from lateen.base.clock import Clock
from lateen.base.metrics import Registry
from lateen.base.tasks import Tasks
from lateen.jwks import document, kept
from lateen.jwks.errors import KeyFetchError
from lateen.jwks.kept import Good
from lateen.jwks.settings import KeySettings
from lateen.jwks.source import KeySource

log = logging.getLogger(__name__)

AT_ONCE = 64  # fetches under way; slow servers of some must not keep the others waiting
LONGEST_FETCH_SECONDS = 30.0  # whatever a rule's `timeout` says
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
REFRESH_JITTER = 0.1  # of the interval, to both sides: many sources are not asked at one time
MOST_DOUBLINGS = 16

Fetcher = Callable[..., Awaitable[bytes]]


@dataclass(slots=True)
class State:
    """What is known of a source. `trouble` is why the last attempt failed; empty: it did not."""

    good: Good | None = None
    trouble: str = ""
    failures: int = 0
    attempted: asyncio.Event = field(default_factory=asyncio.Event)


class KeyRefresh:
    """Owns the tasks of all sources.

    `changed` is told of the keys of a source: a document, or empty when its tokens are refused.
    `troubled` is told that what `state` says of some source is different now.
    """

    def __init__(
        self,
        settings: KeySettings,
        fetch: Fetcher,
        *,
        folder: Path,
        clock: Clock,
        random: Random,
        metrics: Registry,
        changed: Callable[[KeySource, str], None],
        troubled: Callable[[], None],
    ) -> None:
        self._settings, self._fetch = settings, fetch
        self._folder, self._clock, self._random = folder, clock, random
        self._changed, self._troubled = changed, troubled
        self._free = asyncio.Semaphore(AT_ONCE)
        self._tasks: Tasks | None = None
        self._states: dict[KeySource, State] = {}
        self._wanted: dict[KeySource, float] = {}
        self._running: dict[KeySource, asyncio.Task[None]] = {}
        self._kept: dict[KeySource, Good] = {}
        fetches = metrics.counter(
            "pilot_jwks_resolver_network_fetch_success_total", "Successful fetches of keys."
        )
        failures = metrics.counter(
            "pilot_jwks_resolver_network_fetch_fail_total", "Failed fetches of keys."
        )
        self._fetches, self._failures = fetches.labels(), failures.labels()
        metrics.read_gauge(
            "lateen_jwks_sources_without_keys",
            "Sources whose tokens are refused, because there are no good keys.",
            lambda: sum(state.good is None for state in self._states.values()),
        )

    def start(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._kept = kept.load(self._folder)
        self._reconcile()

    def want(self, sources: Mapping[KeySource, float]) -> None:
        """All that are wanted from now on, with the seconds that a fetch may take."""
        self._wanted = {
            source: min(seconds, LONGEST_FETCH_SECONDS)
            for source, seconds in sorted(sources.items())
        }
        self._reconcile()

    def state(self, source: KeySource) -> State | None:
        return self._states.get(source)

    async def attempted(self, limit_seconds: float) -> None:
        """Every wanted source has been asked once, or the time is up."""
        waits = [state.attempted.wait() for state in self._states.values()]
        try:
            async with asyncio.timeout(limit_seconds):
                await asyncio.gather(*waits)
        except TimeoutError:
            log.warning("serving before all keys have been fetched")

    def _reconcile(self) -> None:
        if self._tasks is None:
            return
        for source in [each for each in self._running if each not in self._wanted]:
            self._running.pop(source).cancel()
            if self._states.pop(source).good is not None:
                self._changed(source, "")
        for source in self._wanted:
            if source not in self._running:
                self._states[source] = State()
                self._use_kept(source)
                self._running[source] = self._tasks.start(
                    self._keep(source), name=f"keys of {source}"
                )

    def _use_kept(self, source: KeySource) -> None:
        good = self._kept.get(source)
        if good is not None and self._left_seconds(good) > 0:
            self._states[source].good = good
            self._changed(source, good.keys)

    async def _keep(self, source: KeySource) -> None:
        state = self._states[source]
        while True:  # until it is not wanted any more
            await self._attempt(source, state)
            state.attempted.set()
            await asyncio.sleep(self._pause_seconds(state))
            self._close_if_old(source, state)

    async def _attempt(self, source: KeySource, state: State) -> None:
        try:
            async with self._free:
                keys = await self._obtained(source, self._wanted[source])
        except KeyFetchError as trouble:
            self._failures.add()
            state.failures += 1
            self._say(source, state, str(trouble))
            return
        self._fetches.add()
        state.failures = 0
        before, state.good = state.good, Good(keys, self._clock())
        if before is None or before.keys != keys:
            log.info("keys changed", extra={"source": str(source)})
            self._changed(source, keys)
        self._kept[source] = state.good
        kept.save(
            self._folder, {each: self._kept[each] for each in self._kept.keys() & self._wanted}
        )
        self._say(source, state, "")

    async def _obtained(self, source: KeySource, timeout_seconds: float) -> str:
        uri = source.uri
        if not uri:
            url = document.discovery_url(source.issuer)
            found = await self._fetch(url, timeout_seconds=timeout_seconds)
            uri = document.read_discovery(found, source.issuer)
        return document.read_keys(await self._fetch(uri, timeout_seconds=timeout_seconds))

    def _say(self, source: KeySource, state: State, trouble: str) -> None:
        if trouble == state.trouble:
            return
        state.trouble = trouble
        if trouble:
            log.info("keys not fetched", extra={"source": str(source), "reason": trouble})
        self._troubled()

    def _close_if_old(self, source: KeySource, state: State) -> None:
        if state.good is None or self._left_seconds(state.good) > 0:
            return
        state.good = None
        self._kept.pop(source, None)
        log.error("keys are too old; tokens are refused", extra={"source": str(source)})
        self._changed(source, "")
        self._troubled()

    def _left_seconds(self, good: Good) -> float:
        now = self._clock()
        return min(good.fetched, now) + self._settings.age_limit_seconds - now

    def _pause_seconds(self, state: State) -> float:
        interval = self._settings.refresh_seconds
        if not state.failures:
            return interval * self._random.uniform(1 - REFRESH_JITTER, 1 + REFRESH_JITTER)
        doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(state.failures - 1, MOST_DOUBLINGS)
        longest = min(doubled, LONGEST_PAUSE_SECONDS, interval)
        pause = longest * self._random.uniform(0.5, 1)
        if state.good is None:
            return pause
        return min(pause, max(self._left_seconds(state.good), 0))
