"""The modes that need no root: the same mesh in a user namespace, and on loopback addresses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import manifests
from tests.netns.running import RunningMesh, as_json, processes, running, wait_for

pytestmark = [pytest.mark.root, pytest.mark.envoy]

IDENTITY = "spiffe://cluster.local/ns/shop/sa/front"
CALL = "import urllib.request as u; print(u.urlopen('http://back:8080/').read().decode())"


@pytest.fixture(scope="module", params=["userns", "explicit"])
def mesh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningMesh]:
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "shop.yaml").write_text(manifests.SMALL)
    with running(folder, tmp_path_factory.mktemp("state"), "--mode", request.param) as started:
        yield started


def test_gateway_leads_to_the_application_over_mutual_tls(mesh: RunningMesh) -> None:
    assert mesh.get("/").json()["caller"] == "spiffe://cluster.local/ns/shop/sa/default"


def test_applications_talk_over_mutual_tls_by_name(mesh: RunningMesh) -> None:
    assert mesh.call("http://back:8080/")["answer"]["caller"] == IDENTITY


def test_exec_runs_in_the_workloads_place(mesh: RunningMesh) -> None:
    answer = mesh.lateen("exec", "front", "--", "python3", "-c", CALL).stdout

    assert as_json(answer)["caller"] == IDENTITY


def test_exec_starts_in_the_workloads_directory(mesh: RunningMesh) -> None:
    assert mesh.lateen("exec", "front", "--", "pwd").stdout.strip() == str(mesh.folder.resolve())


def test_service_host_of_the_environment_is_reachable(mesh: RunningMesh) -> None:
    program = (
        "import os, socket\n"
        "talk = socket.create_connection((os.environ['BACK_SERVICE_HOST'], 9000))\n"
        "talk.sendall(b'hello\\n'); print(talk.recv(100).decode())"
    )
    answer = mesh.lateen("exec", "front", "--", "python3", "-c", program).stdout

    assert answer.startswith("back v1: hello")


def test_mode_says_what_it_lacks_and_the_remedy(mesh: RunningMesh) -> None:
    notices = mesh.state.status().notices

    assert notices
    assert all("root" in notice or "sysctl" in notice for notice in notices)


def test_two_meshes_run_side_by_side(mesh: RunningMesh, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "shop.yaml").write_text(manifests.SMALL)
    record = mesh.state.record()
    assert record is not None
    with running(folder, tmp_path / "s", "--mode", record.mode) as other:
        assert other.call("http://back:8080/")["answer"]["caller"] == IDENTITY
        assert other.gateway() != mesh.gateway()
        other.stop()
        assert processes(other) == []
    wait_for(lambda: mesh.call("http://back:8080/")["status"] == 200, "the first to go on")
