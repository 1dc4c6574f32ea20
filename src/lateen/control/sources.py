"""Manifests and further places of Secrets as one source.

    manifests -----.
    folder --------+--> one batch at first, from all; then each as it comes
    Vault ---------'

Of a Secret that several places have, that of the manifests counts, then that of the first place.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol

from lateen.api.resource import Change, Key
from lateen.base.problem import Problem, Severity
from lateen.base.tasks import Tasks
from lateen.config.folder import Batch

KIND = "Secret"


class BatchSource(Protocol):
    def batches(self) -> AsyncIterator[Batch]: ...


class CombinedSource:
    """Owns which place each Secret is taken from."""

    def __init__(self, manifests: BatchSource, places: Sequence[BatchSource]) -> None:
        self._sources = (manifests, *places)
        self._held: dict[Key, dict[int, Change]] = {}  # of Secrets: by source, the first counts
        self._problems: dict[int, tuple[Problem, ...]] = {}

    async def batches(self) -> AsyncIterator[Batch]:
        arrived: asyncio.Queue[tuple[int, Batch | None]] = asyncio.Queue(maxsize=1)
        async with Tasks() as tasks:
            for index, source in enumerate(self._sources):
                tasks.start(_follow(index, source, arrived), name=f"source {index}")
            first: list[Change] = []
            while len(self._problems) < len(self._sources):
                index, batch = await arrived.get()
                if batch is None:
                    return
                first += self._taken(index, batch)
            yield Batch(tuple(first), self._all_problems())
            while True:  # as long as all of them do
                index, batch = await arrived.get()
                if batch is None:
                    return
                yield Batch(tuple(self._taken(index, batch)), self._all_problems())

    def _taken(self, index: int, batch: Batch) -> Iterator[Change]:
        self._problems[index] = batch.problems
        for change in batch.changes:
            if change.key.kind != KIND:
                yield change
                continue
            held = self._held.setdefault(change.key, {})
            before = _chosen(held)
            if change.resource is None:
                held.pop(index, None)
            else:
                held[index] = change
            after = _chosen(held)
            if after is None:
                del self._held[change.key]
                yield Change(change.key, None)
            elif after is not before:
                yield after

    def _all_problems(self) -> tuple[Problem, ...]:
        several = (
            Problem(
                "secret-twice",
                "is given by several places; that of the manifests counts, then the first place's",
                Severity.WARNING,
                resource=str(key),
            )
            for key, held in sorted(self._held.items())
            if len(held) > 1
        )
        return (*(each for found in self._problems.values() for each in found), *several)


def _chosen(held: dict[int, Change]) -> Change | None:
    return held[min(held)] if held else None


async def _follow(
    index: int, source: BatchSource, arrived: "asyncio.Queue[tuple[int, Batch | None]]"
) -> None:
    """Says None when the source has ended, which the control plane does not outlive."""
    try:
        async for batch in source.batches():
            await arrived.put((index, batch))
    except asyncio.CancelledError:
        raise
    except Exception:  # passed on to the supervisor of the task, after the others were told
        await arrived.put((index, None))
        raise
    await arrived.put((index, None))
