"""What MERGE does to a message: scalars replace, messages merge, lists are appended to.

Durations replace as a whole: half of one and half of another make a third. An Any is merged inside
when both are of one type; MERGE_AND_REPLACE_LIST puts the lists of the patch in place of those
that are there.
"""

from typing import Any

from lateen.envoy import messages
from lateen.translate.envoy_filter.fault import PatchFault

DURATION = "google.protobuf.Duration"


def merge(target: Any, source: Any, *, replaces_lists: bool = False) -> None:
    """Changes `target`."""
    for field, value in source.ListFields():
        if _is_map(field):
            _merge_map(getattr(target, field.name), value, field)
        elif field.is_repeated:
            if replaces_lists:
                target.ClearField(field.name)
            getattr(target, field.name).MergeFrom(value)
        elif field.message_type is None:
            setattr(target, field.name, value)
        elif field.message_type.full_name == DURATION:
            getattr(target, field.name).CopyFrom(value)
        else:
            inner = getattr(target, field.name)
            inner.SetInParent()
            merge(inner, value, replaces_lists=replaces_lists)


def _is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _merge_map(target: Any, source: Any, field: Any) -> None:
    holds_messages = field.message_type.fields_by_name["value"].message_type is not None
    for key in source:
        if holds_messages:
            target[key].CopyFrom(source[key])
        else:
            target[key] = source[key]


def merge_any(target: Any, source: Any, *, replaces_lists: bool = False) -> None:
    """Merges what the two hold; their types must be equal."""
    if target.type_url != source.type_url:
        raise PatchFault(
            f"{source.type_url} cannot be merged into {target.type_url}",
            "write the type that is there, or REPLACE it",
        )
    merged = messages.unpack(target)
    merge(merged, messages.unpack(source), replaces_lists=replaces_lists)
    target.CopyFrom(messages.pack(merged))


def merge_named(target: Any, source: Any, *, replaces_lists: bool = False) -> None:
    """A filter or transport socket: its name is replaced, its configuration merged inside."""
    if source.HasField("typed_config"):
        if not target.HasField("typed_config"):
            raise PatchFault(f"{target.name} has no configuration here to merge with")
        merge_any(target.typed_config, source.typed_config, replaces_lists=replaces_lists)
    rest = type(source)()
    rest.CopyFrom(source)
    rest.ClearField("typed_config")
    merge(target, rest, replaces_lists=replaces_lists)
