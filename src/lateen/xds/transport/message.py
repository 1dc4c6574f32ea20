"""One outgoing gRPC message, made once and sent to any number of calls.

On the wire only the stream ids in the frame heads differ between calls. Proxies open one stream a
connection, so nearly all have the same id: the framed bytes are kept per id and the price of a
broadcast is one `write` of ready bytes for each call.
"""

from lateen.xds.transport import frames

PREFIX_BYTES = 5  # gRPC: one byte compression, four bytes length
KEPT_IDS = 4  # framings kept of one message; more stream ids than that are framed anew


class Message:
    """`payload` is the gRPC message with its prefix; `size` is what it takes of the windows."""

    __slots__ = ("_framed", "payload", "size")

    def __init__(self, body: bytes) -> None:
        self.payload = b"\0" + len(body).to_bytes(4, "big") + body
        self.size = len(self.payload)
        self._framed: dict[int, bytes] = {}

    @property
    def body(self) -> bytes:
        return self.payload[PREFIX_BYTES:]

    def framed(self, stream: int) -> bytes:
        """All of it as DATA frames of one stream."""
        found = self._framed.get(stream)
        if found is None:
            found = data_frames(memoryview(self.payload), stream)
            if len(self._framed) < KEPT_IDS:
                self._framed[stream] = found
        return found


def data_frames(content: memoryview, stream: int) -> bytes:
    whole = frames.head(size=frames.FRAME_BYTES, kind=frames.DATA, flags=0, stream=stream)
    parts: list[bytes | memoryview] = []
    last = len(content) - len(content) % frames.FRAME_BYTES
    for at in range(0, last, frames.FRAME_BYTES):
        parts += (whole, content[at : at + frames.FRAME_BYTES])
    if last < len(content):
        rest = content[last:]
        parts += (frames.head(size=len(rest), kind=frames.DATA, flags=0, stream=stream), rest)
    return b"".join(parts)
