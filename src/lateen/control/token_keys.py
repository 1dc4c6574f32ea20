"""Keys for the tokens of requests: fetched for the mesh, handed to it, their trouble reported."""

import json
import logging
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from lateen.base.clock import Clock
from lateen.base.metrics import Registry
from lateen.base.problem import Problem, Severity
from lateen.base.tasks import Tasks
from lateen.jwks.errors import SettingError
from lateen.jwks.fetch import Fetch
from lateen.jwks.refresh import KeyRefresh
from lateen.jwks.settings import KeySettings
from lateen.jwks.source import KeySource
from lateen.view.mesh import Mesh
from lateen.view.token_keys import MOST_SOURCES, Use, crowded, key_sources, unreachable, uses

log = logging.getLogger(__name__)

START_SECONDS = 5.0  # that serving waits for the first keys; later they come by themselves
HOLD_SECONDS = 1.0  # that a change with new sources waits for their keys; others are not held
REFUSED = "tokens of it are refused"
FOLDER = "jwks"  # of the control plane's state


class TokenKeys:
    """Owns the refresh. `changed` is told when proxies need something new."""

    def __init__(
        self,
        settings: KeySettings,
        mesh: Mesh,
        *,
        state: Path,
        clock: Clock,
        random: Random,
        metrics: Registry,
        changed: Callable[[], None],
    ) -> None:
        self._mesh, self._changed = mesh, changed
        self._asked: tuple[tuple[Use, ...], ...] = ((), (), ())
        self._reported: tuple[Problem, ...] = ()
        self._tasks: Tasks | None = None  # until it is started
        self._refresh = KeyRefresh(
            settings,
            Fetch(settings.reach, server_trust(settings)),
            folder=state / FOLDER,
            clock=clock,
            random=random,
            metrics=metrics,
            changed=self._take,
            troubled=self._report,
        )

    async def start(self, tasks: Tasks) -> None:
        """Returns when every source has been asked once, or after `START_SECONDS`."""
        self._refresh.start(tasks)
        await self._refresh.attempted(START_SECONDS)
        self._tasks = tasks

    def update(self) -> bool:
        """The mesh has changed: sources may have come and gone.

        True: the first keys of some are on their way, and `changed` is told when they are there, or
        in `HOLD_SECONDS`, so that no proxy refuses good tokens for the moment in between.
        """
        asked = (uses(self._mesh), unreachable(self._mesh), crowded(self._mesh))
        if all(new is old for new, old in zip(asked, self._asked, strict=True)):
            return False  # the usual case: a change of something else costs nothing here
        self._asked = asked
        sources = dict(key_sources(self._mesh))
        has_new = any(self._refresh.state(source) is None for source in sources)
        self._refresh.want(sources)
        if self._tasks is None:
            return False
        self._report()
        if has_new:
            self._tasks.start(self._tell_soon(), name="first keys of new sources")
        return has_new

    async def _tell_soon(self) -> None:
        await self._refresh.attempted(HOLD_SECONDS)
        self._changed()

    def problems(self) -> tuple[Problem, ...]:
        """Of every rule whose keys could not be fetched the last time, or never can be."""
        found = (self._problem(use) for use in uses(self._mesh))
        return (
            *(problem for problem in found if problem is not None),
            *(self._unreachable(use) for use in unreachable(self._mesh)),
            *(self._crowded(use) for use in crowded(self._mesh)),
        )

    def report(self) -> list[dict[str, Any]]:
        """Of every source: its keys by name, when they were fetched, what is wrong, who uses it."""
        return [self._reported_source(source) for source, _ in key_sources(self._mesh)]

    def _reported_source(self, source: KeySource) -> dict[str, Any]:
        state = self._refresh.state(source)
        good = state.good if state is not None else None
        keys = json.loads(good.keys)["keys"] if good is not None else []
        users = (use for use in uses(self._mesh) if use.source == source)
        return {
            "source": str(source),
            "keys": [key.get("kid", "") for key in keys],
            "fetched": _as_time(good.fetched) if good is not None else "",
            "failures": state.failures if state is not None else 0,
            "trouble": state.trouble if state is not None else "",
            "usedBy": [f"{use.key} {use.path}" for use in users],
        }

    def _take(self, source: KeySource, keys: str) -> None:
        self._mesh.set_token_keys(source, keys)
        if self._tasks is not None:
            self._changed()

    def _problem(self, use: Use) -> Problem | None:
        state = self._refresh.state(use.source)
        if state is None or not state.trouble:
            return None
        stay = "the last good keys stay in force" if state.good else REFUSED
        why = f"the keys of {use.source} cannot be fetched: {state.trouble}; {stay}"
        return self._about(use, why, "it is tried again, later and later")

    def _unreachable(self, use: Use) -> Problem:
        why = (
            f"{use.source} leads to no service of the mesh, and only proxies fetch keys; {REFUSED}"
        )
        return self._about(
            use, why, "add a ServiceEntry for its host, or use --jwks-fetcher hybrid"
        )

    def _crowded(self, use: Use) -> Problem:
        limit = f"its namespace has more than {MOST_SOURCES} sources of keys"
        why = f"the keys of {use.source} are not fetched: {limit}; {REFUSED}"
        return self._about(use, why, "let rules share a jwksUri, or write the keys as jwks")

    def _about(self, use: Use, why: str, hint: str) -> Problem:
        origin = self._mesh.origin(use.key)
        return Problem(
            code="keys-not-fetched",
            message=why,
            severity=Severity.WARNING,
            resource=str(use.key),
            path=use.path,
            file=origin.file,
            line=origin.line,
            hint=hint,
        )

    def _report(self) -> None:
        """As for files: what is newly wrong, and what is right again."""
        found = self.problems()
        for problem in found:
            if problem not in self._reported:
                print(f"{problem.severity}: {problem}", file=sys.stderr, flush=True)
        for problem in self._reported:
            if problem not in found:
                print(f"fixed: {problem.resource}: {problem.message}", file=sys.stderr, flush=True)
        self._reported = found


def _as_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def server_trust(settings: KeySettings) -> ssl.SSLContext:
    """Whom to believe that it is the server that a URL names."""
    context = ssl.create_default_context()
    if settings.authorities is not None:
        try:
            context.load_verify_locations(settings.authorities)
        except (OSError, ssl.SSLError) as wrong:
            raise SettingError(f"{settings.authorities} holds no certificates: {wrong}") from wrong
    return context
