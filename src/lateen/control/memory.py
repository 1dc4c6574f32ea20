"""Keeps Python's cycle collector out of the way of pushes, and gives memory back.

What the control plane keeps (resources, graph nodes, cells, streams) lives long and is freed by
reference counting, so looking through all of it in the middle of a push is time lost. Automatic
collections are off. A few times a minute what is young is collected, if that is little, and set
apart from all later collections; once an hour everything is looked at.

Responses are large and short-lived. glibc learns from the first one freed to keep blocks of its
size in the heap, where small objects soon pin them; with a fixed threshold it maps and unmaps them.
"""

import asyncio
import ctypes
import gc

YOUNG_SECONDS = 15.0
FEW_OBJECTS = 100_000  # collected in some 10 ms; more than that waits for the hour
HOUR_SECONDS = 3600.0
MMAP_THRESHOLD = -3  # mallopt's M_MMAP_THRESHOLD
LARGE_BYTES = 256 * 1024


def relax_while_loading() -> None:
    """Call first: nothing that the start allocates is garbage."""
    gc.disable()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc; other allocators need no advice
        libc.mallopt(MMAP_THRESHOLD, LARGE_BYTES)


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
