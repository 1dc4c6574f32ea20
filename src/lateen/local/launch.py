"""Starting and watching a runner, for the commands that do: everything before its first process."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lateen.local import cleanup, modes, settings, state
from lateen.local.errors import LocalError
from lateen.local.process import private
from lateen.local.runner import RunnerSettings, command


@dataclass(frozen=True)
class Launched:
    state: state.MeshState
    settings: settings.Settings
    runner: "subprocess.Popen[bytes]"
    mode: str
    removed: tuple[str, ...]  # what an earlier mesh of this name had left behind


def launch(folder: Path, *, name: str, mode: str, detached: bool) -> Launched:
    """Raises LocalError when that mesh runs, or folder, lateen.yaml or mode cannot be used."""
    if not folder.is_dir():
        raise LocalError(f"{folder} is not a folder")
    reading = settings.read(folder)
    if reading.problems:  # without its namespace and commands it would be another mesh
        raise LocalError("\n".join(str(problem) for problem in reading.problems))
    chosen_name = name or settings.mesh_name(folder, reading.settings)
    mesh = state.mesh(chosen_name)
    if mesh.running:
        raise LocalError(
            f"the mesh {chosen_name} runs already; stop it with: lateen down --name {chosen_name}"
        )
    removed = cleanup.remove_leftovers(mesh)
    choice = modes.choose(mode)
    mesh.remove()
    shutil.rmtree(mesh.folder / "logs", ignore_errors=True)
    mesh.create()
    wanted = RunnerSettings(
        folder=str(folder.resolve()),
        state=str(mesh.folder),
        mode=choice.mode,
        notices=choice.notices,
        attached=not detached,
    )
    with open(mesh.runner_log, "wb", opener=private) as log:
        runner = subprocess.Popen(
            command(wanted),
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, state.MESH_MARK: str(mesh.folder)},
            start_new_session=True,
        )
    return Launched(mesh, reading.settings, runner, choice.mode, removed)
