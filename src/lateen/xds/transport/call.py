"""One gRPC call: the server's half of an HTTP/2 stream.

Sending never waits. What the client's window does not take stays queued here, as views of bytes
that all calls share; `writable` tells whether anything is. A service that only sends while
`writable` keeps at most one message of its own waiting for each call.
"""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from lateen.xds.transport import frames
from lateen.xds.transport.message import PREFIX_BYTES, Message, data_frames
from lateen.xds.transport.service import Receiver
from lateen.xds.transport.status import CallRefused, Status

if TYPE_CHECKING:
    from lateen.xds.transport.connection import Connection

# HPACK: literals without indexing, so that no state is shared with the peer's decoder
RESPONSE_HEADERS = b"\x88\x0f\x10\x10application/grpc"  # :status 200, content-type


class Call:
    """Open from the request's headers until `finish`, a reset or the connection's end."""

    __slots__ = (
        "_connection", "_finishing", "_needed", "_part", "_queue", "closed", "half_closed", "id",
        "metadata", "path", "receive_window", "receiver", "send_window",
    )  # fmt: skip

    def __init__(
        self, connection: "Connection", stream: int, path: str, metadata: Mapping[str, str]
    ) -> None:
        self._connection = connection
        self.id = stream
        self.path = path
        self.metadata = metadata
        self.receiver: Receiver | None = None
        self.send_window = connection.peer_initial_window
        self.receive_window = connection.limits.stream_window
        self.half_closed = False
        self.closed = False
        self._queue: deque[memoryview] = deque()
        self._finishing: bytes = b""
        self._part = bytearray()  # received, not yet a whole message
        self._needed = 0  # how long it must be to hold one

    @property
    def certificate(self) -> bytes | None:
        """The client's verified certificate (DER)."""
        return self._connection.certificate

    @property
    def secure(self) -> bool:
        return self._connection.secure

    @property
    def peer(self) -> str:
        """The client's address."""
        return self._connection.peer

    @property
    def writable(self) -> bool:
        """Whether all that was sent has left, and more will leave soon."""
        return not (self._queue or self._connection.paused or self.closed)

    def send(self, message: Message) -> None:
        """Sends, or queues what the window does not take. Nothing happens on a closed call."""
        if self.closed or self._finishing:
            return
        connection, size = self._connection, message.size
        if size <= self.send_window and not self._queue and size <= connection.at_once:
            self.send_window -= size
            connection.send_window -= size
            connection.write(message.framed(self.id))
            return
        self._queue.append(memoryview(message.payload))
        self.flush()

    def finish(self, status: Status, text: str = "") -> None:
        """Ends the call with trailers, after what is still queued."""
        if self.closed or self._finishing:
            return
        self._finishing = trailers(status, text)
        self.flush()

    def flush(self) -> None:
        """Sends what windows allow of the queue; then the trailers if the call is finishing."""
        connection = self._connection
        while self._queue and not connection.paused:
            size = min(len(self._queue[0]), self.send_window, connection.at_once)
            if size <= 0:
                break
            self._send_part(size)
        if self._queue:
            connection.blocked[self.id] = self
            return
        connection.blocked.pop(self.id, None)
        if self._finishing:
            self._end()

    def _send_part(self, size: int) -> None:
        first = self._queue[0]
        self.send_window -= size
        self._connection.send_window -= size
        self._connection.write(data_frames(first[:size], self.id))
        if size == len(first):
            self._queue.popleft()
        else:
            self._queue[0] = first[size:]

    def _end(self) -> None:
        flags = frames.END_HEADERS | frames.END_STREAM
        self._connection.write(frames.frame(frames.HEADERS, flags, self.id, self._finishing))
        if not self.half_closed:  # RFC 9113, 8.1: the rest of the request is of no interest
            self._connection.write(frames.reset(self.id, frames.NO_ERROR))
        self._connection.forget(self)

    def receive(self, content: bytes) -> None:
        """Bytes of the request, in order; hands whole messages to the receiver."""
        if self._part:
            self._part += content
            if len(self._part) < self._needed:
                return
            content = bytes(self._part)
            self._part.clear()
        at, end = 0, len(content)
        while at < end:
            stop = at + self._message_size(content, at)
            if stop > end:
                self._part += content[at:]
                self._needed = stop - at
                return
            if self.receiver is not None:
                self.receiver.on_message(content[at + PREFIX_BYTES : stop])
            if self.closed or self._finishing:
                return
            at = stop

    def _message_size(self, content: bytes, at: int) -> int:
        """With its prefix, as far as that is there."""
        if len(content) - at < PREFIX_BYTES:
            return PREFIX_BYTES
        if content[at]:
            raise CallRefused(Status.UNIMPLEMENTED, "messages must not be compressed")
        size = int.from_bytes(content[at + 1 : at + PREFIX_BYTES], "big")
        if size > self._connection.limits.message_bytes:
            raise CallRefused(Status.RESOURCE_EXHAUSTED, f"a message of {size} bytes is too large")
        return PREFIX_BYTES + size

    def closed_by_peer(self) -> None:
        """The stream or the connection is gone."""
        self._queue.clear()
        self._connection.forget(self)


def trailers(status: Status, text: str) -> bytes:
    """`grpc-status` and `grpc-message` as HPACK literals with new names."""
    block = _literal(b"grpc-status", str(int(status)).encode())
    if text:
        printable = quote(text[:1000], safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")
        block += _literal(b"grpc-message", printable.encode())
    return block


def _literal(name: bytes, value: bytes) -> bytes:
    return b"\x00" + _length(len(name)) + name + _length(len(value)) + value


def _length(size: int) -> bytes:
    """HPACK integer with a prefix of 7 bits."""
    if size < 127:
        return bytes((size,))
    out, rest = bytearray((127,)), size - 127
    while rest > 127:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)
