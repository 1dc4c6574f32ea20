"""Plain data into the struct of its kind.

The common case is one call of the C decoder. Only when that refuses are the data walked by
`structure`, which says everything that is wrong, or brings an unusual spelling into order.
"""

from typing import Any, TypeVar

import msgspec

from lateen.api.resource import Spec
from lateen.base.problem import Problem, Severity
from lateen.config.structure import ABSENT, Conformance, decode_hook, type_of

T = TypeVar("T", bound=Spec)


def decode(value: Any, cls: type[T], *, path: str, strict: bool) -> tuple[T | None, list[Problem]]:
    """The struct, or None, with what is wrong.

    Not strict: an unknown field is a warning. Strict: it is an error, and the struct is there all
    the same, so that the rest can be examined.
    """
    if not strict:
        try:
            return msgspec.convert(value, cls, dec_hook=decode_hook, str_keys=True), []
        except (msgspec.ValidationError, ValueError):
            pass
    return decode_carefully(value, cls, path=path, strict=strict)


def decode_carefully(
    value: Any, cls: type[T], *, path: str, strict: bool
) -> tuple[T | None, list[Problem]]:
    walk = Conformance(Severity.ERROR if strict else Severity.WARNING)
    clean = walk.conform(value, type_of(cls), path)
    if clean is ABSENT or any(is_fatal(problem) for problem in walk.problems):
        return None, walk.problems
    try:
        spec = msgspec.convert(clean, cls, dec_hook=decode_hook, str_keys=True)
    except (msgspec.ValidationError, ValueError) as error:
        return None, [*walk.problems, Problem(code="type", message=str(error), path=path)]
    return spec, walk.problems


def is_fatal(problem: Problem) -> bool:
    return problem.severity is Severity.ERROR and problem.code != "unknown-field"
