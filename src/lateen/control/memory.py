"""Keeps Python's cycle collector out of the way of pushes.

What the control plane keeps (resources, graph nodes, cells, streams) lives long and is freed by
reference counting, so looking through all of it in the middle of a push is time lost. Automatic
collections are off. A few times a minute what is young is collected, if that is little, and set
apart from all later collections; once an hour everything is looked at.
"""

import asyncio
import gc

YOUNG_SECONDS = 15.0
FEW_OBJECTS = 100_000  # collected in some 10 ms; more than that waits for the hour
HOUR_SECONDS = 3600.0


def relax_while_loading() -> None:
    """Call first: nothing that the start allocates is garbage."""
    gc.disable()


def settle() -> None:
    """Call once when everything has been read."""
    gc.collect()
    gc.freeze()


async def collect_now_and_then() -> None:
    """Runs for ever."""
    since_full = 0.0
    while True:
        await asyncio.sleep(YOUNG_SECONDS)
        since_full += YOUNG_SECONDS
        if since_full >= HOUR_SECONDS:
            since_full = 0.0
            gc.unfreeze()
            gc.collect()
        elif gc.get_count()[0] < FEW_OBJECTS:
            gc.collect()
        gc.freeze()
