"""Maps of a message's JSON form by key: protobuf goes through them in another order each time.

Fields keep the order of the message; only maps and Structs are sorted.
"""

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from lateen.envoy import schema

ANY = "google.protobuf.Any"
PLAIN = frozenset(("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"))


def ordered(document: Any, descriptor: Descriptor) -> Any:
    """The JSON form of a message of that type; field names as in the message's definition."""
    if descriptor.full_name in PLAIN:
        return _sorted(document)
    if not isinstance(document, dict):
        return document  # a wrapper, a duration: written as one value
    if descriptor.full_name == ANY:
        return _any(document)
    fields = descriptor.fields_by_name
    return {
        name: _field(value, fields[name]) if name in fields else value
        for name, value in document.items()
    }


def _any(document: dict[str, Any]) -> Any:
    written = str(document.get("@type", ""))
    if not written:
        return document
    inner = schema.message(written.rpartition("/")[2]).DESCRIPTOR
    if inner.full_name.startswith("google.protobuf."):
        return {
            name: ordered(value, inner) if name == "value" else value
            for name, value in document.items()
        }
    return ordered(document, inner)


def _field(value: Any, field: FieldDescriptor) -> Any:
    inner = field.message_type
    if inner is None:
        return value
    if inner.GetOptions().map_entry:
        of_value = inner.fields_by_name["value"].message_type
        return {
            key: ordered(value[key], of_value) if of_value is not None else value[key]
            for key in sorted(value)
        }
    if field.is_repeated:
        return [ordered(each, inner) for each in value]
    return ordered(value, inner)


def _sorted(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _sorted(document[key]) for key in sorted(document)}
    if isinstance(document, list):
        return [_sorted(each) for each in document]
    return document
