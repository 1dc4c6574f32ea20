"""Counters in Redis, for several servers that count together.

One script asks for and takes from all counters of a request at once, by Redis' own clock, so that
servers whose clocks differ agree. Requests that come while Redis answers go out as one pipeline.
Redis Cluster is not spoken: the counters of one request would be on several nodes.

    lateen:<domain>|<descriptor>   hash: w window, c counted in it, p counted in the one before
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

import redis.asyncio
from redis.exceptions import NoScriptError, RedisError

from lateen.base.tasks import Tasks
from lateen.rate_limit.counters import Counter, Reading
from lateen.rate_limit.errors import StoreUnavailable

log = logging.getLogger(__name__)

PASSWORD_VARIABLE = "REDIS_PASSWORD"  # of the environment: not seen in a list of processes
PREFIX = "lateen:"
CONNECTIONS = 2  # pipelines that are on their way at the same time
WAITING = 10_000  # requests; beyond them Redis is too slow and counts as unavailable
BATCH = 256
PAUSE_SECONDS = 0.5  # after a failure Redis is left alone for so long
SCRIPT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local slides, out, state, passes = ARGV[1] == '1', {}, {}, true
for i, key in ipairs(KEYS) do
  local hits, limit = tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1])
  local seconds, shadow = tonumber(ARGV[i * 4]), ARGV[i * 4 + 1] == '1'
  local index = math.floor(now / seconds)
  local kept = redis.call('HMGET', key, 'w', 'c', 'p')
  local window, current, previous = tonumber(kept[1]), tonumber(kept[2]), tonumber(kept[3])
  if window == index - 1 then previous, current = current, 0
  elseif window ~= index then previous, current = 0, 0 end
  local used = current
  if slides then used = used + previous * (1 - (now / seconds - index)) end
  local room = hits < 0 or used + hits <= limit
  if not room and not shadow then passes = false end
  state[i] = {index, current, previous, used, room, hits, limit, seconds}
end
for i, key in ipairs(KEYS) do
  local index, current, previous, used, room, hits, limit, seconds = unpack(state[i])
  local taken = 0
  if room and passes then
    taken = hits
    redis.call('HSET', key, 'w', index, 'c', math.max(0, current + hits), 'p', previous)
    redis.call('EXPIRE', key, 2 * seconds)
  end
  out[#out + 1] = room and 1 or 0
  out[#out + 1] = math.max(0, math.floor(limit - used - taken))
  out[#out + 1] = math.floor(((index + 1) * seconds - now) * 1000)
end
return out
"""


@dataclass(slots=True)
class Waiting:
    counters: Sequence[Counter]
    answer: asyncio.Future[list[Reading]]


class RedisStore:
    """Owns the connections. `run` carries the requests until it is cancelled."""

    def __init__(self, url: str, *, slides: bool = False, timeout_seconds: float) -> None:
        try:
            self._client = redis.asyncio.Redis.from_url(
                url,
                password=os.environ.get(PASSWORD_VARIABLE) or None,
                max_connections=CONNECTIONS + 1,
                socket_timeout=timeout_seconds,
                socket_connect_timeout=timeout_seconds,
            )
        except ValueError as wrong:
            raise StoreUnavailable(f"not the address of a Redis: {wrong}") from wrong
        self._slides = b"1" if slides else b"0"
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(WAITING)
        self._digest = ""
        self._resting_until = 0.0
        self.failures = 0
        self.is_available = True

    async def take(self, counters: Sequence[Counter]) -> list[Reading]:
        """Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._resting_until:
            raise StoreUnavailable("Redis is not available")
        waiting = Waiting(counters, loop.create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull as full:
            raise StoreUnavailable("too many requests wait for Redis") from full
        return await waiting.answer

    async def run(self) -> None:
        async with Tasks() as tasks:
            carrying = [
                tasks.start(self._carry(), name="requests to Redis") for _ in range(CONNECTIONS)
            ]
            try:
                await asyncio.gather(*carrying)
            finally:
                await self._client.aclose()

    async def _carry(self) -> None:
        while True:  # as long as the service runs
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            batch = [each for each in batch if not each.answer.done()]  # the caller has left
            if not batch:
                continue
            try:
                found = await self._ask(batch)
            except (RedisError, OSError, TimeoutError) as trouble:
                self._failed(trouble)
                for each in batch:
                    if not each.answer.done():
                        each.answer.set_exception(StoreUnavailable(f"Redis: {trouble}"))
                continue
            self._answered()
            for each, numbers in zip(batch, found, strict=True):
                if each.answer.done():
                    continue
                if isinstance(numbers, Exception):
                    each.answer.set_exception(StoreUnavailable(f"Redis: {numbers}"))
                else:
                    each.answer.set_result(readings(numbers))

    async def _ask(self, batch: Sequence[Waiting]) -> list[list[int] | Exception]:
        """One list of numbers for each; loads the script where Redis has lost it."""
        if not self._digest:
            self._digest = str(await self._client.script_load(SCRIPT))
        found = await self._pipeline(batch)
        if any(isinstance(each, NoScriptError) for each in found):
            self._digest = str(await self._client.script_load(SCRIPT))
            found = await self._pipeline(batch)
        return found

    async def _pipeline(self, batch: Sequence[Waiting]) -> list[list[int] | Exception]:
        pipeline = self._client.pipeline(transaction=False)
        for each in batch:
            pipeline.execute_command(
                "EVALSHA", self._digest, len(each.counters), *self._arguments(each.counters)
            )
        found: list[list[int] | Exception] = await pipeline.execute(raise_on_error=False)
        return found

    def _arguments(self, counters: Sequence[Counter]) -> list[bytes | str | int]:
        arguments: list[bytes | str | int] = [PREFIX + counter.key for counter in counters]
        arguments.append(self._slides)
        for counter in counters:
            limit = counter.limit
            arguments += (counter.hits, limit.requests, limit.seconds, int(limit.shadow))
        return arguments

    def _failed(self, trouble: Exception) -> None:
        self.failures += 1
        self._resting_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
        if self.is_available:
            self.is_available = False
            log.warning("Redis is not available", extra={"reason": str(trouble)})

    def _answered(self) -> None:
        if not self.is_available:
            self.is_available = True
            log.warning("Redis is available again")


def readings(numbers: Sequence[int]) -> list[Reading]:
    """Three numbers for each counter: room, remaining, milliseconds to the window's end."""
    return [
        Reading(bool(numbers[at]), numbers[at + 1], numbers[at + 2] / 1000)
        for at in range(0, len(numbers), 3)
    ]
