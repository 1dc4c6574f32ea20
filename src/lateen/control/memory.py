"""Keeps Python's cycle collector from costing latency and memory where it finds nothing.

What the control plane keeps (resources, graph nodes, cells, streams) lives long and is freed by
reference counting; looking through all of it in the middle of a push is time lost. So what was
loaded at the start is frozen, and full collections run when nothing else does.
"""

import asyncio
import gc

YOUNG_OBJECTS = 50_000  # allocations between collections of the youngest generation
YOUNG_RUNS = 20
IDLE_SECONDS = 60.0


def settle() -> None:
    """Call once when everything has been read."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_RUNS, 1_000_000)


def relax_while_loading() -> None:
    """Call first: nothing that the start allocates is garbage."""
    gc.set_threshold(YOUNG_OBJECTS * 10, YOUNG_RUNS, 1_000_000)


async def collect_when_idle() -> None:
    """Runs for ever: one full collection a minute, which the generations no longer start."""
    while True:
        await asyncio.sleep(IDLE_SECONDS)
        gc.collect()
