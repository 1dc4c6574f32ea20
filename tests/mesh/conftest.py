"""The meshes that the tests of this folder share: one a mode, started once."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.running import RunningMesh

MANIFESTS = Path(__file__).with_name("manifests")


@pytest.fixture(scope="session", params=["root", "explicit"])
def shared_mesh(request: pytest.FixtureRequest) -> Iterator[RunningMesh]:
    work = Path(tempfile.mkdtemp(prefix="lateen-mesh-"))
    folder = work / "manifests"
    shutil.copytree(MANIFESTS, folder)
    mesh = RunningMesh(folder, work / "state", f"t{os.getpid()}-{request.param}", request.param)
    try:
        mesh.up()
        yield mesh
    finally:
        mesh.clean()
        shutil.rmtree(work, ignore_errors=True)


@pytest.fixture
def mesh(shared_mesh: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh; the files that a test adds are taken away after it."""
    before = {path.name for path in shared_mesh.folder.iterdir()}
    yield shared_mesh
    added = [path for path in shared_mesh.folder.iterdir() if path.name not in before]
    if added:
        shared_mesh.forget(added)
