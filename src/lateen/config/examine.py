"""Documents checked in full: structure, then meaning, every problem with its place."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lateen.api.resource import Resource
from lateen.base.problem import Problem
from lateen.config.documents import Document
from lateen.config.validation import validate

Check = Callable[[Resource[Any]], tuple[Problem, ...]]


def examine(documents: Iterable[Document], *more: Check) -> Iterator[Document]:
    """The same documents with the findings of `validate` and of further checks added.

    A document with errors keeps its `resource`, so that a caller can still name it; whether it is
    acceptable is `is_valid`.
    """
    for document in documents:
        if document.resource is not None:
            for check in (validate, *more):
                document.problems += [
                    document.located(problem) for problem in check(document.resource)
                ]
        yield document
