"""A running service, and questions to it over gRPC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import grpc

from lateen.base.clock import system_clock
from lateen.envoy import types
from lateen.rate_limit.service import METHOD, RateLimitService
from lateen.rate_limit.settings import ServiceSettings

SECONDS = 10


@asynccontextmanager
async def running(settings: ServiceSettings) -> AsyncIterator[RateLimitService]:
    service = RateLimitService(settings, clock=system_clock, random=Random(1))
    stop, started = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop, started=started.set))
        async with asyncio.timeout(SECONDS):
            await started.wait()
        try:
            yield service
        finally:
            stop.set()


@asynccontextmanager
async def channel(service: RateLimitService) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(str(service.address)) as opened:
        yield opened


def question(*descriptors: dict[str, str], domain: str = "lateen", hits: int = 0) -> Any:
    made = types.RateLimitRequest(domain=domain, hits_addend=hits)
    for entries in descriptors:
        added = made.descriptors.add()
        for key, value in entries.items():
            added.entries.add(key=key, value=value)
    return made


async def ask(opened: grpc.aio.Channel, request: Any) -> Any:
    call = opened.unary_unary(METHOD)
    answer = await call(request.SerializeToString(), timeout=SECONDS)
    return types.RateLimitResponse.FromString(answer)
