"""Small pieces that all Envoy messages are made of: Any, durations, wrappers, bytes, JSON.

Well-known types (Any, Duration, ...) must be of the private schema's own classes; those of
`google.protobuf.*_pb2` belong to another pool and Envoy's messages refuse them.
"""

from functools import cache
from typing import Any

from google.protobuf import json_format

from lateen.envoy import json_order, schema, types

TYPE_PREFIX = "type.googleapis.com/"
NANOSECONDS = 10**9


def type_url(message: Any) -> str:
    """The type URL of a message or of a message class."""
    return TYPE_PREFIX + str(message.DESCRIPTOR.full_name)


def pack(message: Any) -> Any:
    """The message as an Any; equal messages give equal bytes."""
    return types.Any(type_url=type_url(message), value=serialize(message))


def unpack(packed: Any) -> Any:
    """The message inside an Any; `SchemaError` when this Envoy does not know its type."""
    return schema.message(packed.type_url.rpartition("/")[2]).FromString(packed.value)


def serialize(message: Any) -> bytes:
    """Wire bytes in a fixed order, also of maps."""
    return bytes(message.SerializeToString(deterministic=True))


def duration(nanoseconds: int) -> Any:
    seconds, nanos = divmod(abs(nanoseconds), NANOSECONDS)
    if nanoseconds < 0:
        seconds, nanos = -seconds, -nanos
    return types.Duration(seconds=seconds, nanos=nanos)


def seconds(amount: float) -> Any:
    return duration(round(amount * NANOSECONDS))


def uint32(value: int) -> Any:
    return types.UInt32Value(value=value)


def uint64(value: int) -> Any:
    return types.UInt64Value(value=value)


def boolean(value: bool) -> Any:
    return types.BoolValue(value=value)


def string(value: str) -> Any:
    return types.StringValue(value=value)


def struct(fields: dict[str, Any]) -> Any:
    """A Struct of plain Python values (text, numbers, booleans, lists, dicts, None)."""
    made = types.Struct()
    for name, value in fields.items():
        _set_value(made.fields[name], value)
    return made


def _set_value(target: Any, value: Any) -> None:
    if value is None:
        target.null_value = 0
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, dict):
        target.struct_value.CopyFrom(struct(value))
    else:
        target.list_value.SetInParent()
        for item in value:
            _set_value(target.list_value.values.add(), item)


@cache
def empty(full_name: str) -> Any:
    """An Any that holds an empty message of that full name; shared, so never change it."""
    return pack(schema.message(full_name)())


def to_json(message: Any) -> dict[str, Any]:
    """As Envoy's own /config_dump shows it: snake_case names, Any expanded with `@type`.

    Equal messages give equal text: maps are in the order of their keys.
    Raises `SchemaError` when an Any holds a type that this Envoy does not know.
    """
    try:
        shown: dict[str, Any] = json_format.MessageToDict(
            message, preserving_proto_field_name=True, descriptor_pool=schema.pool()
        )
    except TypeError as unknown:
        raise schema.SchemaError(f"cannot show {type_url(message)}: {unknown}") from unknown
    made: dict[str, Any] = json_order.ordered(shown, message.DESCRIPTOR)
    return made


def from_json(document: dict[str, Any], full_name: str) -> Any:
    """Reads what `to_json` or Envoy wrote, without unknown fields. For tools: it is slow."""
    message = schema.message(full_name)()
    try:
        json_format.ParseDict(
            document, message, ignore_unknown_fields=True, descriptor_pool=schema.pool()
        )
    except json_format.ParseError as wrong:
        raise schema.SchemaError(f"not a {full_name}: {wrong}") from wrong
    return message
