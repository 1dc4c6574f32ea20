"""Lines of a trail, oldest first, also as they come."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lateen.audit import files, line

POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show. Empty: everything. Identities, actions and objects match by any part."""

    since: str = ""  # a time as lines have it
    identity: str = ""
    decision: str = ""
    action: str = ""
    object: str = ""

    def takes(self, found: line.Line) -> bool:
        return (
            found.time >= self.since
            and self.decision in ("", found.decision)
            and self.action in found.action
            and self.object in found.object
            and any(self.identity in text for text in (found.actor, found.object))
        )


def lines(folder: Path) -> Iterator[line.Line]:
    """What is there now. A line that cannot be read is left out: see `check`."""
    for path in files.all_files(folder):
        with open(path, "rb") as content:
            yield from _parsed(content)


def follow(folder: Path) -> Iterator[line.Line]:
    """What comes from now on, for ever; goes along when the file is rotated."""
    path = folder / files.CURRENT
    while True:  # until the reader has enough
        with open(path, "rb") as content:
            mark = _identity(path)
            content.seek(0, 2)
            yield from _growing(content, path, mark)
        while _identity(path) is None:
            time.sleep(POLL_SECONDS)
        with open(path, "rb") as content:  # a new file: all of it
            yield from _growing(content, path, _identity(path))


def _growing(content: IO[bytes], path: Path, mark: tuple[int, int] | None) -> Iterator[line.Line]:
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


def _parsed(raw: "Iterator[bytes] | list[bytes] | IO[bytes]") -> Iterator[line.Line]:
    for one in raw:
        try:
            yield line.decode(one)
        except ValueError:
            continue
