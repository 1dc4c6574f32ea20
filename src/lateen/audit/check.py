"""Whether a trail is whole: every line unchanged, in its place, none missing.

Files that retention removed are no gap: the trail says itself where they ended. What was cut off at
the end shows by `head.json`.
"""

from dataclasses import dataclass
from pathlib import Path

from lateen.audit import files, line
from lateen.audit.event import Action


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that is not as it was written."""

    file: str
    number: int  # of the line in the file, from 1; 0: the file as a whole
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.number}" if self.number else self.file
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Verdict:
    lines: int
    files: int
    first: int = 0  # sequence of the first and last line that are whole
    last: int = 0
    broken: Broken | None = None


def check(folder: Path, *, key: bytes = b"") -> Verdict:
    """Reads the whole trail."""
    paths = files.all_files(folder)
    state = _Chain(key)
    for path in paths:
        broken = state.read(path)
        if broken is not None:
            return Verdict(state.count, len(paths), state.first, state.sequence, broken)
    broken = state.begin_is_explained(paths) or _end_is_there(folder, state)
    return Verdict(state.count, len(paths), state.first, state.sequence, broken)


class _Chain:
    """What was read so far."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hash: str | None = None  # of the last line; None before the first
        self._begin = ("0", line.START)  # sequence and hash of what came before the first line
        self._expired: set[tuple[str, str]] = {("0", line.START)}
        self.sequence = self.first = self.count = 0

    def read(self, path: Path) -> Broken | None:
        with open(path, "rb") as content:
            for number, raw in enumerate(content, start=1):
                reason = self._next(raw)
                if reason:
                    return Broken(path.name, number, reason)
        return None

    def _next(self, raw: bytes) -> str:
        """What is wrong with the line; empty: nothing."""
        try:
            found = line.decode(raw)
        except ValueError:
            return "this is no line of an audit trail"
        if not raw.endswith(b"\n"):
            return "the line has no end"
        if not line.is_unchanged(raw, found, self._key):
            return (
                "the line was changed, or the key is another"
                if self._key
                else ("the line was changed, or the trail was written with a key")
            )
        if self._hash is None:
            self.first = found.sequence
            self._begin = (str(found.sequence - 1), found.previous)
        elif found.previous != self._hash:
            return f"the line does not follow the one before it (sequence {self.sequence})"
        elif found.sequence != self.sequence + 1:
            return f"sequence {found.sequence} follows {self.sequence}"
        if found.action == Action.TRAIL_EXPIRED:
            self._expired.add((found.detail.get("sequence", ""), found.detail.get("hash", "")))
        self.sequence, self._hash = found.sequence, found.hash
        self.count += 1
        return ""

    def begin_is_explained(self, paths: list[Path]) -> Broken | None:
        if self._hash is None or self._begin in self._expired:
            return None
        return Broken(paths[0].name, 1, f"the lines before sequence {self.first} are missing")

    def holds(self, head: files.Head) -> bool:
        if head.sequence == self.sequence:
            return head.hash == (self._hash or line.START)
        return head.sequence < self.sequence


def _end_is_there(folder: Path, chain: _Chain) -> Broken | None:
    head = files.read_head(folder)
    if head is None:
        if chain.count == 0:
            return None
        return Broken(files.HEAD, 0, "is missing; whether the trail's end was cut off is unknown")
    if chain.holds(head):
        return None
    return Broken(
        files.CURRENT, 0, f"the trail ends at sequence {chain.sequence}; it went to {head.sequence}"
    )
