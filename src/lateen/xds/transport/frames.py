"""HTTP/2 frames (RFC 9113), as far as a gRPC server reads and writes them."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 9, 11

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

FRAME_BYTES = 16384  # every peer accepts frames of this size, so nothing depends on its settings
HEAD_BYTES = 9
DEFAULT_WINDOW = 65535
LARGEST_WINDOW = 2**31 - 1

_HEAD = struct.Struct(">HBBBI")  # length (16 and 8 bits), type, flags, stream
_SETTING = struct.Struct(">HI")
_WORD = struct.Struct(">I")
_GOAWAY = struct.Struct(">II")

unpack_head = _HEAD.unpack_from


class ProtocolViolation(Exception):
    """The peer broke the protocol: the connection ends with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Setting(NamedTuple):
    identifier: int
    value: int


def head(*, size: int, kind: int, flags: int, stream: int) -> bytes:
    return _HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return head(size=len(payload), kind=kind, flags=flags, stream=stream) + payload


def settings(values: dict[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*pair) for pair in values.items()))


def read_settings(payload: bytes) -> Iterator[Setting]:
    if len(payload) % 6:
        raise ProtocolViolation(FRAME_SIZE_ERROR, "SETTINGS of a broken length")
    for identifier, value in _SETTING.iter_unpack(payload):
        yield Setting(identifier, value)


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, _WORD.pack(increment))


def reset(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream, _WORD.pack(code))


def goaway(last_stream: int, code: int, reason: str = "") -> bytes:
    return frame(GOAWAY, 0, 0, _GOAWAY.pack(last_stream, code) + reason.encode()[:200])


def word(payload: bytes) -> int:
    """The 32 bits of a RST_STREAM or WINDOW_UPDATE frame, without the reserved one."""
    if len(payload) != 4:
        raise ProtocolViolation(FRAME_SIZE_ERROR, "a frame of four bytes has another length")
    return int.from_bytes(payload, "big") & LARGEST_WINDOW


def without_padding(payload: bytes, flags: int) -> bytes:
    """The content of a DATA or HEADERS frame that may be padded."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ProtocolViolation(PROTOCOL_ERROR, "padding longer than its frame")
    return payload[1 : len(payload) - payload[0]]


def without_priority(payload: bytes, flags: int) -> bytes:
    """The header block of a HEADERS frame that may carry a priority."""
    if not flags & HAS_PRIORITY:
        return payload
    if len(payload) < 5:
        raise ProtocolViolation(FRAME_SIZE_ERROR, "HEADERS too short for its priority")
    return payload[5:]
