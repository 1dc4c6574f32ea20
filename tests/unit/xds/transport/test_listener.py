"""Listening sockets."""

import asyncio
import errno
import socket

import pytest

from lateen.xds.transport.limits import Limits
from lateen.xds.transport.listener import Address, Listener, ListenError


def test_a_taken_address_is_told_with_its_remedy() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = Address("127.0.0.1", taken.getsockname()[1])
            listener = Listener(address, {}, tls=None, limits=Limits())
            with pytest.raises(ListenError, match=r"already in use .*name another port"):
                await listener.start()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EADDRNOTAVAIL, "no address of this machine"), (errno.EACCES, "name a higher one")],
)
def test_other_reasons_have_remedies_of_their_own(number: int, remedy: str) -> None:
    told = str(ListenError.of("203.0.113.9:5", OSError(number, "whatever")))

    assert told.startswith("cannot listen on 203.0.113.9:5: ")
    assert remedy in told
