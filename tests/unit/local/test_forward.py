"""Ports of this machine that lead into the mesh."""

import asyncio
import contextlib
import select
import socket
import struct
from collections.abc import Iterator

import pytest

from lateen.local.errors import LocalError
from lateen.local.forward import Forward, listen, splice
from lateen.local.host import DirectHost, HostHelper


async def _upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.read()).upper())
    writer.close()


def through(forwarded: bytes) -> bytes:
    async def scenario() -> bytes:
        inside = await asyncio.start_server(_upper, "127.0.0.1", 0)
        target = inside.sockets[0].getsockname()
        forward = Forward(DirectHost().listen("127.0.0.1", 0), lambda: target)
        await forward.start()
        host, _, port = forward.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(forwarded)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        forward.close()
        inside.close()
        return answer

    return asyncio.run(scenario())


def test_bytes_pass_in_both_directions_with_their_ends() -> None:
    assert through(b"hello" * 100_000) == b"HELLO" * 100_000


def test_wished_port_that_is_taken_is_refused_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} of this machine: Address already"):
            listen(DirectHost(), 80, port)


def test_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with listen(DirectHost(), port) as found:
            assert found.getsockname()[1] != port


@pytest.fixture
def helper() -> Iterator[HostHelper]:
    made = HostHelper()
    yield made
    made.close()


def test_helper_hands_over_sockets_of_the_host(helper: HostHelper) -> None:
    listening = helper.listen("127.0.0.1", 0)
    listening.setblocking(True)
    with listening, socket.create_connection(listening.getsockname()) as client:
        accepted, _ = listening.accept()
        with accepted:
            client.sendall(b"x")
            assert accepted.recv(1) == b"x"


def test_helper_passes_on_why_a_port_cannot_be_had(helper: HostHelper) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
    ):
        helper.listen("127.0.0.1", taken.getsockname()[1])


def test_end_that_a_reset_connection_no_longer_takes_is_no_error() -> None:
    """ENOTCONN, which is an OSError and no ConnectionError."""

    async def scenario() -> None:
        one, _ = await _connected()
        other, peer = await _connected()
        assert isinstance(other.transport, asyncio.Transport)
        other.transport.pause_reading()  # so that the reset is not noticed by reading
        linger = struct.pack("ii", 1, 0)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        peer.close()
        reset = select.poll()
        reset.register(other.get_extra_info("socket").fileno(), select.POLLHUP)
        assert reset.poll(5_000)
        await splice((_ended(), one), (_ended(), other))

    asyncio.run(scenario())


def test_reset_from_inside_reaches_the_caller() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def scenario() -> None:
        inside = await asyncio.start_server(reset, "127.0.0.1", 0)
        target = inside.sockets[0].getsockname()
        forward = Forward(DirectHost().listen("127.0.0.1", 0), lambda: target)
        await forward.start()
        host, _, port = forward.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"hello")
        try:
            async with asyncio.timeout(5):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        finally:
            writer.close()
            forward.close()
            inside.close()

    asyncio.run(scenario())


async def _connected() -> tuple[asyncio.StreamWriter, socket.socket]:
    """Ours, and the socket at the other end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        _, writer = await asyncio.open_connection(*listening.getsockname())
        return writer, listening.accept()[0]


def _ended() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_eof()
    return reader
