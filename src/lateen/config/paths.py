"""Reads what a command names: files, folders and `-` for standard input, once, without watching."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from lateen.base.problem import Problem
from lateen.config.documents import DEFAULT_NAMESPACE, Document, Reading, documents
from lateen.config.duplicates import first_of_each

SUFFIXES = (".yaml", ".yml", ".json")
SIZE_LIMIT_BYTES = 2 * 1024 * 1024  # more than any hand-written file; etcd's limit is 1.5 MB
STANDARD_INPUT = "-"
OWN_FILES = frozenset(("lateen.yaml", "lateen.yml"))  # settings of the local runner, no objects


def read_paths(
    paths: Iterable[str | Path],
    *,
    namespace: str = DEFAULT_NAMESPACE,
    stdin: TextIO | None = None,
) -> Reading:
    """All resources of files and folders. The first of two objects of one name wins.

    `namespace` is for objects that name none.
    """
    resources, problems = [], []
    for document in read_documents(paths, namespace=namespace, stdin=stdin):
        if document.resource is not None:
            resources.append(document.resource)
        problems += document.problems
    kept, twice = first_of_each(resources)
    return Reading(tuple(kept), (*problems, *twice))


def read_documents(
    paths: Iterable[str | Path],
    *,
    strict: bool = False,
    namespace: str = DEFAULT_NAMESPACE,
    stdin: TextIO | None = None,
) -> Iterator[Document]:
    """Every document, in the order of the paths. A path that cannot be read is a document too."""
    for path in paths:
        if str(path) == STANDARD_INPUT:
            text = (stdin or sys.stdin).read()
            yield from documents(text, "<stdin>", strict=strict, namespace=namespace)
            continue
        found = False
        for file in files_of(Path(path)):
            found = True
            yield from read_file(file, strict=strict, namespace=namespace)
        if not found and not Path(path).is_dir():
            yield refused(str(path), "no such file or folder")


def read_file(
    file: Path, *, strict: bool = False, namespace: str = DEFAULT_NAMESPACE
) -> Iterator[Document]:
    try:
        yield from documents(text_of(file), str(file), strict=strict, namespace=namespace)
    except (OSError, UnreadableFile) as error:
        yield refused(str(file), reason(error))


class UnreadableFile(ValueError):
    """A file that is there and is not taken."""


def text_of(file: Path) -> str:
    """Raises OSError or UnreadableFile."""
    size = file.stat().st_size
    if size > SIZE_LIMIT_BYTES:
        megabytes, limit = size / 1024**2, SIZE_LIMIT_BYTES // 1024**2
        raise UnreadableFile(f"is {megabytes:.1f} MB long; at most {limit} MB are read")
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"is not UTF-8 text (byte {error.start})") from error


def reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def refused(file: str, message: str) -> Document:
    return Document(file, 0, problems=[Problem(code="unreadable", message=message, file=file)])


def files_of(path: Path) -> Iterator[Path]:
    """The path itself when it is a file, else every configuration file below, in name order."""
    if not path.is_dir():
        if path.exists():
            yield path
        return
    for folder, folders, names in os.walk(path, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if is_configuration(name):
                yield Path(folder, name)


def is_configuration(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(".") and name not in OWN_FILES
