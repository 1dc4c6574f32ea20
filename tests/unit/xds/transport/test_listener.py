"""Listening sockets."""

import asyncio
import socket

import pytest

from lateen.xds.transport.limits import Limits
from lateen.xds.transport.listener import Address, Listener, ListenError


@pytest.mark.parametrize(
    ("host", "remedy"),
    [("127.0.0.1", "name another port"), ("203.0.113.9", "no address of this machine")],
)
def test_an_address_that_cannot_be_had_is_told_with_its_remedy(host: str, remedy: str) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            listener = Listener(Address(host, port), {}, tls=None, limits=Limits())
            with pytest.raises(ListenError, match=remedy):
                await listener.start()

    asyncio.run(main())
