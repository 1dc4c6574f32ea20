"""What a field is good for, found by leaving it out: everything else equal, what comes of the mesh?

Each field that a world's documents set is removed, one at a time. A field of which no removal
changes anything has no effect there.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fields import paths, world
from tests.fields.world import Document, Sent, World

FieldName = tuple[str, str]  # kind and path


@dataclass(frozen=True, slots=True)
class Trial:
    """One field left out of one document of a world."""

    field: FieldName
    world: str
    differs: bool


def trials(of: World, known: set[FieldName]) -> Iterator[Trial]:
    """Of all fields in the world's documents but those `known` to have an effect; it grows."""
    before = of.outcome()
    for document in of.documents:
        yield from _trials(of, document, before, known)
        of.apply(document)


def _trials(of: World, document: Document, before: Sent, known: set[FieldName]) -> Iterator[Trial]:
    kind = paths.KINDS.get(document["kind"])
    if kind is None or not is_istio(document):
        return
    body = document.get("spec") if kind.has_spec else document
    for path, way in list(paths.written(kind, body)):
        field = (kind.kind, path)
        if field in known:
            continue
        of.apply(without(document, ("spec", *way) if kind.has_spec else way))
        differs = of.outcome() != before
        if differs:
            known.add(field)
        yield Trial(field, of.name, differs)


def is_istio(document: Document) -> bool:
    """Gateway is a kind of two groups, and so are others."""
    kind = paths.KINDS[document["kind"]]
    group, _, _ = document.get("apiVersion", "").rpartition("/")
    return bool(group == kind.group)


def without(document: Document, way: paths.Steps) -> Document:
    found = copy.deepcopy(document)
    place: Any = found
    for step in way[:-1]:
        place = place[step]
    del place[way[-1]]
    return found


def all_trials() -> list[Trial]:
    known: set[FieldName] = set()
    return [trial for path in world.worlds() for trial in trials(world.load(path), known)]
