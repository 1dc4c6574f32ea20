"""The same object written in two places: the first stands, both places are reported."""

from collections.abc import Iterable
from typing import Any

from lateen.api.resource import Key, Resource
from lateen.base.problem import Problem


def first_of_each(
    resources: Iterable[Resource[Any]],
) -> tuple[list[Resource[Any]], list[Problem]]:
    """Resources without repetition, in order, and a problem for each one left out."""
    kept: dict[Key, Resource[Any]] = {}
    problems: list[Problem] = []
    for resource in resources:
        first = kept.setdefault(resource.key, resource)
        if first is not resource:
            problems.append(duplicate(resource, first))
    return list(kept.values()), problems


def duplicate(resource: Resource[Any], first: Resource[Any]) -> Problem:
    return Problem(
        code="duplicate",
        message=f"{resource.key} is already defined at {first.origin}, which is the one in force",
        resource=str(resource.key),
        file=resource.origin.file,
        line=resource.origin.line,
        hint="remove one of the two, or rename it",
    )
