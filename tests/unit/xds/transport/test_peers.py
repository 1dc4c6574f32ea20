"""How many connections an address may have, and how fast it may open them."""

import asyncio
import contextlib

import hyperframe.frame as h2

from lateen.xds.transport.limits import Limits
from lateen.xds.transport.peers import MOST_ADDRESSES, Peers
from tests.unit.xds.raw_client import connected

LIMITS = Limits(connections=3, connects=5, connect_seconds=10)


def test_an_address_may_have_so_many_at_once_and_others_are_not_concerned() -> None:
    peers = Peers(LIMITS)
    assert [peers.admits("a", 0) for _ in range(4)] == [True, True, True, False]
    assert peers.admits("b", 0)
    peers.left("a")
    assert peers.admits("a", 0)
    assert peers.refused == 1


def test_an_address_may_open_so_many_in_a_time() -> None:
    peers = Peers(LIMITS)

    def come_and_go(now: float) -> bool:
        admitted = peers.admits("a", now)
        if admitted:
            peers.left("a")
        return admitted

    assert [come_and_go(0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not come_and_go(10)
    assert come_and_go(10.1)


def test_addresses_without_connections_are_forgotten() -> None:
    peers = Peers(LIMITS)
    for number in range(MOST_ADDRESSES + 1):
        peers.admits(str(number), 0)
        if number:
            peers.left(str(number))
    peers.admits("new", 11)
    assert len(peers._peers) == 2  # the one that stayed, and the new one


def test_a_connection_beyond_the_limit_is_cut_and_the_rest_go_on() -> None:
    async def main() -> None:
        async with connected({}, Limits(connections=1)) as client:
            client.hello()
            host, port = client.writer.get_extra_info("peername")[:2]
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.suppress(ConnectionResetError):
                async with asyncio.timeout(5):
                    assert await reader.read() == b""
            writer.close()
            client.frame(h2.PingFrame(0, b"12345678"))
            assert (await client.next(h2.PingFrame)).opaque_data == b"12345678"

    asyncio.run(main())
