"""Background tasks with an owner: none is lost, none fails in silence, all end with it.

async with Tasks() as tasks:
    tasks.start(rotate_certificates(), name="rotation")
    ...
# leaving cancels what still runs and waits for it
"""

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Starts coroutines and keeps them until they end; one that raises is logged and counted."""

    def __init__(self) -> None:
        self.failures = 0
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        trouble = task.exception()
        if trouble is not None:
            self.failures += 1
            log.error("task failed: %s", task.get_name(), exc_info=trouble)

    async def close(self) -> None:
        """Cancels what still runs and waits until it has ended."""
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def __aenter__(self) -> "Tasks":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
