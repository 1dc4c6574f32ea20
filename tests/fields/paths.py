"""The fields of a kind by path, and those that a document sets.

http[].match[].uri.exact        a field of messages in lists
http[].match[].headers{}.exact  and of the values of a map
"""

import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import EnumType
from functools import cache
from typing import Any

import msgspec

from lateen.api.duration import Duration
from lateen.api.kinds import ISTIO, MESH, Kind
from lateen.config import yaml_text

KINDS = {kind.kind: kind for kind in (*ISTIO, *MESH)}
SCALARS = {str: "string", bool: "bool", int: "integer", float: "number", bytes: "base64"}
Steps = tuple[str | int, ...]  # keys and indexes from the spec to a value


@dataclass(frozen=True, slots=True)
class Field:
    kind: str
    path: str
    type: str


@dataclass(frozen=True, slots=True)
class _Value:
    """What a field holds: `suffix` is [] or {} for each level of list or map around it."""

    suffix: str
    of: Any


def fields(kind: Kind) -> tuple[Field, ...]:
    """In the order of the API, each message before its own fields."""
    return tuple(_fields(kind.kind, kind.spec, "", ()))


def written(kind: Kind, body: Any) -> Iterator[tuple[str, Steps]]:
    """The fields that a spec sets, each with the way to it."""
    yield from _written(kind.spec, body, "", ())


def _fields(kind: str, message: Any, prefix: str, above: tuple[Any, ...]) -> Iterator[Field]:
    for name, value in members(message).items():
        path = f"{prefix}{name}{value.suffix}"
        yield Field(kind, path, _title(value))
        if _is_message(value.of) and value.of not in above:
            yield from _fields(kind, value.of, f"{path}.", (*above, value.of))


def _written(message: Any, body: Any, prefix: str, way: Steps) -> Iterator[tuple[str, Steps]]:
    if not isinstance(body, dict):
        return
    known = {yaml_text.plain(name): name for name in members(message)}
    for key, content in body.items():
        name = known.get(yaml_text.plain(str(key)))
        if name is None:
            continue
        value = members(message)[name]
        path = f"{prefix}{name}{value.suffix}"
        yield path, (*way, key)
        if _is_message(value.of):
            for inner, steps in _elements(value.suffix, content, (*way, key)):
                yield from _written(value.of, inner, f"{path}.", steps)


def _elements(suffix: str, content: Any, way: Steps) -> Iterator[tuple[Any, Steps]]:
    """What is inside the lists and maps that `suffix` tells of."""
    if not suffix:
        yield content, way
    elif suffix.startswith("[]") and isinstance(content, list):
        for index, item in enumerate(content):
            yield from _elements(suffix[2:], item, (*way, index))
    elif suffix.startswith("{}") and isinstance(content, dict):
        for key, item in content.items():
            yield from _elements(suffix[2:], item, (*way, key))


@cache
def members(message: Any) -> dict[str, _Value]:
    """By the name in YAML."""
    hints = typing.get_type_hints(message)
    return {each.encode_name: _value(hints[each.name]) for each in msgspec.structs.fields(message)}


def _value(hint: Any) -> _Value:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _value(next(each for each in arguments if each is not types.NoneType))
    if origin is tuple:
        inner = _value(arguments[0])
        return _Value(f"[]{inner.suffix}", inner.of)
    if origin is dict:
        inner = _value(arguments[1])
        return _Value(f"{{}}{inner.suffix}", inner.of)
    return _Value("", hint)


def _is_message(of: Any) -> bool:
    return isinstance(of, type) and issubclass(of, msgspec.Struct)


def _title(value: _Value) -> str:
    if value.of is Duration:
        return "duration"
    if isinstance(value.of, EnumType):
        return "enum"
    if value.of in SCALARS:
        return SCALARS[value.of]
    return re.sub(r"^(typing\.)?", "", getattr(value.of, "__name__", str(value.of)))
