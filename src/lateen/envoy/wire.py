"""Protobuf's wire format, as far as joining ready-made parts needs it.

A repeated field of messages is the concatenation of its elements, each behind a tag and a length,
and later fields of a message may simply be appended: so a large message is put together from the
bytes of its parts without decoding any of them.
"""

from functools import cache


def varint(value: int) -> bytes:
    """An unsigned number."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@cache
def _tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def embedded(number: int, body: bytes) -> bytes:
    """One message, string or bytes as a field of another message."""
    return _tag(number, 2) + varint(len(body)) + body


def text(number: int, value: str) -> bytes:
    """A string field; nothing when empty, as proto3 demands."""
    return embedded(number, value.encode()) if value else b""


def number(field: int, value: int) -> bytes:
    """An unsigned integer or enum field; nothing when zero."""
    return _tag(field, 0) + varint(value) if value else b""


def uint32_value(field: int, value: int) -> bytes:
    """A field of type UInt32Value, present also when zero."""
    return embedded(field, number(1, value))
