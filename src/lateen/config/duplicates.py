"""The same object written in two places: the first stands, both places are reported.

A Pod that runs is written down by whoever runs it, with its status and address, beside the manifest
that it was made from. That is one pod, not two: the running one stands and nothing is reported.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from lateen.api.kubernetes.pod import PodStatus
from lateen.api.resource import Key, Resource
from lateen.base.problem import Problem


def first_of_each(
    resources: Iterable[Resource[Any]],
) -> tuple[list[Resource[Any]], list[Problem]]:
    """Resources without repetition, in order, and a problem for each one left out."""
    places: dict[Key, list[Resource[Any]]] = {}
    for resource in resources:
        places.setdefault(resource.key, []).append(resource)
    problems = [problem for found in places.values() for problem in repeated(found)]
    return [in_force(found) for found in places.values()], problems


def in_force(found: Sequence[Resource[Any]]) -> Resource[Any]:
    """Which of the places where an object is written counts."""
    return next(filter(_runs, found), found[0])


def repeated(found: Sequence[Resource[Any]]) -> list[Problem]:
    """What is wrong with an object that is written in these places."""
    first = in_force(found)
    others = [each for each in found if each is not first]
    if _runs(first):
        others = [each for each in others if _runs(each)]
    return [duplicate(each, first) for each in others]


def _runs(resource: Resource[Any]) -> bool:
    return isinstance(resource.status, PodStatus) and bool(resource.status.pod_ip)


def duplicate(resource: Resource[Any], first: Resource[Any]) -> Problem:
    return Problem(
        code="duplicate",
        message=f"{resource.key} is already defined at {first.origin}, which is the one in force",
        resource=str(resource.key),
        file=resource.origin.file,
        line=resource.origin.line,
        hint="remove one of the two, or rename it",
    )
