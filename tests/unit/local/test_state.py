"""State folders: who runs, and finding workloads."""

import os
from pathlib import Path
from typing import Any

import pytest

from lateen.local.errors import LocalError
from lateen.local.state import (
    CANNOT_START,
    MeshState,
    PodState,
    ProcessId,
    Record,
    Status,
    find_pod,
)


@pytest.fixture
def mesh(tmp_path: Path) -> MeshState:
    state = MeshState(tmp_path / "shop")
    state.create()
    return state


def record(runner: ProcessId) -> Record:
    return Record(name="shop", folder="/x", mode="root", runner=runner)


def pod(name: str, workload: str, namespace: str = "shop") -> PodState:
    return PodState(name=name, namespace=namespace, workload=workload, kind="Deployment")


def test_folder_is_not_to_be_looked_into_and_its_secrets_are_private(mesh: MeshState) -> None:
    assert mesh.folder.stat().st_mode & 0o777 == 0o711
    assert mesh.control.stat().st_mode & 0o777 == 0o700
    assert mesh.runtime.stat().st_mode & 0o777 == 0o700


def test_record_and_status_come_back_as_written(mesh: MeshState) -> None:
    written = record(ProcessId(7, 9))
    status = Status(phase="ready", pods=(pod("cart-1", "cart"),), notices=("note",))
    mesh.write_record(written)
    mesh.write_status(status)

    assert mesh.record() == written
    assert mesh.status() == status


def test_mesh_runs_while_its_runner_lives(mesh: MeshState) -> None:
    mesh.write_record(record(ProcessId.of(os.getpid())))

    assert mesh.running


def test_process_number_used_again_is_another_process(mesh: MeshState) -> None:
    own = ProcessId.of(os.getpid())
    mesh.write_record(record(ProcessId(own.pid, own.started - 1)))

    assert not mesh.running


def test_half_written_record_is_no_record(mesh: MeshState) -> None:
    (mesh.folder / "mesh.json").write_text("{")

    assert mesh.record() is None


@pytest.mark.parametrize("wanted", ["cart", "cart.shop", "cart-1", "cart-1.shop", "deploy/cart"])
def test_pod_is_found_by_workload_or_name(mesh: MeshState, wanted: str) -> None:
    mesh.write_status(Status(pods=(pod("front-1", "front"), pod("cart-1", "cart"))))

    assert find_pod(mesh, wanted).name == "cart-1"


def test_unknown_workload_is_refused_with_those_that_are_there(mesh: MeshState) -> None:
    mesh.write_status(Status(pods=(pod("front-1", "front"),)))

    with pytest.raises(LocalError, match=r"there are: front\.shop"):
        find_pod(mesh, "cart")


def test_removed_state_keeps_logs_and_authority(mesh: MeshState) -> None:
    mesh.write_status(Status())
    mesh.remove()

    assert sorted(path.name for path in mesh.folder.iterdir()) == ["control", "logs"]


def _status(*pods: PodState) -> Status:
    return Status(phase="running", pods=pods)


def _pod(**how: Any) -> PodState:
    return PodState("front-1", "shop", "front", "Deployment", **how)


def test_mesh_whose_other_pods_wait_in_vain_is_stuck() -> None:
    failed, unstartable = _pod(phase="Failed"), _pod(reason=f"{CANNOT_START}: no command")

    assert _status(_pod(ready=True), _pod(phase="Succeeded"), failed, unstartable).is_stuck


def test_mesh_with_a_pod_that_may_become_ready_is_not_stuck() -> None:
    assert not _status(_pod(phase="Failed"), _pod(reason="CrashLoopBackOff")).is_stuck
