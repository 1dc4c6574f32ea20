"""gRPC's framing of messages: one byte of flags, four of length, then the message."""

from collections.abc import Iterator

PREFIX = 5
DESCRIBE = "/lateen.echo.Echo/Describe"  # answers with what was seen, as JSON text
HEALTH = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}
NOT_SERVING = b"\x08\x02"


def pack(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


class Unpacker:
    """Cuts what arrives into messages. Compressed messages are refused by ValueError."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._buffer += chunk
        while len(self._buffer) >= PREFIX:
            if self._buffer[0]:
                raise ValueError("compressed messages are not supported")
            end = PREFIX + int.from_bytes(self._buffer[1:PREFIX], "big")
            if len(self._buffer) < end:
                return
            yield bytes(self._buffer[PREFIX:end])
            del self._buffer[:end]
