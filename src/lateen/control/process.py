"""Runs the control plane as the process: event loop, signals."""

import asyncio
import signal
from random import Random

import uvloop

from lateen.base.clock import system_clock
from lateen.control.plane import ControlPlane, Source
from lateen.control.settings import ControlSettings


def run(settings: ControlSettings, source: Source) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, source))
    return 0


async def _run(settings: ControlSettings, source: Source) -> None:
    plane = ControlPlane(settings, source, clock=system_clock, random=Random())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await plane.run(stop)
