"""Counters in a real Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import redis

from lateen.base.tasks import Tasks
from lateen.rate_limit.counters import Counter, Limit
from lateen.rate_limit.errors import StoreUnavailable
from lateen.rate_limit.redis_store import PREFIX, RedisStore
from tests.redis_server import RedisServer, redis_server

SECONDS = 10
DAY = Limit("a", 50, "DAY")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    with redis.Redis.from_url(shared_server.url) as client:
        client.flushall()
    return shared_server


@asynccontextmanager
async def store(
    server: RedisServer, *, slides: bool = False, timeout_seconds: float = 5
) -> AsyncIterator[RedisStore]:
    made = RedisStore(server.url, slides=slides, timeout_seconds=timeout_seconds)
    async with Tasks() as tasks:
        tasks.start(made.run(), name="store")
        yield made


async def passing(made: RedisStore, times: int, limit: Limit = DAY, key: str = "k") -> int:
    found = await asyncio.gather(*(made.take([Counter(key, limit)]) for _ in range(times)))
    return sum(reading.allowed for (reading,) in found)


async def until(claim: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await claim():
            await asyncio.sleep(0.01)


def test_two_servers_that_ask_at_once_take_no_more_than_the_limit(server: RedisServer) -> None:
    async def main() -> int:
        async with store(server) as one, store(server) as other:
            return sum(await asyncio.gather(passing(one, 400), passing(other, 400)))

    assert asyncio.run(main()) == 50


def test_what_is_left_and_when_the_window_ends_are_told(server: RedisServer) -> None:
    async def main() -> None:
        async with store(server) as made:
            (reading,) = await made.take([Counter("k", DAY, 20)])
            assert reading.remaining == 30
            assert reading.reset_seconds == pytest.approx(86400 - time.time() % 86400, abs=5)
            assert (await made.take([Counter("k", DAY, -15)]))[0].remaining == 45

    asyncio.run(main())


def test_a_window_begins_anew_by_itself_and_leaves_nothing_behind(server: RedisServer) -> None:
    async def main() -> None:
        limit = Limit("a", 2, "SECOND")
        async with store(server) as made:
            assert await passing(made, 20, limit) >= 2

            async def has_room() -> bool:
                return await passing(made, 1, limit) == 1

            await until(has_room)
        with redis.Redis.from_url(server.url) as client:
            assert 0 < int(client.pttl(f"{PREFIX}k")) <= 2000

    asyncio.run(main())


def test_what_one_counter_refuses_the_others_do_not_count(server: RedisServer) -> None:
    async def main() -> None:
        small, shadow = Limit("s", 1, "DAY"), Limit("w", 1, "DAY", shadow=True)
        counters = [Counter("s", small), Counter("w", shadow), Counter("l", DAY)]
        async with store(server) as made:
            found = [await made.take(counters) for _ in range(4)]
            alone = await made.take([Counter("w", shadow), Counter("l", DAY)])

        assert [reading[0].allowed for reading in found] == [True, False, False, False]
        assert [reading.allowed for reading in alone] == [False, True]
        assert alone[1].remaining == 48

    asyncio.run(main())


def test_a_sliding_window_counts_the_one_before_by_its_share(server: RedisServer) -> None:
    async def main() -> int:
        index = int(time.time() // 86400)
        with redis.Redis.from_url(server.url) as client:
            client.hset(f"{PREFIX}k", mapping={"w": index - 1, "c": 1000, "p": 0})
        async with store(server, slides=True) as made:
            return await passing(made, 1100, Limit("a", 1000, "DAY"))

    passed = time.time() % 86400 / 86400
    assert asyncio.run(main()) == pytest.approx(1000 * passed, abs=2)


def test_a_redis_that_is_gone_is_an_error_until_it_is_back(server: RedisServer) -> None:
    async def main() -> None:
        async with store(server) as made:
            assert await passing(made, 1) == 1
            server.kill()
            with pytest.raises(StoreUnavailable):
                await made.take([Counter("k", DAY)])
            assert not made.is_available
            server.start()

            async def answers() -> bool:
                try:
                    return bool(await made.take([Counter("k", DAY)]))
                except StoreUnavailable:
                    return False

            await until(answers)
            assert made.is_available

    asyncio.run(main())


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="not the address of a Redis"):
        RedisStore("localhost:6379", timeout_seconds=1)
