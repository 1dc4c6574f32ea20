"""A trail is complete, private, in order, bounded, and says itself what it lost."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lateen.audit import check, files, reading
from lateen.audit.errors import AuditError
from lateen.audit.event import Action, Decision, Event
from lateen.audit.trail import Retention, Trail

SMALL = Retention(file_bytes=2000, most_files=3)


def event(number: int = 0, *, reason: str = "", peer: str = "", correlation: str = "") -> Event:
    return Event(
        Action.STREAM,
        Decision.ACCEPTED,
        object=f"proxy-{number}",
        actor="spiffe://x",
        peer=peer,
        reason=reason,
        correlation=correlation,
    )


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    made = Trail(tmp_path / "audit", clock=lambda: 1_800_000_000.0).open()
    yield made
    made.close()


def shown(folder: Path) -> list[tuple[int, str, str]]:
    return [(line.sequence, line.action, line.object) for line in reading.lines(folder)]


def test_lines_have_the_documented_fields_in_order(trail: Trail) -> None:
    trail.record(event(7, peer="10.0.0.1:5", reason="because", correlation="c-1"))
    assert trail.flush()
    last = (trail.folder / files.CURRENT).read_text().splitlines()[-1]
    found = json.loads(last)
    assert list(found) == [
        "time", "sequence", "action", "decision", "object", "actor", "proof", "peer", "reason",
        "correlation", "detail", "previous", "hash",
    ]  # fmt: skip
    assert found["time"] == "2027-01-15T08:00:00.000Z"
    assert (found["object"], found["peer"]) == ("proxy-7", "10.0.0.1:5")


def test_only_its_owner_can_read_it(trail: Trail) -> None:
    trail.record(event())
    trail.flush()
    trail.close()
    for path in trail.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(trail.folder.stat().st_mode) == 0o700


def test_what_a_caller_writes_cannot_begin_a_line_of_its_own(trail: Trail) -> None:
    trail.record(event(reason='a\n{"time":"2020","sequence":1}\u2028\x00\ud800'))
    trail.flush()
    assert len((trail.folder / files.CURRENT).read_bytes().splitlines()) == 2
    assert check.check(trail.folder).broken is None


def test_a_long_text_is_cut(trail: Trail) -> None:
    trail.record(event(reason="x" * 100_000))
    trail.flush()
    assert (trail.folder / files.CURRENT).stat().st_size < 3000


def test_the_chain_goes_on_over_rotated_files(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    made = Trail(folder, clock=lambda: 1.0, retention=SMALL).open()
    for number in range(12):
        made.record(event(number))
        made.flush()
    made.close()
    verdict = check.check(folder)
    assert verdict.broken is None
    assert verdict.files == 3
    assert [number for number, _, _ in shown(folder)] == list(range(1, verdict.last + 1))


def test_retention_removes_the_oldest_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    made = Trail(folder, clock=lambda: 1.0, retention=SMALL).open()
    for number in range(60):
        made.record(event(number))
        made.flush()
    made.close()
    assert len(files.full(folder)) == SMALL.most_files
    assert "audit.expire" in {action for _, action, _ in shown(folder)}
    verdict = check.check(folder)
    assert (verdict.broken, verdict.first > 1) == (None, True)


def test_an_old_file_is_rotated_however_small(tmp_path: Path) -> None:
    now = [1000.0]
    made = Trail(
        tmp_path / "audit", clock=lambda: now[0], retention=Retention(file_seconds=60)
    ).open()
    now[0] += 61
    made.record(event())
    made.flush()
    made.close()
    assert len(files.full(made.folder)) == 1


def test_a_restart_continues_the_chain(tmp_path: Path) -> None:
    for _ in range(3):
        made = Trail(tmp_path / "audit", clock=lambda: 1.0).open()
        made.record(event())
        made.close()
    assert [number for number, _, _ in shown(made.folder)] == [1, 2, 3, 4, 5, 6]
    assert check.check(made.folder).broken is None


def test_a_line_torn_by_a_crash_is_cut_off_and_told_of(tmp_path: Path) -> None:
    made = Trail(tmp_path / "audit", clock=lambda: 1.0).open()
    made.record(event())
    made.close()
    with open(made.folder / files.CURRENT, "ab") as content:
        content.write(b'{"time":"20')
    Trail(made.folder, clock=lambda: 1.0).open().close()
    assert "audit.mend" in {action for _, action, _ in shown(made.folder)}
    assert check.check(made.folder).broken is None


def test_two_processes_cannot_write_one_trail(trail: Trail) -> None:
    with pytest.raises(AuditError, match="another process"):
        Trail(trail.folder, clock=lambda: 1.0).open()


def test_recording_never_waits_and_drops_are_counted_and_told_of(tmp_path: Path) -> None:
    held, free = threading.Event(), threading.Event()

    def clock() -> float:
        if threading.current_thread().name == "audit":
            held.set()
            free.wait(10)
        return 1.0

    made = Trail(tmp_path / "audit", clock=clock, most_waiting=50).open()
    assert held.wait(10)  # the thread stands still, as on a disk that hangs
    for number in range(500):
        made.record(event(number))
    dropped = made.dropped
    free.set()
    made.flush()
    made.record(event(1000))
    made.close()
    assert dropped == 450
    told = [line for line in reading.lines(made.folder) if line.action == "audit.drop"]
    assert sum(int(line.detail["events"]) for line in told) == dropped
    assert check.check(made.folder).broken is None


def test_a_full_disk_loses_events_but_no_line_and_no_process(tmp_path: Path) -> None:
    made = Trail(tmp_path / "audit", clock=lambda: 1.0).open()
    real, made._file = made._file, os.open("/dev/full", os.O_WRONLY)
    made.record(event(1))
    made.flush()
    full, made._file = made._file, real
    os.close(full)
    made.record(event(2))
    made.flush()
    made.record(event(3))
    made.close()
    told = [line for line in reading.lines(made.folder) if line.action == "audit.drop"]
    assert [line.detail["events"] for line in told] == ["1"]
    assert check.check(made.folder).broken is None
