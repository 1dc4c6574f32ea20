"""Writes the lines of a trail: bounded, rotated by size and age, never waiting.

    record(event) --queue, bounded--> thread: line, hash, file --full or old--> next file
         |                                                                        oldest removed
         '-- no room: counted, and the trail says so itself

Events are put in order by the queue; one thread owns the files. Nothing here blocks an event loop
or raises into it: an event for which there is no room, or that the disk refuses, is counted, and
the count becomes a line as soon as lines can be written again.
"""

import fcntl
import logging
import os
import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lateen.audit import files, line
from lateen.audit.errors import AuditError
from lateen.audit.event import Action, Decision, Event
from lateen.base.clock import Clock
from lateen.base.private_files import private_folder

log = logging.getLogger(__name__)

MOST_WAITING = 10_000  # events; about 5 MB
BATCH = 500  # lines written at once
HEAD_SECONDS = 1.0  # at most so often the end of the trail is noted beside it
CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Retention:
    file_bytes: int = 16 * 1024 * 1024
    file_seconds: float = 24 * 3600.0
    most_files: int = 30  # full ones; older ones are removed


@dataclass(slots=True)
class _Flush:
    """Asks the thread to say when everything before it is in the file."""

    done: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Events that the thread makes: there may be many, and each may cost."""

    events: Iterable[Event]
    time: float


class Trail:
    """A `Recorder`. Owns the folder's files from `open` until `close`."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        key: bytes = b"",
        retention: Retention = Retention(),
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.folder = folder
        self.dropped = 0  # events that got no line, so far
        self.written = 0
        self._clock = clock
        self._key = key
        self._retention = retention
        self._queue: queue.Queue[Event | _Batch | _Flush | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._work, name="audit", daemon=True)
        self._reported = 0  # of the dropped, those that the trail tells of
        self._head = files.Head()
        self._lock = -1
        self._file = -1
        self._size = 0
        self._began = 0.0
        self._first = 0  # sequence of the first line of the file
        self._head_due = 0.0
        self._failing = False

    def open(self) -> "Trail":
        """Takes the folder and begins. AuditError if another process writes there."""
        private_folder(self.folder)
        self._take()
        self._head, mended, reason = self._resumed()
        self._begin_file()
        if mended:
            self._write([Event(Action.TRAIL_MENDED, Decision.NOTED, reason=mended)])
        self._write([Event(Action.TRAIL_OPENED, Decision.NOTED, object=str(self.folder),
                           reason=reason, detail={"pid": str(os.getpid())})])  # fmt: skip
        self._thread.start()
        return self

    def record(self, event: Event) -> None:
        stamped = event if event.time else replace(event, time=self._clock())
        try:
            self._queue.put_nowait(stamped)
        except queue.Full:
            self.dropped += 1

    def record_all(self, events: Iterable[Event]) -> None:
        """The same for many at once; what the iterable reads must not change any more."""
        try:
            self._queue.put_nowait(_Batch(events, self._clock()))
        except queue.Full:
            self.dropped += 1

    def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Waits until what was recorded is in the file; false when that takes too long."""
        asked = _Flush()
        try:
            self._queue.put(asked, timeout=seconds)
        except queue.Full:
            return False
        return asked.done.wait(seconds)

    def close(self) -> None:
        """Writes what waits, then lets the folder go."""
        if self._thread.is_alive():
            try:
                self._queue.put(None, timeout=CLOSE_SECONDS)
            except queue.Full:
                log.error("audit events lost at the end", extra={"waiting": self._queue.qsize()})
            self._thread.join(CLOSE_SECONDS)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # the thread

    def _work(self) -> None:
        while True:  # until it is closed
            events, flushes, closing = self._batch()
            if self.dropped > self._reported:
                events.append(self._drops())
            self._write(events)
            for asked in flushes:
                asked.done.set()
            if closing:
                break
        self._note_head(force=True)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _batch(self) -> tuple[list[Event], list[_Flush], bool]:
        events: list[Event] = []
        flushes: list[_Flush] = []
        try:
            found = self._queue.get(timeout=HEAD_SECONDS)
            while True:
                if found is None:
                    return events, flushes, True
                if isinstance(found, _Flush):
                    flushes.append(found)
                elif isinstance(found, _Batch):
                    events += self._made(found)
                else:
                    events.append(found)
                if len(events) >= BATCH:
                    break
                found = self._queue.get_nowait()
        except queue.Empty:
            pass
        return events, flushes, False

    def _made(self, batch: _Batch) -> list[Event]:
        try:
            return [replace(event, time=batch.time) for event in batch.events]
        except Exception:  # supervisor of the thread: it must outlive what others hand it
            log.exception("audit events not made")
            self.dropped += 1
            return []

    def _drops(self) -> Event:
        lost = self.dropped - self._reported
        return Event(
            Action.TRAIL_DROPPED,
            Decision.NOTED,
            reason=f"{lost} events were lost: there was no room for them, or the disk refused them",
            detail={"events": str(lost)},
            time=self._clock(),
        )

    def _write(self, events: Sequence[Event]) -> None:
        if events:
            try:
                self._rotate_if_due()
                self._append(events)
            except OSError as trouble:
                self._failed(events, trouble)
            else:
                self._failing = False
        self._note_head()

    def _append(self, events: Sequence[Event]) -> None:
        """All of the lines, or none."""
        head = self._head
        lines: list[bytes] = []
        for event in events:
            stamped = event if event.time else replace(event, time=self._clock())
            made, digest = line.encode(
                stamped, sequence=head.sequence + 1, previous=head.hash, key=self._key
            )
            lines.append(made)
            head = files.Head(head.sequence + 1, digest)
        content = b"".join(lines)
        try:
            self._all_of(content)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(content)
        self._head = head
        self.written += len(events)
        for event in events:
            if event.action is Action.TRAIL_DROPPED:
                self._reported += int(event.detail["events"])

    def _all_of(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def _failed(self, events: Sequence[Event], trouble: OSError) -> None:
        self.dropped += sum(event.action is not Action.TRAIL_DROPPED for event in events)
        if not self._failing:
            log.error("audit trail not written", extra={"reason": trouble.strerror})
        self._failing = True

    # files

    def _take(self) -> None:
        self._lock = files.open_private(self.folder / files.LOCK)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            os.close(self._lock)
            self._lock = -1
            raise AuditError(
                f"another process writes the audit trail in {self.folder}; "
                "give each control plane a state folder, or an audit folder, of its own"
            ) from taken

    def _resumed(self) -> tuple[files.Head, str, str]:
        """Where the trail goes on: its end, what was mended, and what is wrong with it."""
        noted = files.read_head(self.folder)
        mended = _cut_torn_end(self.folder / files.CURRENT)
        found = [path for path in files.all_files(self.folder) if path.stat().st_size]
        last = _last_line(found[-1]) if found else None
        if last is None:
            if noted is None:
                return files.Head(), mended, ""
            return noted, mended, f"the lines up to {noted.sequence} are missing or unreadable"
        if noted is not None and noted.sequence > last.sequence:
            return noted, mended, f"the lines {last.sequence + 1} to {noted.sequence} are missing"
        return files.Head(last.sequence, last.hash), mended, ""

    def _begin_file(self) -> None:
        path = self.folder / files.CURRENT
        self._file = files.open_private(path)
        status = os.fstat(self._file)
        self._size = status.st_size
        self._began = status.st_mtime if self._size else self._clock()
        self._first = _first_sequence(path) or self._head.sequence + 1

    def _rotate_if_due(self) -> None:
        old = self._clock() - self._began > self._retention.file_seconds
        if not self._size or (self._size < self._retention.file_bytes and not old):
            return
        os.fsync(self._file)
        os.close(self._file)
        (self.folder / files.CURRENT).rename(self.folder / files.full_name(self._first))
        self._begin_file()
        self._expire()

    def _expire(self) -> None:
        surplus = files.full(self.folder)[: -self._retention.most_files]
        for path in surplus:
            last = _last_line(path)
            path.unlink()
            gone = {} if last is None else {"sequence": str(last.sequence), "hash": last.hash}
            self._append([Event(Action.TRAIL_EXPIRED, Decision.NOTED, object=path.name,
                                reason="retention", detail=gone)])  # fmt: skip

    def _note_head(self, *, force: bool = False) -> None:
        now = self._clock()
        if not force and now < self._head_due:
            return
        self._head_due = now + HEAD_SECONDS
        try:
            if files.read_head(self.folder) != self._head:
                files.write_head(self.folder, self._head)
        except OSError as trouble:
            log.error("end of the audit trail not noted", extra={"reason": trouble.strerror})


def _cut_torn_end(path: Path) -> str:
    """A crash may leave half a line, which would spoil the next one."""
    try:
        with open(path, "r+b") as content:
            text = content.read()
            whole = text.rfind(b"\n") + 1
            if whole == len(text):
                return ""
            content.truncate(whole)
    except FileNotFoundError:
        return ""
    return f"{len(text) - whole} bytes of a line without an end were cut off"


def _first_sequence(path: Path) -> int:
    """0 when the file is empty or its first line cannot be read."""
    with open(path, "rb") as content:
        try:
            return line.decode(content.readline()).sequence
        except ValueError:
            return 0


def _last_line(path: Path) -> line.Line | None:
    """None when it cannot be read."""
    with open(path, "rb") as content:
        content.seek(max(0, path.stat().st_size - 64 * 1024))
        lines = content.read().splitlines()
    try:
        return line.decode(lines[-1])
    except (ValueError, IndexError):
        return None
