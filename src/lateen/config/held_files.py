"""What a folder source holds of each path, and what of it survives when a file goes bad."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lateen.api import kinds
from lateen.api.resource import Key, Resource
from lateen.base.problem import Problem, Severity
from lateen.config import paths
from lateen.config.documents import Document, documents
from lateen.config.duplicates import duplicate
from lateen.config.examine import examine

UNKNOWN_FIELD = "unknown-field"
Stamp = tuple[int, int, int, int]


@dataclass(slots=True)
class File:
    """What one file gave when it was last read."""

    stamp: Stamp = (0, 0, 0, 0)
    objects: dict[Key, Resource[Any]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class Root:
    """One path that the source was given."""

    path: Path
    files: dict[Path, File] = field(default_factory=dict)
    troubled: set[Path] = field(default_factory=set)  # files with problems
    held: set[Path] = field(default_factory=set)  # gone, and kept since they were the last ones
    trouble: Problem | None = None

    def holds(self, path: Path) -> bool:
        return path == self.path or self.path in path.parents

    def put(self, path: Path, file: File) -> None:
        self.files[path] = file
        if file.problems:
            self.troubled.add(path)
        else:
            self.troubled.discard(path)

    def take(self, path: Path) -> File:
        self.troubled.discard(path)
        return self.files.pop(path)

    def objects_without(self, gone: set[Path]) -> int:
        return sum(len(file.objects) for path, file in self.files.items() if path not in gone)

    def folders(self) -> Iterator[Path]:
        """The folder and all below it; of a single file, or a folder not there yet, its parent."""
        if not self.path.is_dir():
            yield self.path.parent
            return
        for folder, below, _ in os.walk(self.path, followlinks=True):
            below[:] = [name for name in below if not name.startswith(".")]
            yield Path(folder)


def stamp_of(stat: os.stat_result) -> Stamp:
    """Differs whenever the file was written, replaced or made readable."""
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns)


def parsed(text: str, path: Path, old: File, namespace: str) -> File:
    """What the text gives; what it spoils stays as it was in `old`."""
    new = File()
    problems: list[Problem] = []
    for document in examine(documents(text, str(path), namespace=namespace)):
        refuse_misspelt(document)
        problems += document.problems
        if document.is_valid:
            if document.resource is not None:
                first = new.objects.setdefault(document.resource.key, document.resource)
                if first is not document.resource:
                    problems.append(duplicate(document.resource, first))
        elif document.key is not None and document.name:
            keep(old, new, document.key)
        else:  # what it was about cannot be told
            for key in old.objects:
                keep(old, new, key)
    new.problems = tuple(problems)
    return new


def refuse_misspelt(document: Document) -> None:
    """A field that Istio's or Lateen's API lacks is a mistake, as their admission webhooks hold.

    Read without it the object would mean something else: a route without its weight gets none.
    """
    resource = document.resource
    if resource is not None and (
        resource.api_version.partition("/")[0].endswith(kinds.CHECKED_GROUPS)
    ):
        document.problems = [
            replace(problem, severity=Severity.ERROR) if problem.code == UNKNOWN_FIELD else problem
            for problem in document.problems
        ]


def keep(old: File, new: File, key: Key) -> None:
    if key in old.objects:
        new.objects.setdefault(key, old.objects[key])


def unreadable(path: Path) -> Problem | None:
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                next(entries, None)
        else:
            path.stat()
    except OSError as error:
        return Problem(
            code="unreadable",
            message=f"cannot be read ({paths.reason(error)}); what was read before stays in force",
            file=str(path),
        )
    return None


def emptied(path: Path) -> Problem:
    return Problem(
        code="emptied",
        message="holds no object any more; what was read before stays in force",
        file=str(path),
        hint="to take everything away, stop the mesh",
    )
