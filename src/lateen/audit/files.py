"""The files of a trail's folder (mode 0700; the files 0600).

audit.jsonl                 being written
audit-000000000042.jsonl    full; named by the sequence of its first line
head.json                   sequence and hash of the last line, so that a cut end is seen
lock                        held by the one process that writes
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lateen.base.private_files import write_private

CURRENT = "audit.jsonl"
HEAD = "head.json"
LOCK = "lock"
FULL = "audit-*.jsonl"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a trail ends."""

    sequence: int = 0
    hash: str = ""


def full_name(first: int) -> str:
    return f"audit-{first:012d}.jsonl"


def full(folder: Path) -> list[Path]:
    """The rotated files, oldest first."""
    return sorted(folder.glob(FULL))


def all_files(folder: Path) -> list[Path]:
    current = folder / CURRENT
    return [*full(folder), *([current] if current.exists() else [])]


def read_head(folder: Path) -> Head | None:
    """None when there is none that can be read."""
    try:
        content = json.loads((folder / HEAD).read_bytes())
        return Head(int(content["sequence"]), str(content["hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_head(folder: Path, head: Head) -> None:
    write_private(
        folder / HEAD, json.dumps({"sequence": head.sequence, "hash": head.hash}).encode()
    )


def open_private(path: Path) -> int:
    """For appending; made 0600 when it is not there, never through a link."""
    return os.open(
        path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
