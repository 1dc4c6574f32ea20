"""What Envoy demands of a message beyond its types, read from Envoy's own descriptors.

Each field may carry rules (`validate.rules`): required, lengths, bounds, numbers of items. Envoy
refuses a whole resource for one that is broken; checked here, only the patch is left out. Rules
that say nothing about these (patterns, formats) are Envoy's to check.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from lateen.envoy import messages, schema
from lateen.translate.envoy_filter.fault import PatchFault

ANY = "google.protobuf.Any"
DURATION = "google.protobuf.Duration"
NUMBERS = frozenset(("float", "double", "int32", "int64", "uint32", "uint64", "fixed32", "fixed64"))


def require(message: Any) -> None:
    """`PatchFault` for the first rule that the message, or one inside it, breaks."""
    fault = next(faults(message), None)
    if fault is not None:
        raise PatchFault(f"Envoy would refuse it: {fault}")


def faults(message: Any, path: str = "") -> Iterator[str]:
    """Each broken rule as `field.inner: what is wrong`."""
    for name, rules in _rules(message.DESCRIPTOR):
        field = message.DESCRIPTOR.fields_by_name[name]
        yield from _field_faults(message, field, rules, _join(path, name))
    for name in _required_oneofs(message.DESCRIPTOR):
        if message.WhichOneof(name) is None:
            yield f"{_join(path, name)}: one of its members must be set"
    for field, value in message.ListFields():
        if field.message_type is not None:
            yield from _inner_faults(field, value, _join(path, field.name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _inner_faults(field: Any, value: Any, path: str) -> Iterator[str]:
    if field.message_type.GetOptions().map_entry:
        if field.message_type.fields_by_name["value"].message_type is not None:
            for key in value:
                yield from _message_faults(value[key], f"{path}[{key}]")
    elif field.is_repeated:
        for at, item in enumerate(value):
            yield from _message_faults(item, f"{path}[{at}]")
    else:
        yield from _message_faults(value, path)


def _message_faults(message: Any, path: str) -> Iterator[str]:
    name = message.DESCRIPTOR.full_name
    if name == ANY:
        if not message.type_url:
            return  # nothing in it, as where a filter is only switched on
        try:
            message = messages.unpack(message)
        except schema.SchemaError as unknown:
            yield f"{path}: {unknown}"
            return
    elif name.startswith("google.protobuf."):
        return
    yield from faults(message, path)


def _field_faults(message: Any, field: Any, rules: Any, path: str) -> Iterator[str]:
    kind = rules.WhichOneof("type")
    if field.is_repeated:
        yield from _count_faults(len(getattr(message, field.name)), rules, path)
        return
    is_set = not field.has_presence or message.HasField(field.name)
    required = rules.message.required or (kind == "duration" and rules.duration.required)
    if not is_set:
        if field.containing_oneof is not None:
            return  # another member may be set; whether one must be is a rule of the oneof
        if required or (kind == "any" and rules.any.required):
            yield f"{path}: must be set"
        return
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.full_name == DURATION:
        yield from _bound_faults(_nanoseconds(value), rules.duration, path, _nanoseconds)
    elif kind in NUMBERS:
        number = value.value if field.message_type is not None else value
        yield from _bound_faults(number, getattr(rules, kind), path, lambda bound: bound)
    elif kind == "string":
        yield from _text_faults(value, rules.string, path)
    elif kind == "enum" and value in rules.enum.not_in:
        yield f"{path}: this value is not allowed"


def _nanoseconds(duration: Any) -> int:
    return int(duration.seconds) * messages.NANOSECONDS + int(duration.nanos)


def _count_faults(count: int, rules: Any, path: str) -> Iterator[str]:
    if rules.repeated.HasField("min_items") and count < rules.repeated.min_items:
        yield f"{path}: needs at least {rules.repeated.min_items} items"
    if rules.repeated.HasField("max_items") and count > rules.repeated.max_items:
        yield f"{path}: takes at most {rules.repeated.max_items} items"


def _bound_faults(value: Any, rules: Any, path: str, read: Callable[[Any], Any]) -> Iterator[str]:
    checks: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        ("gt", lambda bound: value > bound, "greater than"),
        ("gte", lambda bound: value >= bound, "at least"),
        ("lt", lambda bound: value < bound, "less than"),
        ("lte", lambda bound: value <= bound, "at most"),
    )
    if getattr(rules, "ignore_empty", False) and not value:
        return
    for name, holds, words in checks:
        if rules.HasField(name) and not holds(read(getattr(rules, name))):
            shown = " ".join(str(getattr(rules, name)).split()) or "0"
            yield f"{path}: must be {words} {shown}"


def _text_faults(value: Any, rules: Any, path: str) -> Iterator[str]:
    text = value if isinstance(value, str) else value.value
    if rules.ignore_empty and not text:
        return
    size = len(text.encode())
    if rules.HasField("min_len") and len(text) < rules.min_len:
        yield f"{path}: must not be empty"
    if rules.HasField("min_bytes") and size < rules.min_bytes:
        yield f"{path}: must not be empty"
    if rules.HasField("max_bytes") and size > rules.max_bytes:
        yield f"{path}: longer than {rules.max_bytes} bytes"


@cache
def _rules(descriptor: Any) -> tuple[tuple[str, Any], ...]:
    """The fields that have rules. Deprecated ones are left to Envoy."""
    extension = schema.pool().FindExtensionByName("validate.rules")
    options = schema.message("google.protobuf.FieldOptions")
    found = []
    for field in descriptor.fields:
        read = options.FromString(field.GetOptions().SerializeToString())
        if read.HasExtension(extension):
            found.append((field.name, read.Extensions[extension]))
    return tuple(found)


@cache
def _required_oneofs(descriptor: Any) -> tuple[str, ...]:
    extension = schema.pool().FindExtensionByName("validate.required")
    options = schema.message("google.protobuf.OneofOptions")
    return tuple(
        oneof.name
        for oneof in descriptor.oneofs
        if options.FromString(oneof.GetOptions().SerializeToString()).Extensions[extension]
    )
