"""Does a document have the shape of its type: fields, types, enums, ranges, oneofs.

`conform` walks plain data beside the type that it should have. It reports everything that is
wrong, and returns the data in the one form that the struct decoder takes: JSON names, enum names,
numbers as numbers, nothing null. What it accepts besides is what protobuf's JSON mapping accepts:
`snake_case` names, enums by number, numbers as text.
"""

import base64
import difflib
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from lateen.api.duration import Duration
from lateen.api.resource import OpenSpec, Spec
from lateen.base.problem import Problem, Severity

ABSENT: Any = object()
FEW = 12  # so many field names still fit a message

KINDS_OF_VALUE = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def described(value: object) -> str:
    """A value, as a message shows it."""
    kind = KINDS_OF_VALUE.get(type(value), type(value).__name__)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'"{value}"' if len(value) < 60 else f'"{value[:57]}..."'
    return kind


class Conformance:
    """One walk: collects problems. `unknown` is the severity of an unknown field."""

    def __init__(self, unknown: Severity) -> None:
        self.problems: list[Problem] = []
        self._unknown = unknown
        self._around: list[tuple[str, type[msgspec.Struct]]] = []  # messages, outermost first

    def conform(self, value: Any, kind: inspect.Type, path: str) -> Any:
        match kind:
            case inspect.StructType():
                return self._message(value, kind, path)
            case inspect.VarTupleType():
                return self._list(value, kind, path)
            case inspect.DictType():
                return self._map(value, kind, path)
            case inspect.UnionType():
                return self._union(value, kind, path)
            case inspect.EnumType():
                return self._enum(value, kind, path)
            case inspect.CustomType():
                return self._duration(value, path)
            case inspect.AnyType():
                return value
            case _:
                return self._scalar(value, kind, path)

    def _refuse(self, path: str, message: str, hint: str = "", code: str = "type") -> Any:
        self.problems.append(Problem(code=code, message=message, path=path, hint=hint))
        return ABSENT

    def _message(self, value: Any, kind: inspect.StructType, path: str) -> Any:
        if value is None:
            return ABSENT
        if not isinstance(value, dict):
            return self._refuse(path, f"must be an object, not {described(value)}")
        self._around.append((path, kind.cls))
        clean = self._fields(value, kind.cls, path)
        self._around.pop()
        self._oneofs(clean, kind.cls, path)
        for name in not_empty_in(kind.cls):
            if name in clean and not clean[name]:
                self._refuse(f"{path}.{name}", "must not be empty", "leave it out", "empty")
        return clean

    def _fields(
        self, value: dict[Any, Any], cls: type[msgspec.Struct], path: str
    ) -> dict[str, Any]:
        fields = fields_of(cls)
        clean: dict[str, Any] = {}
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            field = fields.get(str(key))
            if field is None:
                self._unknown_field(str(key), cls, below)
                continue
            if field.encode_name in clean:
                self._refuse(below, f"is the same field as {field.encode_name}, which is set too")
            result = ABSENT if item is None else self.conform(item, field.type, below)
            if result is not ABSENT:
                clean[field.encode_name] = result
        return clean

    def _unknown_field(self, key: str, cls: type[msgspec.Struct], path: str) -> None:
        if issubclass(cls, OpenSpec):
            return
        names = sorted({field.encode_name for field in fields_of(cls).values()})
        hint = self._belongs_further_out(key) or did_you_mean(key, names)
        if not hint and len(names) < FEW:
            hint = f"known are {', '.join(names)}"
        self.problems.append(
            Problem(
                code="unknown-field",
                severity=self._unknown,
                message=f'unknown field "{key}"',
                path=path,
                hint=hint,
            )
        )

    def _belongs_further_out(self, key: str) -> str:
        """The remedy for a field that is written too deep: where it would be known."""
        for path, cls in reversed(self._around[:-1]):
            if key in fields_of(cls):
                return f"it is a field of {path or 'the outermost level'}; move it there"
        return ""

    def _oneofs(self, clean: dict[str, Any], cls: type[msgspec.Struct], path: str) -> None:
        for group in oneofs_of(cls):
            present = [name for name in group if name in clean]
            if len(present) > 1:
                self._refuse(
                    path,
                    f"at most one of {', '.join(present)} may be set",
                    "keep one of them",
                    "oneof",
                )

    def _list(self, value: Any, kind: inspect.VarTupleType, path: str) -> Any:
        if not isinstance(value, list):
            return self._refuse(
                path, f"must be a list, not {described(value)}", "begin each entry with -"
            )
        items = []
        for index, item in enumerate(value):
            below = f"{path}[{index}]"
            if item is None and isinstance(kind.item_type, inspect.StructType):
                item = {}
            result = self.conform(item, kind.item_type, below)
            if result is not ABSENT:
                items.append(result)
        return items

    def _map(self, value: Any, kind: inspect.DictType, path: str) -> Any:
        if not isinstance(value, dict):
            return self._refuse(path, f"must be an object, not {described(value)}")
        clean = {}
        for key, item in value.items():
            below = f"{path}[{key}]"
            name = self._key(key, kind.key_type, below)
            if name is ABSENT:
                continue
            if item is None and not isinstance(kind.value_type, inspect.AnyType):
                self._refuse(below, "must not be null")
                continue
            result = self.conform(item, kind.value_type, below)
            if result is not ABSENT:
                clean[name] = result
        return clean

    def _key(self, key: Any, kind: inspect.Type, path: str) -> Any:
        if isinstance(kind, inspect.IntType):
            return self._scalar(key, kind, path)
        if isinstance(key, bool):
            return "true" if key else "false"
        return str(key)

    def _union(self, value: Any, kind: inspect.UnionType, path: str) -> Any:
        if value is None:
            return ABSENT
        options = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
        if len(options) == 1:
            return self.conform(value, options[0], path)
        for option in options:  # Kubernetes' int-or-string
            attempt = Conformance(self._unknown)
            if isinstance(option, inspect.StrType) == isinstance(value, str):
                result = attempt.conform(value, option, path)
                if not attempt.problems:
                    return result
        return self._refuse(path, f"must be a number or text, not {described(value)}")

    def _enum(self, value: Any, kind: inspect.EnumType, path: str) -> Any:
        names = [str(member.value) for member in kind.cls]
        if isinstance(value, str) and value in names:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
            return names[value]
        return self._refuse(
            path,
            f"must be one of {', '.join(names)}, not {described(value)}",
            did_you_mean(str(value).upper(), names),
            "enum",
        )

    def _duration(self, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            return self._refuse(
                path, f"must be a duration, not {described(value)}", "write it as 5s or 250ms"
            )
        try:
            Duration.parse(value)
        except ValueError as error:
            return self._refuse(path, str(error))
        return value

    def _scalar(self, value: Any, kind: inspect.Type, path: str) -> Any:
        match kind:
            case inspect.StrType():
                return self._text(value, path)
            case inspect.BoolType():
                if isinstance(value, bool):
                    return value
                return self._refuse(path, f"must be true or false, not {described(value)}")
            case inspect.IntType():
                return self._int(value, kind, path)
            case inspect.FloatType():
                return self._float(value, path)
            case inspect.BytesType():
                return self._bytes(value, path)
        raise TypeError(f"{path}: no rule for {kind}")

    def _text(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return value
        hint = f'quote it: "{value}"' if isinstance(value, int | float | bool) else ""
        if isinstance(value, bool):
            hint = "quote it, as yes, no, on, off, true and false are booleans"
        return self._refuse(path, f"must be text, not {described(value)}", hint)

    def _int(self, value: Any, kind: inspect.IntType, path: str) -> Any:
        number = whole_number(value)
        if number is None:
            return self._refuse(path, f"must be a whole number, not {described(value)}")
        low, high = kind.ge, kind.le
        if (low is not None and number < low) or (high is not None and number > high):
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            return self._refuse(path, f"must be {bounds}, not {number}", code="range")
        return number

    def _float(self, value: Any, path: str) -> Any:
        if isinstance(value, bool):
            return self._refuse(path, f"must be a number, not {described(value)}")
        try:
            return float(value)
        except (TypeError, ValueError):
            return self._refuse(path, f"must be a number, not {described(value)}")

    def _bytes(self, value: Any, path: str) -> Any:
        if not isinstance(value, str):
            return self._refuse(path, f"must be base64 text, not {described(value)}")
        try:
            base64.b64decode("".join(value.split()), validate=True)
        except ValueError:
            return self._refuse(path, "is not valid base64")
        return "".join(value.split())


def whole_number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def did_you_mean(word: str, words: list[str]) -> str:
    lowered = {name.lower(): name for name in words}
    close = difflib.get_close_matches(word.replace("_", "").lower(), lowered, n=1, cutoff=0.6)
    return f'did you mean "{lowered[close[0]]}"?' if close else ""


@cache
def fields_of(cls: type[msgspec.Struct]) -> dict[str, inspect.Field]:
    """Fields by every name that YAML may give them."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    fields = {field.encode_name: field for field in info.fields}
    if not issubclass(cls, OpenSpec):  # protobuf's JSON takes the original names too
        fields |= {field.name.rstrip("_"): field for field in info.fields}
    return fields


@cache
def oneofs_of(cls: type[msgspec.Struct]) -> tuple[tuple[str, ...], ...]:
    """`ONEOFS`, in JSON names."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    names = {field.name: field.encode_name for field in info.fields}
    groups: tuple[tuple[str, ...], ...] = getattr(cls, "ONEOFS", ())
    return tuple(tuple(names[name] for name in group) for group in groups)


@cache
def not_empty_in(cls: type[msgspec.Struct]) -> tuple[str, ...]:
    """`NOT_EMPTY`, in JSON names."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    wanted: tuple[str, ...] = getattr(cls, "NOT_EMPTY", ())
    return tuple(field.encode_name for field in info.fields if field.name in wanted)


@cache
def type_of(cls: type[Spec]) -> inspect.Type:
    return inspect.type_info(cls)


def decode_hook(kind: type, value: Any) -> Any:
    if kind is Duration and isinstance(value, str):
        return Duration.parse(value)
    raise msgspec.ValidationError(f"cannot read {described(value)} as {kind.__name__}")


def plain(value: Spec) -> dict[str, Any]:
    """A struct as the data that it is decoded from, absent members left out."""
    tree = without_nothing(msgspec.to_builtins(value, enc_hook=str, builtin_types=()))
    assert isinstance(tree, dict)
    return tree


def without_nothing(value: Any) -> Any:
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, dict):
        return {key: without_nothing(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nothing(item) for item in value]
    return value
