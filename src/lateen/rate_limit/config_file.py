"""Limits as the configuration of Envoy's reference server writes them.

    domain: shop
    descriptors:
    - key: user                      any user, each for itself
      rate_limit: {unit: minute, requests_per_unit: 100}
      descriptors:
      - key: path
        value: /search*              values that begin so, together
        rate_limit: {unit: second, requests_per_unit: 5}
        shadow_mode: true

An entry with the value beats one with a prefix, and that one without a value. The limit of a
descriptor stands at its last entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import yaml

from lateen.rate_limit.counters import UNIT_SECONDS, Limit
from lateen.rate_limit.errors import ConfigError

Entry = tuple[str, str]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of the file."""


class Named(Section, frozen=True, kw_only=True):
    name: str


class Rate(Section, frozen=True, kw_only=True):
    unit: str = ""
    requests_per_unit: int = 0
    unit_multiplier: int = 1
    unlimited: bool = False
    name: str = ""
    replaces: tuple[Named, ...] = ()


class Entries(Section, frozen=True, kw_only=True):
    key: str
    value: str = ""
    rate_limit: Rate | None = None
    shadow_mode: bool = False
    detailed_metric: bool = False  # has no effect: metrics are by rule, never by value
    descriptors: tuple["Entries", ...] = ()


class Document(Section, frozen=True, kw_only=True):
    domain: str
    descriptors: tuple[Entries, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """`limit` None: unlimited. `replaces` are names of limits that do not count beside it."""

    limit: Limit | None
    name: str = ""
    replaces: frozenset[str] = frozenset()


@dataclass(slots=True)
class Level:
    """The entries of one depth. Owned by the Domain that was parsed."""

    exact: dict[Entry, "Node"] = field(default_factory=dict)
    prefixes: dict[str, list[tuple[str, "Node"]]] = field(default_factory=dict)  # longest first
    any_value: dict[str, "Node"] = field(default_factory=dict)

    def find(self, entry: Entry) -> "Node | None":
        found = self.exact.get(entry)
        if found is not None:
            return found
        for prefix, node in self.prefixes.get(entry[0], ()):
            if entry[1].startswith(prefix):
                return node
        return self.any_value.get(entry[0])


@dataclass(slots=True)
class Node:
    found: Found | None
    below: Level


@dataclass(frozen=True, slots=True)
class Domain:
    name: str
    top: Level

    def find(self, entries: Sequence[Entry]) -> Found | None:
        """None: the configuration says nothing of such a descriptor."""
        level = self.top
        for place, entry in enumerate(entries):
            node = level.find(entry)
            if node is None:
                return None
            if place == len(entries) - 1:
                return node.found
            level = node.below
        return None


def parse(text: str, *, place: str) -> Domain:
    """`place` names the text in errors."""
    try:
        document = msgspec.convert(yaml.safe_load(text), Document)
    except (yaml.YAMLError, msgspec.ValidationError) as wrong:
        raise ConfigError(f"{place}: {' '.join(str(wrong).split())}") from wrong
    if not document.domain:
        raise ConfigError(f"{place}: domain must not be empty")
    return Domain(document.domain, _level(document.descriptors, document.domain, place))


def _level(descriptors: Sequence[Entries], path: str, place: str) -> Level:
    level = Level()
    for written in descriptors:
        if not written.key:
            raise ConfigError(f"{place}: {path}: a descriptor has an empty key")
        below = f"{path}.{written.key}" + (f"_{written.value}" if written.value else "")
        node = Node(_found(written, below, place), _level(written.descriptors, below, place))
        if (written.key, written.value) in level.exact or (
            not written.value and written.key in level.any_value
        ):
            raise ConfigError(f"{place}: {below}: is there twice")
        if not written.value:
            level.any_value[written.key] = node
        elif written.value.endswith("*"):
            level.prefixes.setdefault(written.key, []).append((written.value[:-1], node))
        else:
            level.exact[written.key, written.value] = node
    for prefixes in level.prefixes.values():
        prefixes.sort(key=lambda pair: -len(pair[0]))
    return level


def _found(written: Entries, path: str, place: str) -> Found | None:
    rate = written.rate_limit
    if rate is None:
        return None
    replaces = frozenset(each.name for each in rate.replaces)
    if rate.unlimited:
        if rate.unit or rate.requests_per_unit:
            raise ConfigError(f"{place}: {path}: is unlimited and has a limit")
        return Found(None, rate.name, replaces)
    unit = rate.unit.upper()
    if unit not in UNIT_SECONDS:
        known = ", ".join(name.lower() for name in UNIT_SECONDS)
        raise ConfigError(f'{place}: {path}: "{rate.unit}" is no unit; write one of {known}')
    if rate.requests_per_unit < 0 or rate.unit_multiplier < 1:
        raise ConfigError(f"{place}: {path}: the limit must be positive")
    limit = Limit(path, rate.requests_per_unit, unit, rate.unit_multiplier, written.shadow_mode)
    return Found(limit, rate.name, replaces)
