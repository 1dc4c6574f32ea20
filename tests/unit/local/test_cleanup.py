"""Removing what a killed runner left."""

import os
import subprocess
from pathlib import Path

from lateen.local.cleanup import kill_processes, marked_processes, remove_leftovers
from lateen.local.state import MESH_MARK, MeshState, ProcessId, Record


def marked(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(("sleep", "1000"), env={**os.environ, MESH_MARK: str(folder)})


def test_only_processes_with_the_folders_mark_are_killed(tmp_path: Path) -> None:
    own, other = marked(tmp_path / "a"), marked(tmp_path / "ab")
    try:
        assert [process.pid for process in marked_processes(tmp_path / "a")] == [own.pid]
        assert kill_processes(tmp_path / "a") == 1
        assert own.wait(5) == -9
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_leftovers_of_a_dead_runner_are_removed_and_named(tmp_path: Path) -> None:
    state = MeshState(tmp_path / "shop")
    state.create()
    state.write_record(Record("shop", "/x", "userns", ProcessId(1, 1)))
    left = marked(state.folder)

    assert remove_leftovers(state) == ("1 processes",)
    assert left.wait(5) == -9
    assert not (state.folder / "mesh.json").exists()


def test_running_mesh_is_left_alone(tmp_path: Path) -> None:
    state = MeshState(tmp_path / "shop")
    state.create()
    state.write_record(Record("shop", "/x", "userns", ProcessId.of(os.getpid())))

    assert remove_leftovers(state) == ()
    assert state.running
