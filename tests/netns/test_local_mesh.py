"""What `lateen up` promises of a running mesh, shown on a real one in network namespaces."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import manifests
from tests.netns.running import (
    RunningMesh,
    as_json,
    child_of,
    processes,
    running,
    wait_for,
)

pytestmark = [pytest.mark.root, pytest.mark.envoy]

BACK = "http://back:8080/"
IDENTITY = "spiffe://cluster.local/ns/shop/sa/front"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "shop.yaml").write_text(manifests.SMALL)
    with running(folder, tmp_path_factory.mktemp("state"), "--mode", "root") as started:
        yield started


def answers(mesh: RunningMesh) -> bool:
    try:
        return bool(mesh.call(BACK).get("status") == 200)
    except (OSError, ValueError, KeyError):
        return False


def test_applications_talk_over_mutual_tls_by_name(mesh: RunningMesh) -> None:
    answer = mesh.call(BACK)["answer"]

    assert answer["workload"] == "back"
    assert answer["caller"] == IDENTITY


def test_tcp_service_is_reached_through_both_proxies(mesh: RunningMesh) -> None:
    assert mesh.call("tcp://back:9000")["answer"].startswith("back v1: ")


def test_application_can_call_itself_through_its_service(mesh: RunningMesh) -> None:
    assert mesh.call("http://front:8080/")["answer"]["caller"] == IDENTITY


def test_exec_runs_in_the_workloads_place(mesh: RunningMesh) -> None:
    program = "import urllib.request as u; print(u.urlopen('http://back:8080/').read().decode())"
    answer = mesh.lateen("exec", "front", "--", "python3", "-c", program).stdout

    assert as_json(answer)["caller"] == IDENTITY


def test_exec_starts_in_the_workloads_directory(mesh: RunningMesh) -> None:
    assert mesh.lateen("exec", "front", "--", "pwd").stdout.strip() == str(mesh.folder.resolve())


def test_status_shows_every_workload_ready(mesh: RunningMesh) -> None:
    content = as_json(mesh.lateen("status", "-o", "json").stdout)

    pods = content[0]["status"]["pods"]
    assert {pod["workload"]: pod["proxy"] for pod in pods} == {
        "gateway": "ready",
        "front": "ready",
        "back": "ready",
    }


def test_logs_of_workload_and_proxy_are_apart(mesh: RunningMesh) -> None:
    assert "front listens on" in mesh.lateen("logs", "front").stdout
    assert "listens on" not in mesh.lateen("logs", "front", "--proxy").stdout


def test_environment_knows_the_services_of_the_namespace(mesh: RunningMesh) -> None:
    answer = mesh.lateen("exec", "front", "--", "env").stdout

    assert "BACK_SERVICE_HOST=back.shop.svc.cluster.local" in answer
    assert "BACK_SERVICE_PORT=8080" in answer


@pytest.mark.parametrize("part", ["application", "agent", "envoy"])
def test_killed_part_of_a_pod_comes_back(mesh: RunningMesh, part: str) -> None:
    pod = mesh.pod("back")
    victim = {
        "application": pod.pid,
        "agent": pod.agent_pid,
        "envoy": child_of(pod.agent_pid, "envoy"),
    }[part]
    os.kill(victim, signal.SIGKILL)

    wait_for(lambda: not Path(f"/proc/{victim}").exists(), "its end")
    wait_for(lambda: mesh.pod("back").ready and answers(mesh), f"{part} to recover", mesh.explain)


def test_killed_control_plane_comes_back_and_traffic_goes_on(mesh: RunningMesh) -> None:
    record = mesh.state.record()
    assert record is not None
    os.kill(record.control.pid, signal.SIGKILL)

    assert answers(mesh)
    again = wait_for(
        lambda: next(
            (
                r
                for r in [mesh.state.record()]
                if r and r.control.alive and r.control != record.control
            ),
            None,
        ),
        "a new control plane",
    )
    assert again.control.pid != record.control.pid


def test_mistake_is_reported_with_line_and_remedy_and_changes_nothing(mesh: RunningMesh) -> None:
    text = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        "metadata: {name: back, namespace: shop}\n"
        "spec:\n  hosts: [back]\n  htpp: []\n"
    )
    mesh.write("routes.yaml", text)
    try:
        message = wait_for(
            lambda: next((line for line in mesh.state.status().messages if "htpp" in line), None),
            "the message",
            mesh.explain,
        )
        assert "routes.yaml:6" in message
        assert answers(mesh)
    finally:
        (mesh.folder / "routes.yaml").unlink()


def test_changed_file_changes_the_running_mesh(mesh: RunningMesh) -> None:
    text = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        "metadata: {name: back, namespace: shop}\n"
        "spec:\n  hosts: [back]\n  http: [{fault: {abort: {httpStatus: 418, percentage: "
        "{value: 100}}}, route: [{destination: {host: back}}]}]\n"
    )
    mesh.write("fault.yaml", text)
    try:
        wait_for(lambda: mesh.call(BACK)["status"] == 418, "the fault", mesh.explain)
    finally:
        (mesh.folder / "fault.yaml").unlink()
    wait_for(lambda: answers(mesh), "its end")


def test_changed_deployment_is_replaced_without_a_lost_request(mesh: RunningMesh) -> None:
    old = mesh.pod("back").name
    codes: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            codes.append(mesh.call(BACK).get("status", 0))
            time.sleep(0.005)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        changed = manifests.application("back", version="v2")
        mesh.write("shop.yaml", manifests.SMALL.replace(manifests.application("back"), changed))
        wait_for(
            lambda: (
                [pod.name for pod in mesh.pods("back")] not in ([], [old])
                and len(mesh.pods("back")) == 1
            ),
            "the replacement",
            mesh.explain,
        )
    finally:
        done.set()
        asking.join()
    assert mesh.call(BACK)["answer"]["version"] == "v2"
    assert set(codes) == {200}


def test_two_replicas_share_the_requests(mesh: RunningMesh) -> None:
    (mesh.folder / "more.yaml").write_text(manifests.application("many", replicas=2))
    wait_for(lambda: len([p for p in mesh.pods("many") if p.ready]) == 2, "two pods", mesh.explain)

    def both() -> bool:
        seen = {mesh.call("http://many:8080/")["answer"]["pod"] for _ in range(10)}
        return len(seen) == 2

    wait_for(both, "answers of both pods")
    (mesh.folder / "more.yaml").unlink()
    wait_for(lambda: not mesh.pods("many"), "their end", mesh.explain)


def test_failing_liveness_probe_restarts_the_container(mesh: RunningMesh) -> None:
    probe = (
        "livenessProbe: {exec: {command: [sh, -c, 'exit 1']}, periodSeconds: 1, "
        "failureThreshold: 1}"
    )
    (mesh.folder / "sick.yaml").write_text(manifests.application("sick", extra=probe))
    try:
        wait_for(lambda: any(p.restarts for p in mesh.pods("sick")), "a restart", mesh.explain)
    finally:
        (mesh.folder / "sick.yaml").unlink()
    wait_for(lambda: not mesh.pods("sick"), "its end", mesh.explain)


def test_job_calls_through_its_proxy_ends_it_and_keeps_the_exit_code(mesh: RunningMesh) -> None:
    script = "import sys, urllib.request as u; u.urlopen('http://back:8080/'); sys.exit(7)"
    (mesh.folder / "job.yaml").write_text(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once, namespace: shop}\n"
        "spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n"
        "      containers:\n      - name: main\n        image: example/once\n"
        f'        command: [python3, -c, "{script}"]\n'
    )
    try:
        pod = wait_for(
            lambda: next((p for p in mesh.pods("once") if p.exit_code is not None), None),
            "the job's end",
            mesh.explain,
        )
        assert (pod.phase, pod.exit_code) == ("Failed", 7)
        wait_for(lambda: not mesh.pod("once").agent_pid, "its proxy's end", mesh.explain)
    finally:
        (mesh.folder / "job.yaml").unlink()


def test_pods_of_a_stateful_set_have_names_and_start_in_order(mesh: RunningMesh) -> None:
    text = manifests.application("db", replicas=2).replace("kind: Deployment", "kind: StatefulSet")
    text = text.replace("spec: {selector: {app: db}", "spec: {clusterIP: None, selector: {app: db}")
    text = text.replace("  replicas: 2", "  replicas: 2\n  serviceName: db")
    (mesh.folder / "db.yaml").write_text(text)
    try:
        wait_for(lambda: len([p for p in mesh.pods("db") if p.ready]) == 2, "both", mesh.explain)
        for name in ("db-0", "db-1"):
            answer = wait_for(
                lambda: mesh.call(f"http://{name}.db:8080/").get("answer"),  # noqa: B023
                "an answer",
                mesh.explain,
            )
            assert answer["pod"] == name
    finally:
        (mesh.folder / "db.yaml").unlink()
    wait_for(lambda: not mesh.pods("db"), "their end", mesh.explain)


def test_image_without_command_is_reported_with_the_remedy(mesh: RunningMesh) -> None:
    text = manifests.application("bare").replace(
        "        command: [lateen, echo, --http=8080, --tcp=9000]\n", ""
    )
    (mesh.folder / "bare.yaml").write_text(text)
    try:
        message = wait_for(
            lambda: next(
                (line for line in mesh.state.status().messages if "no command" in line), None
            ),
            "the message",
        )
        assert "bare.yaml:" in message
        assert "images: [{image: example/bare:v1, command: [PROGRAM, ARGUMENT]}]" in message
    finally:
        (mesh.folder / "bare.yaml").unlink()
    wait_for(lambda: not mesh.pods("bare"), "its end", mesh.explain)


def test_environment_references_are_resolved(mesh: RunningMesh) -> None:
    lines = (
        "env:\n"
        "- {name: ADDRESS, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n"
        "- {name: WORKLOAD, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}\n"
        "- {name: VERSION, valueFrom: {configMapKeyRef: {name: config, key: version}}}\n"
        "- {name: SECRET, valueFrom: {secretKeyRef: {name: secret, key: word}}}\n"
        '- {name: BOTH, value: "$(VERSION)-$(SECRET)"}'
    )
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: shop}\n"
        "data: {version: v9}\n---\napiVersion: v1\nkind: Secret\n"
        "metadata: {name: secret, namespace: shop}\ndata: {word: aGlkZGVu}\n---\n"
    )
    (mesh.folder / "env.yaml").write_text(config + manifests.application("env", extra=lines))
    try:
        wait_for(lambda: any(p.ready for p in mesh.pods("env")), "a ready pod", mesh.explain)
        environment = mesh.lateen("exec", "env", "--", "env").stdout.splitlines()
        assert f"ADDRESS={mesh.pod('env').address}" in environment
        assert {"WORKLOAD=env", "VERSION=v9", "SECRET=hidden", "BOTH=v9-hidden"} <= set(environment)
    finally:
        (mesh.folder / "env.yaml").unlink()


def test_stopped_mesh_leaves_no_process_link_or_file(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "shop.yaml").write_text(manifests.SMALL)
    with running(folder, tmp_path / "s", "--mode", "root") as mesh:
        record = mesh.state.record()
        assert record is not None
        assert mesh.stop() == 0

        assert processes(mesh) == []
        assert not Path(f"/sys/class/net/{record.bridge}").exists()
        assert sorted(p.name for p in mesh.state.folder.iterdir()) == ["control", "lock", "logs"]


def test_down_cleans_up_after_a_killed_runner(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "shop.yaml").write_text(manifests.SMALL)
    with running(folder, tmp_path / "s", "--mode", "root") as mesh:
        record = mesh.state.record()
        assert record is not None
        os.kill(record.runner.pid, signal.SIGKILL)
        mesh.process.wait(30)

        mesh.lateen("down", "--name", "m")
        assert processes(mesh) == []
        assert not Path(f"/sys/class/net/{record.bridge}").exists()
        assert not (mesh.state.folder / "pods").exists()


def test_next_start_cleans_up_after_a_killed_runner(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "shop.yaml").write_text(manifests.SMALL)
    with running(folder, tmp_path / "s", "--mode", "root") as mesh:
        before = mesh.state.record()
        assert before is not None
        os.kill(before.runner.pid, signal.SIGKILL)
        mesh.process.wait(30)

        with running(folder, tmp_path / "s", "--mode", "root") as again:
            assert answers(again)
            after = again.state.record()
            assert after is not None
            assert after.bridge == before.bridge


def test_mesh_stops_with_whoever_started_it(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "shop.yaml").write_text(manifests.SMALL)
    with running(folder, tmp_path / "s", "--mode", "root") as mesh:
        mesh.process.kill()

        wait_for(lambda: processes(mesh) == [], "the end of all its processes")


def test_mesh_whose_state_was_removed_stops(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "shop.yaml").write_text(manifests.SMALL)
    with running(folder, tmp_path / "s", "--mode", "root") as mesh:
        record = mesh.state.record()
        assert record is not None
        shutil.rmtree(mesh.state.folder, ignore_errors=True)

        wait_for(lambda: processes(mesh) == [], "the end of all its processes")
        assert not Path(f"/sys/class/net/{record.bridge}").exists()
