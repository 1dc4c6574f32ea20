"""Background tasks end with their owner and never fail in silence."""

import asyncio
import logging

import pytest

from lateen.base.tasks import Tasks


async def fails() -> None:
    raise ValueError("broken")


def test_leaving_cancels_what_still_runs() -> None:
    async def scenario() -> bool:
        async with Tasks() as tasks:
            task = tasks.start(asyncio.Event().wait(), name="forever")
            await asyncio.wait([task], timeout=0)
        return task.cancelled()

    assert asyncio.run(scenario())


def test_a_task_that_raises_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> int:
        async with Tasks() as tasks:
            await asyncio.wait([tasks.start(fails(), name="rotation")])
            await asyncio.wait([tasks.start(asyncio.Event().wait(), name="turn")], timeout=0)
            return tasks.failures

    with caplog.at_level(logging.ERROR):
        assert asyncio.run(scenario()) == 1
    assert "rotation" in caplog.text
    assert "broken" in caplog.text
