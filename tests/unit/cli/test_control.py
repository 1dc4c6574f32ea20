"""`lateen control` as a process: ready, following the folder, leaving in order."""

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SECONDS = 20
SERVICE = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: [{name}.mesh.internal]
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  endpoints: [{{address: 10.1.0.7}}]
"""


def until(claim: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not claim():
        assert time.monotonic() < deadline, f"it did not happen: {what}"
        time.sleep(0.02)


def listening_port(process: subprocess.Popen[bytes], log: Path, what: str) -> int:
    found = ""

    def logged() -> bool:
        nonlocal found
        lines = [line for line in log.read_text().splitlines() if what in line]
        found = lines[0].rpartition(":")[2] if lines else ""
        assert process.poll() is None, log.read_text()
        return bool(found)

    until(logged, what)
    return int(found)


@contextmanager
def control(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lateen.cli.main", "control", "-f", str(folder),
             "--xds-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0",
             "--log-level", "info", "--state", str(log.parent / "state")],
            stderr=output,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait(SECONDS)


def page(port: int, path: str, token: Path = Path("/none")) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    headers = {"authorization": f"Bearer {token.read_text()}"} if token.exists() else {}
    connection.request("GET", path, headers=headers)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def hostnames(port: int, token: Path) -> list[str]:
    return [service["hostname"] for service in json.loads(page(port, "/debug/registryz", token))]


def test_it_serves_follows_the_folder_and_leaves_in_order(tmp_path: Path) -> None:
    folder, log = tmp_path / "mesh", tmp_path / "log"
    folder.mkdir()
    (folder / "a.yaml").write_text(SERVICE.format(name="a"))
    with control(folder, log) as process:
        port = listening_port(process, log, "serving the admin interface")
        listening_port(process, log, "serving discovery")
        until(lambda: page(port, "/ready") == "ready\n", "it is ready")
        (folder / "b.yaml").write_text(SERVICE.format(name="b"))
        token = tmp_path / "state" / "admin-token"
        until(
            lambda: hostnames(port, token) == ["a.mesh.internal", "b.mesh.internal"], "b is known"
        )
        (folder / "b.yaml").write_text(SERVICE.format(name="b").replace("STATIC", "SOMEHOW"))
        until(lambda: "error: " in log.read_text(), "the mistake is printed")
        assert f"{folder}/b.yaml:7" in log.read_text()
        assert "b.mesh.internal" in hostnames(port, token)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "name a folder"),
        (("-f", ".", "--xds-address", "0.0.0.0:15010"), "loopback only"),
        (("-f", ".", "--secure-xds-address", "15012"), "write HOST:PORT"),
        (("-f", ".", "--admin-address", "0.0.0.0:15014"), "--admin-identity"),
        (("-f", ".", "--authentication", "/nowhere"), "cannot read /nowhere"),
    ],
)
def test_wrong_usage_is_named_with_its_remedy(words: tuple[str, ...], reason: str) -> None:
    command = [sys.executable, "-m", "lateen.cli.main", "control", *words]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 2
    assert reason in done.stderr.decode()
