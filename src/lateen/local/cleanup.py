"""Removing what a mesh left behind whose runner was killed: processes, links, files.

Every process of a mesh carries the path of the mesh's state in its environment, whoever started it,
so that none is missed and none of somebody else is hit.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lateen.local import bridge, cgroups
from lateen.local.errors import LocalError
from lateen.local.state import MESH_MARK, MeshState, ProcessId

KILL_SECONDS = 5.0
POLL_SECONDS = 0.02
STOP_SECONDS = 40.0


def remove_leftovers(state: MeshState) -> tuple[str, ...]:
    """What was removed, in words; nothing when the mesh runs or has left nothing."""
    record = state.record()
    if record is None or record.runner.alive:
        return ()
    found = []
    killed = kill_processes(state.folder)
    if killed:
        found.append(f"{killed} processes")
    if record.bridge and os.geteuid() == 0 and bridge.remove_leftover(record.bridge):
        found.append(f"the bridge {record.bridge}")
    cgroups.remove_leftovers(state.name)
    state.remove()
    return tuple(found)


def stop(state: MeshState) -> None:
    """Asks the runner to stop, and takes it down when it does not."""
    record = state.record()
    if record is None:
        raise LocalError(f"no mesh named {state.name} has run here")
    if record.runner.alive:
        _signal(record.runner.pid, signal.SIGTERM)
        if not _wait(lambda: not record.runner.alive, STOP_SECONDS):
            _signal(record.runner.pid, signal.SIGKILL)
            _wait(lambda: not record.runner.alive, KILL_SECONDS)
    remove_leftovers(state)


def stop_runner(runner: "subprocess.Popen[bytes]", state: MeshState) -> None:
    """Of a runner that we started ourselves, however far it has come."""
    if runner.stdin is not None:
        runner.stdin.close()
    runner.terminate()
    try:
        runner.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        runner.kill()
        runner.wait()
    remove_leftovers(state)


def kill_processes(folder: Path) -> int:
    """All that carry the folder's mark; returns how many there were."""
    killed: set[ProcessId] = set()

    def all_gone() -> bool:
        alive = list(marked_processes(folder))
        for process in alive:
            killed.add(process)
            _signal(process.pid, signal.SIGKILL)
        return not alive

    if not _wait(all_gone, KILL_SECONDS):
        raise LocalError(f"processes of {folder} cannot be ended")
    return len(killed)


def marked_processes(folder: Path) -> Iterator[ProcessId]:
    mark = f"{MESH_MARK}={folder}".encode()
    own = os.getpid()
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal() or int(entry.name) == own:
            continue
        try:
            environment = Path(entry.path, "environ").read_bytes()
        except OSError:
            continue
        if mark in environment.split(b"\0"):
            process = ProcessId.of(int(entry.name))
            if process.alive:
                yield process


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as trouble:
        raise LocalError(f"process {pid} belongs to another user; run as that user") from trouble


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
