"""Runs the rate limit service as the process: event loop, signals."""

import asyncio
import signal
from random import Random

import uvloop

from lateen.base.clock import system_clock
from lateen.rate_limit.service import RateLimitService
from lateen.rate_limit.settings import ServiceSettings


def run(settings: ServiceSettings) -> int:
    service = RateLimitService(settings, clock=system_clock, random=Random())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(service))
    return 0


async def _run(service: RateLimitService) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await service.run(stop)
