"""Protobuf message classes declared in Python, for the few messages that are not Envoy's.

    TABLE = declare("istio.networking.nds.v1", {
        "NameTable": {"table": Field(1, "map<string, NameInfo>")},
        "NameInfo": {"ips": Field(1, "repeated string"), ...},
    })
    NameTable = TABLE["NameTable"]

Each declaration lives in a pool of its own, so it never meets another copy of the same file.
Unknown fields are kept when a message is parsed and written again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

FieldProto = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": FieldProto.TYPE_STRING,
    "bytes": FieldProto.TYPE_BYTES,
    "int32": FieldProto.TYPE_INT32,
    "int64": FieldProto.TYPE_INT64,
    "uint32": FieldProto.TYPE_UINT32,
    "bool": FieldProto.TYPE_BOOL,
}
STRUCT = "google.protobuf.Struct"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its number, and its type as a .proto file writes it (`repeated string`)."""

    number: int
    kind: str


def declare(package: str, messages: Mapping[str, Mapping[str, Field]]) -> dict[str, Any]:
    """The classes of the messages, by name. Message types are given without their package."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"lateen/{package.replace('.', '/')}.proto", package=package, syntax="proto3"
    )
    file.dependency.append(struct_pb2.DESCRIPTOR.name)
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field_name, field in fields.items():
            _add_field(message, package, field_name, field)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in messages
    }


def _add_field(
    message: descriptor_pb2.DescriptorProto, package: str, name: str, field: Field
) -> None:
    kind = field.kind
    label = FieldProto.LABEL_OPTIONAL
    if kind.startswith("map<"):
        key, _, value = kind[len("map<") : -1].partition(",")
        entry = message.nested_type.add(name=_entry_name(name))
        entry.options.map_entry = True
        _add_field(entry, package, "key", Field(1, key.strip()))
        _add_field(entry, package, "value", Field(2, value.strip()))
        kind, label = f"{message.name}.{entry.name}", FieldProto.LABEL_REPEATED
    elif kind.startswith("repeated "):
        kind, label = kind.removeprefix("repeated "), FieldProto.LABEL_REPEATED
    added = message.field.add(name=name, number=field.number, label=label)
    if kind in SCALARS:
        added.type = SCALARS[kind]
        return
    added.type = FieldProto.TYPE_MESSAGE
    added.type_name = f".{kind}" if kind == STRUCT else f".{package}.{kind}"


def _entry_name(field: str) -> str:
    return "".join(part.capitalize() for part in field.split("_")) + "Entry"
