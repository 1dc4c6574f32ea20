"""Whatever bytes a peer sends, a connection refuses or answers; it never breaks or collects."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lateen.xds.transport import frames
from lateen.xds.transport.call import Call
from lateen.xds.transport.connection import Connection
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.listener import Listener, parse_address
from lateen.xds.transport.message import Message
from lateen.xds.transport.service import Streaming, Unary
from lateen.xds.transport.status import Status

# HPACK literals: POST /echo, content-type application/grpc
REQUEST = b"\x83\x86\x04\x05/echo\x0f\x10\x10application/grpc"
FRAMES = st.builds(
    frames.frame,
    st.sampled_from([*range(10), 200]),
    st.sampled_from([0, 1, 4, 5, 8, 0x20, 0x2D, 0xFF]),
    st.sampled_from([0, 1, 3, 5, 2, 2**31 - 1]),
    st.sampled_from([REQUEST, REQUEST[:-2], bytes(4), bytes(5), bytes(8), b"\xff" * 30])
    | st.binary(max_size=40),
)


class Pipe(asyncio.Transport):
    """A socket whose other end reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.unread += data

    def get_write_buffer_size(self) -> int:
        return len(self.unread)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed


class Echo:
    def __init__(self, call: Call) -> None:
        self.call = call
        self.ends = 0

    def on_message(self, message: bytes) -> None:
        self.call.send(Message(message))

    def on_writable(self) -> None:
        return

    def on_half_close(self) -> None:
        self.call.finish(Status.OK)

    def on_close(self) -> None:
        self.ends += 1


def talk(pieces: list[bytes], limits: Limits) -> tuple[Pipe, list[Echo], Connection]:
    """A connection that was sent the pieces, one after the other, and then lost."""
    opened: list[Echo] = []

    def echo(call: Call) -> Echo:
        opened.append(Echo(call))
        return opened[-1]

    methods = {"/echo": Streaming(echo), "/unary": Unary(lambda call, message: message)}

    async def main() -> tuple[Pipe, Connection]:
        listener = Listener(parse_address("127.0.0.1:0"), methods, tls=None, limits=limits)
        connection, pipe = Connection(listener, methods, limits), Pipe()
        connection.connection_made(pipe)
        for piece in pieces:
            if pipe.closed:
                break
            connection.data_received(piece)
        connection.connection_lost(None)
        assert len(listener) == 0
        return pipe, connection

    pipe, connection = asyncio.run(main())
    return pipe, opened, connection


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAMES, max_size=30), st.integers(1, 60))
def test_any_frames_in_any_pieces_end_every_call_once(sent: list[bytes], size: int) -> None:
    content = frames.PREFACE + b"".join(sent)
    pieces = [content[at : at + size] for at in range(0, len(content), size)]

    _, opened, connection = talk(pieces, Limits(streams=2))

    assert connection.calls == {}
    assert [echo.ends for echo in opened] == [1] * len(opened)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered_or_refused(content: bytes) -> None:
    talk([content], Limits())
    talk([frames.PREFACE + content], Limits())


def test_a_client_that_asks_and_never_reads_is_sent_away() -> None:
    nowhere = REQUEST.replace(b"/echo", b"/none")
    requests = [
        frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, nowhere)
        for stream in range(1, 4001, 2)
    ]

    pipe, _, _ = talk([frames.PREFACE, *requests], Limits(control_bytes=10_000))

    assert pipe.closed
    assert len(pipe.unread) < 11_000
