"""Files and folders as a living source of resources.

    inotify -> touched files -> re-read -> objects per file -> one object per key -> Batch

Only touched files are read again, and what was touched meanwhile goes out as one batch. Nothing
that goes wrong takes away what was there:

- an object that became unacceptable, and all objects of a file that is no YAML at the moment, keep
  their last good version;
- a folder that cannot be read any more, or suddenly holds no object at all, keeps its last state;
- of an object that is written twice, the first by path is in force.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lateen.api.resource import Change, Key, Resource
from lateen.base.problem import Problem
from lateen.config import paths
from lateen.config.documents import DEFAULT_NAMESPACE, documents
from lateen.config.duplicates import duplicate
from lateen.config.examine import examine
from lateen.config.inotify import Touched, Watch

RESCAN_SECONDS = 30  # for file systems that do not report changes made elsewhere (NFS)
SLICE = 50  # files read before the event loop gets a turn

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects that changed, and everything that is wrong at present."""

    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()


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
    held: set[Path] = field(default_factory=set)  # gone, and kept since they were the last ones
    trouble: Problem | None = None

    def holds(self, path: Path) -> bool:
        return path == self.path or self.path in path.parents

    def objects_without(self, gone: set[Path]) -> int:
        return sum(len(file.objects) for path, file in self.files.items() if path not in gone)


class FolderSource:
    """Owns what it has read of the paths. The first batch is everything that is there."""

    def __init__(
        self, folders: Iterable[str | Path], *, namespace: str = DEFAULT_NAMESPACE
    ) -> None:
        self._roots = [Root(Path(folder)) for folder in folders]
        self._namespace = namespace or DEFAULT_NAMESPACE
        self._places: dict[Key, list[tuple[int, Path]]] = {}
        self._sent: dict[Key, Resource[Any]] = {}
        self._pending: set[Key] = set()

    async def batches(self) -> AsyncIterator[Batch]:
        watch = Watch()
        problems: tuple[Problem, ...] | None = None
        try:
            watch.add(self._folders())
            await self._read_everything()
            while True:
                changes, now = self._changes(), self.problems
                if changes or now != problems:
                    yield Batch(changes, now)
                    problems = now
                touched = await watch.wait(RESCAN_SECONDS)
                if touched.everything or not touched.paths:
                    watch.add(self._folders())
                    await self._read_everything()
                else:
                    self._read_touched(touched)
        finally:
            watch.close()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong at present, in the order of the paths."""
        found: list[Problem] = []
        for root in self._roots:
            found += [root.trouble] if root.trouble else []
            for path in sorted(root.files):
                found += root.files[path].problems
        for key, places in self._places.items():
            if len(places) > 1:
                first, *others = (self._object(place, key) for place in places)
                found += [duplicate(other, first) for other in others]
        return tuple(found)

    def _folders(self) -> Iterator[Path]:
        """What to watch: each folder, and the folder of a single file, which may be replaced."""
        for root in self._roots:
            if not root.path.is_dir():
                yield root.path.parent
                continue
            for folder, below, _ in os.walk(root.path, followlinks=True):
                below[:] = [name for name in below if not name.startswith(".")]
                yield Path(folder)

    async def _read_everything(self) -> None:
        for root in self._roots:
            root.trouble = unreadable(root.path)
            if root.trouble:
                continue
            found = list(paths.files_of(root.path))
            for count, path in enumerate(found):
                self._read(root, path)
                if count % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
            self._drop(root, root.files.keys() - set(found))

    def _read_touched(self, touched: Touched) -> None:
        for root in self._roots:
            gone = set()
            root.trouble = unreadable(root.path)
            for path in sorted(touched.paths):
                if not root.holds(path):
                    continue
                if path.exists():
                    if path == root.path or paths.is_configuration(path.name):
                        self._read(root, path)
                elif path in root.files:
                    gone.add(path)
            if root.trouble is None:
                self._drop(root, gone)

    def _read(self, root: Root, path: Path) -> None:
        """Reads a file again if it changed since it was read."""
        old = root.files.get(path, File())
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns)
            if stamp == old.stamp and path not in root.held:
                return
            text = paths.text_of(path)
        except (OSError, paths.UnreadableFile) as error:
            problem = Problem(code="unreadable", message=paths.reason(error), file=str(path))
            root.files[path] = File(objects=old.objects, problems=(problem,))
            return
        new = parsed(text, path, old, self._namespace)
        new.stamp = stamp
        if old.objects and not new.objects and not root.objects_without({path}):
            new.problems += (emptied(path),)
            new.objects = old.objects
        root.held.discard(path)
        root.files[path] = new
        self._place(root, path, old.objects, new.objects)

    def _drop(self, root: Root, gone: set[Path]) -> None:
        """Takes out files that are gone, unless that would leave nothing at all."""
        gone = gone | root.held
        if not gone:
            return
        if root.objects_without(gone) == 0 and root.objects_without(set()) > 0:
            root.held = gone
            root.trouble = emptied(root.path)
            return
        root.held = set()
        for path in gone:
            file = root.files.pop(path)
            self._place(root, path, file.objects, {})

    def _place(
        self, root: Root, path: Path, old: dict[Key, Resource[Any]], new: dict[Key, Resource[Any]]
    ) -> None:
        place = (self._roots.index(root), path)
        for key in old.keys() - new.keys():
            self._places[key].remove(place)
            if not self._places[key]:
                del self._places[key]
        for key in new.keys() - old.keys():
            self._places.setdefault(key, []).append(place)
            self._places[key].sort()
        self._pending.update(
            key for key in old.keys() | new.keys() if old.get(key) is not new.get(key)
        )

    def _object(self, place: tuple[int, Path], key: Key) -> Resource[Any]:
        root, path = place
        return self._roots[root].files[path].objects[key]

    def _changes(self) -> tuple[Change, ...]:
        """What to tell of the pending keys, in a fixed order."""
        changes = []
        for key in sorted(self._pending):
            places = self._places.get(key)
            now = self._object(places[0], key) if places else None
            if now == self._sent.get(key):
                continue
            changes.append(Change(key, now))
            if now is None:
                del self._sent[key]
            else:
                self._sent[key] = now
        self._pending.clear()
        return tuple(changes)


def parsed(text: str, path: Path, old: File, namespace: str) -> File:
    """What the text gives; what it spoils stays as it was in `old`."""
    new = File()
    problems: list[Problem] = []
    for document in examine(documents(text, str(path), namespace=namespace)):
        problems += document.problems
        if document.is_valid:
            if document.resource is not None:
                first = new.objects.setdefault(document.resource.key, document.resource)
                if first is not document.resource:
                    problems.append(duplicate(document.resource, first))
        elif document.name:
            keep(old, new, Key(document.kind, document.namespace, document.name))
        else:  # what it was about cannot be told
            for key in old.objects:
                keep(old, new, key)
    new.problems = tuple(problems)
    return new


def keep(old: File, new: File, key: Key) -> None:
    if key in old.objects:
        new.objects.setdefault(key, old.objects[key])


def unreadable(path: Path) -> Problem | None:
    try:
        if path.is_dir():
            os.listdir(path)
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
