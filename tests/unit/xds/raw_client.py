"""An HTTP/2 client that can also misbehave: frames by hyperframe, headers by hpack."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hpack
import hyperframe.frame as h2

from lateen.xds.transport import frames
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.listener import Listener, parse_address
from lateen.xds.transport.service import Methods

SECONDS = 5
ECHO = "/test/Echo"


class RawClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()

    def hello(self, **settings: int) -> None:
        known = {"window": frames.INITIAL_WINDOW_SIZE}
        chosen = {known[name]: value for name, value in settings.items()}
        self.raw(frames.PREFACE)
        self.frame(h2.SettingsFrame(0, settings=chosen))

    def raw(self, content: bytes) -> None:
        self.writer.write(content)

    def frame(self, frame: h2.Frame) -> None:
        self.raw(frame.serialize())

    def headers(self, path: str = ECHO, **more: str) -> bytes:
        pairs = {
            ":method": "POST", ":scheme": "http", ":path": path, ":authority": "test",
            "content-type": "application/grpc", "te": "trailers", **more,
        }  # fmt: skip
        return bytes(self.encoder.encode(list(pairs.items())))

    def open(self, stream: int = 1, path: str = ECHO, **more: str) -> None:
        block = self.headers(path, **more)
        self.frame(h2.HeadersFrame(stream, block, flags=["END_HEADERS"]))

    def message(self, body: bytes, stream: int = 1, *flags: str) -> None:
        content = b"\0" + struct.pack(">I", len(body)) + body
        for at in range(0, len(content) - frames.FRAME_BYTES, frames.FRAME_BYTES):
            self.frame(h2.DataFrame(stream, content[at : at + frames.FRAME_BYTES]))
        rest = (len(content) - 1) // frames.FRAME_BYTES * frames.FRAME_BYTES
        self.frame(h2.DataFrame(stream, content[rest:], flags=list(flags)))

    async def next(self, kind: type[h2.Frame] | None = None) -> Any:
        """The next frame, or the next of a kind."""
        async with asyncio.timeout(SECONDS):
            while True:
                head = await self.reader.readexactly(9)
                found, size = h2.Frame.parse_frame_header(memoryview(head))
                found.parse_body(memoryview(await self.reader.readexactly(size)))
                if kind is None or isinstance(found, kind):
                    return found

    async def status(self) -> dict[str, str]:
        """The trailers of the next call that ends."""
        while True:
            headers = await self.next(h2.HeadersFrame)
            pairs = dict(self.decoder.decode(headers.data))
            if "END_STREAM" in headers.flags:
                return pairs

    async def reason(self) -> tuple[int, str]:
        """Code and text of the GOAWAY that comes, and that the connection then ends."""
        goodbye = await self.next(h2.GoAwayFrame)
        async with asyncio.timeout(SECONDS):
            assert await self.reader.read() == b""
        return goodbye.error_code, goodbye.additional_data.decode()


@asynccontextmanager
async def connected(methods: Methods, limits: Limits | None = None) -> AsyncIterator[RawClient]:
    listener = Listener(parse_address("127.0.0.1:0"), methods, tls=None, limits=limits or Limits())
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.address.port)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.close()
        await listener.stop(0)
