"""Frames that no client would send must end a connection in order, never by an exception."""

import asyncio
from typing import Any

import hpack
import hyperframe.frame as h2
from hypothesis import given, settings
from hypothesis import strategies as st

from lateen.xds.transport import frames
from lateen.xds.transport.connection import Connection
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.service import Unary

HEADERS = hpack.Encoder().encode(
    [(":method", "POST"), (":path", "/echo"), ("content-type", "application/grpc")]
)
SMALL = Limits(
    streams=3, header_bytes=500, message_bytes=300, stream_window=600, connection_window=70_000,
    resets=5, pings=5,
)  # fmt: skip


class KeptTransport(asyncio.Transport):
    """A socket that is never full; keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True


class NoListener:
    def admits(self, address: str, now: float) -> bool:
        return True

    def gone(self, address: str) -> None:
        return

    def joined(self, connection: Connection) -> None:
        return

    def left(self, connection: Connection) -> None:
        return


frame = st.builds(
    lambda kind, flags, stream, payload: frames.frame(kind, flags, stream, payload),
    st.integers(0, 11),
    st.integers(0, 255),
    st.sampled_from((0, 1, 2, 3, 5, 7)),
    st.one_of(
        st.binary(max_size=40),
        st.just(HEADERS),
        st.just(b"\0\0\0\0\3abc"),
        st.just(b"\0\0\0\0"),
        st.sampled_from((b"\0\0\0\1", b"\x7f\xff\xff\xff", b"12345678", b"\0\4\0\0\0\0")),
    ),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(frame, max_size=30), st.integers(1, 50), st.binary(max_size=20))
def test_no_sequence_of_frames_raises(sent: list[bytes], piece: int, tail: bytes) -> None:
    async def main() -> None:
        methods = {"/echo": Unary(lambda call, message: message)}
        connection = Connection(NoListener(), methods, SMALL)  # type: ignore[arg-type]
        transport = KeptTransport()
        connection.connection_made(transport)
        whole = frames.PREFACE + b"".join(sent) + tail
        for at in range(0, len(whole), piece):
            if transport.closing:
                break
            connection.data_received(whole[at : at + piece])
        connection.connection_lost(None)
        assert not connection.calls
        assert len(connection.blocked) == 0
        read_back(bytes(transport.written))

    asyncio.run(main())


def read_back(written: bytes) -> None:
    """What the server wrote is well-formed."""
    while written:
        found, size = h2.Frame.parse_frame_header(memoryview(written[:9]))
        found.parse_body(memoryview(written[9 : 9 + size]))
        written = written[9 + size :]
