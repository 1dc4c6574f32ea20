"""At most one member of each oneof is set, anywhere in a resource.

The fast decoder does not see this, and the careful one does not run on what it took.
"""

from functools import cache
from typing import NamedTuple

from msgspec import inspect

from lateen.api.resource import Spec
from lateen.config.validation.report import Report


class Below(NamedTuple):
    """What the walk has to look at in one type."""

    groups: tuple[tuple[tuple[str, str], ...], ...]  # of (attribute, JSON name)
    single: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, str], ...]
    maps: tuple[tuple[str, str], ...]


def check_oneofs(report: Report, value: Spec, path: str = "spec") -> None:
    below = below_of(type(value))
    for group in below.groups:
        present = [name for attribute, name in group if getattr(value, attribute) is not None]
        if len(present) > 1:
            report.error(
                path,
                f"at most one of {', '.join(present)} may be set",
                "keep one of them",
                code="oneof",
            )
    for attribute, name in below.single:
        item = getattr(value, attribute)
        if item is not None:
            check_oneofs(report, item, f"{path}.{name}")
    for attribute, name in below.lists:
        for index, item in enumerate(getattr(value, attribute)):
            check_oneofs(report, item, f"{path}.{name}[{index}]")
    for attribute, name in below.maps:
        for key, item in getattr(value, attribute).items():
            check_oneofs(report, item, f"{path}.{name}[{key}]")


@cache
def below_of(cls: type[Spec]) -> Below:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    names = {field.name: field.encode_name for field in info.fields}
    single, lists, maps = [], [], []
    for field in info.fields:
        entry = (field.name, field.encode_name)
        for kind in (
            field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
        ):
            if isinstance(kind, inspect.StructType) and has_oneofs(kind.cls):
                single.append(entry)
            elif isinstance(kind, inspect.VarTupleType) and leads_on(kind.item_type):
                lists.append(entry)
            elif isinstance(kind, inspect.DictType) and leads_on(kind.value_type):
                maps.append(entry)
    groups = tuple(tuple((name, names[name]) for name in group) for group in cls.ONEOFS)
    return Below(groups, tuple(single), tuple(lists), tuple(maps))


def leads_on(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.StructType) and has_oneofs(kind.cls)


@cache
def has_oneofs(cls: type[Spec]) -> bool:
    """Is there a oneof in the type or below it."""
    below = below_of(cls)
    return bool(below.groups or below.single or below.lists or below.maps)
