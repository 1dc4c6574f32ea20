"""The message of Istio's name discovery: hostnames and their addresses, for the agent's DNS.

Envoy knows nothing of it, so its descriptor is written here, as `istio.networking.nds.v1` has it:

    message NameTable {
      message NameInfo {
        repeated string ips = 1;
        string registry = 2;
        string shortname = 3;
        string namespace = 4;
        repeated string alt_hosts = 5 [deprecated];
      }
      map<string, NameInfo> table = 1;
    }
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "istio.networking.nds.v1"
TYPE_URL = f"type.googleapis.com/{PACKAGE}.NameTable"

_FieldProto = descriptor_pb2.FieldDescriptorProto
STRING, MESSAGE = _FieldProto.TYPE_STRING, _FieldProto.TYPE_MESSAGE
ONE, MANY = _FieldProto.LABEL_OPTIONAL, _FieldProto.LABEL_REPEATED


@cache
def name_table() -> Any:
    """The class of `NameTable`."""
    loaded = descriptor_pool.DescriptorPool()
    loaded.Add(_file())
    return message_factory.GetMessageClass(loaded.FindMessageTypeByName(f"{PACKAGE}.NameTable"))


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="networking/nds/v1/nds.proto", package=PACKAGE, syntax="proto3"
    )
    table = file.message_type.add(name="NameTable")
    info = table.nested_type.add(name="NameInfo")
    for number, (name, label) in enumerate(
        [("ips", MANY), ("registry", ONE), ("shortname", ONE), ("namespace", ONE),
         ("alt_hosts", MANY)], start=1,
    ):  # fmt: skip
        info.field.add(name=name, number=number, label=label, type=STRING)
    entry = table.nested_type.add(name="TableEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=ONE, type=STRING)
    of = f".{PACKAGE}.NameTable"
    entry.field.add(name="value", number=2, label=ONE, type=MESSAGE, type_name=f"{of}.NameInfo")
    table.field.add(name="table", number=1, label=MANY, type=MESSAGE, type_name=f"{of}.TableEntry")
    return file
