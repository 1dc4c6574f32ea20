"""Entering a running pod's place from outside: its namespaces, environment and directory."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

from lateen.local import modes, netns
from lateen.local.errors import LocalError
from lateen.local.state import MeshState, PodState


def execute(mesh: MeshState, pod: PodState, command: tuple[str, ...]) -> NoReturn:
    """Replaces this process by the command; raises LocalError when that is impossible."""
    if not pod.pid:
        raise LocalError(f"{pod.id} does not run at present ({pod.reason or pod.phase})")
    record = mesh.record()
    try:
        environment = _environment(pod.pid)
        directory = os.readlink(f"/proc/{pod.pid}/cwd")
        if record is not None and record.mode != modes.EXPLICIT:
            _enter(pod.pid, user_namespace=record.mode == modes.USERNS)
        os.chdir(directory)
    except OSError as trouble:
        raise LocalError(f"cannot enter {pod.id}: {trouble.strerror or trouble}") from trouble
    for name in ("TERM", "COLUMNS", "LINES"):
        if name in os.environ:
            environment[name] = os.environ[name]
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        raise LocalError(f"there is no program {command[0]}")
    os.execve(program, command, environment)


def _environment(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    decoded = (os.fsdecode(pair).partition("=") for pair in pairs if b"=" in pair)
    return {name: value for name, _, value in decoded}


def _enter(pid: int, *, user_namespace: bool) -> None:
    """All handles are opened first: inside, /proc looks different."""
    kinds = [("user", netns.CLONE_NEWUSER)] if user_namespace else []
    kinds += [("net", netns.CLONE_NEWNET), ("mnt", netns.CLONE_NEWNS)]
    handles = [(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY), kind) for name, kind in kinds]
    for handle, kind in handles:
        netns.enter(handle, kind)
        os.close(handle)
