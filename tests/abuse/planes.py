"""A control plane in a thread of its own, so that a whole module of attempts can share it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from tests.features.running_plane import RunningPlane, control_plane

START_SECONDS = 30


@contextmanager
def background_plane(text: str) -> Iterator[RunningPlane]:
    """Serves `text` on the secure and on the plaintext port until the block ends."""
    started: SimpleQueue[RunningPlane | BaseException] = SimpleQueue()
    stop, loops = asyncio.Event(), SimpleQueue[asyncio.AbstractEventLoop]()

    async def serve() -> None:
        loops.put(asyncio.get_running_loop())
        async with control_plane(text, secure=True) as plane:
            started.put(plane)
            await stop.wait()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as trouble:
            started.put(trouble)
            raise

    thread = threading.Thread(target=work, name="control plane")
    thread.start()
    loop = loops.get(timeout=START_SECONDS)
    found = started.get(timeout=START_SECONDS)
    if isinstance(found, BaseException):
        raise found
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(START_SECONDS)
