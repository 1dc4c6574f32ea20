"""Problems on standard error as they come and go, for the person who has just saved a file."""

import sys
from collections.abc import Iterable

from lateen.base.problem import Problem


def announce(before: Iterable[Problem], now: Iterable[Problem]) -> None:
    """Prints what is newly wrong, and what no longer is."""
    known, found = tuple(before), tuple(now)
    old, new = frozenset(known), frozenset(found)
    for problem in found:
        if problem not in old:
            print(f"{problem.severity}: {problem}", file=sys.stderr, flush=True)
    for problem in known:
        if problem not in new and problem.resource:
            print(f"fixed: {problem.resource}: {problem.message}", file=sys.stderr, flush=True)
