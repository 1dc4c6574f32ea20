"""Every way to falsify a trail is seen, and its place is named."""

import json
from pathlib import Path

import pytest

from lateen.audit import check, files
from lateen.audit.event import Action, Decision, Event
from lateen.audit.line import MARK, hash_of
from lateen.audit.trail import Trail

KEY = b"a key that only the auditor has"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = Trail(tmp_path / "audit", clock=lambda: 1_800_000_000.0, key=KEY).open()
    for number in range(5):
        made.record(Event(Action.STREAM, Decision.REFUSED, object=f"proxy-{number}"))
    made.close()
    return made.folder


def broken(folder: Path, key: bytes = KEY) -> str:
    return str(check.check(folder, key=key).broken)


def edit(folder: Path, number: int, old: bytes, new: bytes) -> None:
    path = folder / files.CURRENT
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new)
    path.write_bytes(b"".join(lines))


def test_a_whole_trail_has_nothing_broken(folder: Path) -> None:
    verdict = check.check(folder, key=KEY)
    assert (verdict.broken, verdict.lines, verdict.first, verdict.last) == (None, 6, 1, 6)


def test_a_changed_line_is_named(folder: Path) -> None:
    edit(folder, 4, b"refused", b"accepted")
    assert broken(folder).startswith("audit.jsonl:4: the line was changed")


def test_a_removed_line_is_named(folder: Path) -> None:
    path = folder / files.CURRENT
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert (
        broken(folder) == "audit.jsonl:3: the line does not follow the one before it (sequence 2)"
    )


def test_lines_that_changed_places_are_named(folder: Path) -> None:
    path = folder / files.CURRENT
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]))
    assert broken(folder).startswith("audit.jsonl:3:")


def test_a_cut_end_is_seen(folder: Path) -> None:
    path = folder / files.CURRENT
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    assert broken(folder) == "audit.jsonl: the trail ends at sequence 4; it went to 6"


def test_a_cut_beginning_is_seen(folder: Path) -> None:
    path = folder / files.CURRENT
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[2:]))
    assert broken(folder) == "audit.jsonl:1: the lines before sequence 3 are missing"


def test_a_trail_that_was_removed_is_seen(folder: Path) -> None:
    (folder / files.CURRENT).unlink()
    assert broken(folder) == "audit.jsonl: the trail ends at sequence 0; it went to 6"


def test_a_cut_end_stays_visible_after_the_next_start(folder: Path) -> None:
    path = folder / files.CURRENT
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    Trail(folder, clock=lambda: 1.0, key=KEY).open().close()
    assert broken(folder).startswith("audit.jsonl:5: the line does not follow")


def test_a_line_without_sense_is_named(folder: Path) -> None:
    edit(folder, 2, b'{"time"', b'{"tim')
    assert broken(folder) == "audit.jsonl:2: this is no line of an audit trail"


def test_who_lacks_the_key_cannot_recompute_the_chain(folder: Path) -> None:
    path = folder / files.CURRENT
    forged, previous = [], ""
    for raw in path.read_bytes().splitlines():
        found = json.loads(raw)
        body = raw.rpartition(MARK)[0].replace(b'"refused"', b'"accepted"')
        body = body.replace(
            f'"previous":"{found["previous"]}"'.encode(), b'"previous":"%s"' % previous.encode()
        )
        previous = hash_of(body, b"guessed")
        forged.append(body + MARK + previous.encode() + b'"}\n')
    path.write_bytes(b"".join(forged))
    assert broken(folder, b"guessed").startswith("audit.jsonl: the trail ends")
    assert broken(folder).startswith("audit.jsonl:1: the line was changed, or the key is another")
