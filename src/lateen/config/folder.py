"""Files and folders as a living source of resources.

    kernel -> touched files -> re-read -> objects per file -> one object per key -> Batch

Only touched files are read again, and what was touched meanwhile goes out as one batch: there is
no timer between an edit and its batch. Nothing that goes wrong takes away what was there:

- an object that became unacceptable, and all objects of a file that is no YAML at the moment, keep
  their last good version;
- a file that vanishes may be on its way to being replaced, as editors and version control do it:
  its objects go only when it stays away for a moment;
- a folder that cannot be read any more, or suddenly holds no object at all, keeps its last state;
- of an object that is written twice, the first by path is in force.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lateen.api.resource import Change, Key, Resource
from lateen.base.problem import Problem
from lateen.config import paths
from lateen.config.documents import DEFAULT_NAMESPACE
from lateen.config.duplicates import in_force, repeated
from lateen.config.held_files import File, Root, emptied, parsed, stamp_of, unreadable
from lateen.config.inotify import Polling, Touched, Watch, WatchError

log = logging.getLogger(__name__)

RESCAN_SECONDS = 30  # for file systems that do not report changes made elsewhere (NFS)
SETTLE_SECONDS = 0.05  # how long a file stays away before its objects go
SETTLE_ROUNDS = 40  # a folder that never rests is believed after so many batches
SLICE_SECONDS = 0.005  # of reading before the event loop gets a turn
LARGE_BYTES = 32 * 1024  # read in a thread from here on


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects that changed, and everything that is wrong at present."""

    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()


class FolderSource:
    """Owns what it has read of the paths. The first batch is everything that is there."""

    def __init__(
        self, folders: Iterable[str | Path], *, namespace: str = DEFAULT_NAMESPACE
    ) -> None:
        self._roots = [Root(Path(folder)) for folder in folders]
        self._namespace = namespace or DEFAULT_NAMESPACE
        self._places: dict[Key, list[tuple[int, Path]]] = {}
        self._sent: dict[Key, Resource[Any]] = {}
        self._repeated: set[Key] = set()  # keys with more than one place
        self._pending: set[Key] = set()
        self._missing: set[Path] = set()  # gone or emptied, for good or for a moment
        self._links: dict[Path, set[Path]] = {}  # the file that symbolic links stand for -> links

    async def batches(self) -> AsyncIterator[Batch]:
        watch: Watch | Polling = Polling()
        problems: tuple[Problem, ...] | None = None
        rounds = 0
        try:
            watch = self._watched(None)
            await self._read_everything()
            while True:
                changes, now = self._changes(), self.problems
                if changes or now != problems:
                    yield Batch(changes, now)
                    problems = now
                rounds = rounds + 1 if self._missing else 0
                touched = await watch.wait(SETTLE_SECONDS if self._missing else RESCAN_SECONDS)
                if touched.paths and not touched.everything and rounds < SETTLE_ROUNDS:
                    await self._read_touched(touched)
                elif self._missing:
                    await self._believe_missing()
                    rounds = 0
                if touched.everything or not touched.paths:
                    watch = self._watched(watch)
                    await self._read_everything()
        finally:
            watch.close()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong at present, in the order of the paths."""
        found: list[Problem] = []
        for root in self._roots:
            found += [root.trouble] if root.trouble else []
            for path in sorted(root.troubled):
                found += root.files[path].problems
        for key in sorted(self._repeated):
            found += repeated([self._object(place, key) for place in self._places[key]])
        return tuple(found)

    def _watched(self, watch: Watch | Polling | None) -> Watch | Polling:
        """The watch with all folders of the moment in it; polling where the kernel refuses."""
        folders = list(self._folders())
        try:
            watch = watch or Watch()
            watch.add(folders)
        except WatchError as error:
            log.warning("folders are polled: %s", error)
            if watch is not None:
                watch.close()
            return Polling()
        return watch

    def _folders(self) -> Iterator[Path]:
        """What to watch: each folder, the folder of a single file, those of links' targets."""
        self._links.clear()
        for root in self._roots:
            yield from root.folders()
            for path in paths.files_of(root.path):
                if path.is_symlink():
                    target = path.resolve()
                    self._links.setdefault(target, set()).add(path)
                    yield target.parent

    async def _read_everything(self) -> None:
        for root in self._roots:
            root.trouble = unreadable(root.path)
            if root.trouble:
                continue
            found = list(paths.files_of(root.path))
            await self._read_all(root, found)
            self._missing |= root.files.keys() - set(found) - root.held
            self._drop(root, set())

    async def _read_touched(self, touched: Touched) -> None:
        named = touched.paths.union(*(self._links.get(path, ()) for path in touched.paths))
        for root in self._roots:
            root.trouble = unreadable(root.path)
            found = []
            for path in sorted(named):
                if not root.holds(path):
                    continue
                if not path.exists():
                    self._missing |= {path} & root.files.keys()
                elif path == root.path or paths.is_configuration(path.name):
                    found.append(path)
            await self._read_all(root, found)
            if root.trouble is None:
                self._drop(root, set())

    async def _believe_missing(self) -> None:
        """Nothing happened for a moment: what is missing is gone, what is empty is empty."""
        missing, self._missing = self._missing, set()
        for root in self._roots:
            gone = set()
            root.trouble = unreadable(root.path)
            for path in sorted(missing & root.files.keys()):
                if path.exists():
                    await self._read(root, path, even_empty=True)
                else:
                    gone.add(path)
            if root.trouble is None:
                self._drop(root, gone)

    async def _read_all(self, root: Root, found: list[Path]) -> None:
        began = time.monotonic()
        for path in found:
            await self._read(root, path)
            if time.monotonic() - began > SLICE_SECONDS:
                await asyncio.sleep(0)
                began = time.monotonic()

    async def _read(self, root: Root, path: Path, *, even_empty: bool = False) -> None:
        """Reads a file again if it changed since it was read."""
        old = root.files.get(path, File())
        try:
            stat = os.stat(path)
            stamp = stamp_of(stat)
            if stamp == old.stamp and path not in root.held and not even_empty:
                self._missing.discard(path)
                return
            if not stat.st_size and old.objects and not even_empty:
                self._missing.add(path)  # emptied, or just about to be written
                return
            text = paths.text_of(path)
        except (OSError, paths.UnreadableFile) as error:
            problem = Problem(code="unreadable", message=paths.reason(error), file=str(path))
            root.put(path, File(objects=old.objects, problems=(problem,)))
            return
        self._missing.discard(path)
        if stat.st_size > LARGE_BYTES:
            new = await asyncio.to_thread(parsed, text, path, old, self._namespace)
        else:
            new = parsed(text, path, old, self._namespace)
        new.stamp = stamp
        if old.objects and not new.objects and not root.objects_without({path}):
            new.problems += (emptied(path),)
            new.objects = old.objects
        root.held.discard(path)
        root.put(path, new)
        self._place(root, path, old.objects, new.objects)

    def _drop(self, root: Root, gone: set[Path]) -> None:
        """Takes out files that are gone, unless that would leave nothing at all."""
        gone = gone | root.held
        if not gone:
            return
        if root.objects_without(gone) == 0 and root.objects_without(set()) > 0:
            if not root.held:
                log.warning("folder holds no object any more", extra={"folder": str(root.path)})
            root.held = gone
            root.trouble = emptied(root.path)
            return
        root.held = set()
        for path in gone:
            file = root.take(path)
            self._place(root, path, file.objects, {})

    def _place(
        self, root: Root, path: Path, old: dict[Key, Resource[Any]], new: dict[Key, Resource[Any]]
    ) -> None:
        place = (self._roots.index(root), path)
        for key in old.keys() - new.keys():
            self._places[key].remove(place)
            if len(self._places[key]) < 2:
                self._repeated.discard(key)
            if not self._places[key]:
                del self._places[key]
        for key in new.keys() - old.keys():
            self._places.setdefault(key, []).append(place)
            self._places[key].sort()
            if len(self._places[key]) > 1:
                self._repeated.add(key)
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
            now = in_force([self._object(place, key) for place in places]) if places else None
            if _is_told(now, self._sent.get(key)):
                continue
            changes.append(Change(key, now))
            if now is None:
                del self._sent[key]
            else:
                self._sent[key] = now
        self._pending.clear()
        return tuple(changes)


def _is_told(now: Resource[Any] | None, sent: Resource[Any] | None) -> bool:
    """A place that has moved is told too: problems name it."""
    return now == sent and (now is None or sent is None or now.origin == sent.origin)
