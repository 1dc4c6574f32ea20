"""Lines of a trail, oldest first, also as they come. A line that cannot be read is left out."""

import heapq
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lateen.audit import files, line

POLL_SECONDS = 0.2
MOST_AHEAD = 1000  # lines read ahead of who prints them


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show. Empty: everything. Identities and objects match by any part, actions whole or
    by their first word."""

    since: str = ""  # a time as lines have it
    identity: str = ""
    decision: str = ""
    action: str = ""
    object: str = ""

    def takes(self, found: line.Line) -> bool:
        return (
            found.time >= self.since
            and self.decision in ("", found.decision)
            and (self.action in ("", found.action) or found.action.startswith(f"{self.action}."))
            and self.object in found.object
            and any(self.identity in text for text in (found.actor, found.object))
        )


def lines(folder: Path, *, follow: bool = False) -> Iterator[line.Line]:
    """What is there now and, with `follow`, what comes, for ever, over rotated files."""
    for path in files.full(folder):
        yield from _parsed(path.read_bytes().splitlines())
    path = folder / files.CURRENT
    while path.exists() or follow:
        if not path.exists():
            time.sleep(POLL_SECONDS)
            continue
        with open(path, "rb") as content:
            yield from _growing(content, path) if follow else _parsed(content)
        if not follow:
            return


def merged(folders: Iterable[Path]) -> Iterator[line.Line]:
    """What is there now in several trails, by time."""
    return heapq.merge(*(lines(folder) for folder in folders), key=lambda found: found.time)


def followed(folders: Iterable[Path]) -> Iterator[line.Line]:
    """What is there and what comes in several trails, for ever, in the order in which it is read.

    One thread reads each; they end with the process.
    """
    found: queue.Queue[line.Line] = queue.Queue(MOST_AHEAD)

    def read(folder: Path) -> None:
        for one in lines(folder, follow=True):
            found.put(one)

    for folder in folders:
        threading.Thread(target=read, args=(folder,), daemon=True).start()
    while True:  # until the reader has enough
        yield found.get()


def _growing(content: IO[bytes], path: Path) -> Iterator[line.Line]:
    """Until another file has taken the path: then what was written to this one is complete."""
    mark = _identity(path)
    rest = b""
    while True:
        rotated = _identity(path) != mark
        more = content.read()
        *whole, rest = (rest + more).split(b"\n")
        yield from _parsed(whole)
        if rotated:
            return
        if not more:
            time.sleep(POLL_SECONDS)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _parsed(raw: Iterable[bytes]) -> Iterator[line.Line]:
    for one in raw:
        try:
            yield line.decode(one)
        except ValueError:
            continue
