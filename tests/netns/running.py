"""A mesh started by the command line, as a user starts it, and ways to ask it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from lateen.local.cleanup import marked_processes
from lateen.local.state import MeshState, PodState

T = TypeVar("T")
COMMAND = (sys.executable, "-m", "lateen")
DEADLINE_SECONDS = 40.0


@dataclass
class RunningMesh:
    folder: Path
    state: MeshState
    process: "subprocess.Popen[str]"
    environment: dict[str, str]

    def pods(self, workload: str) -> list[PodState]:
        return [pod for pod in self.state.status().pods if pod.workload == workload]

    def pod(self, workload: str) -> PodState:
        return wait_for(lambda: next(iter(self.pods(workload)), None), f"a pod of {workload}")

    def gateway(self) -> str:
        return f"http://{self.state.status().gateways[0].address}"

    def get(self, path: str = "/", **options: Any) -> httpx.Response:
        """Through the gateway."""
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.get(self.gateway() + path, **options)

    def call(self, url: str, path: str = "/call") -> Any:
        """The application `front` calls the URL; what it tells of that."""
        return self.get(path, params={"url": url}).json()["upstream"]

    def lateen(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return lateen(*words, environment=self.environment, check=check)

    def write(self, name: str, text: str) -> None:
        (self.folder / f".{name}").write_text(text)
        os.replace(self.folder / f".{name}", self.folder / name)

    def wait_ready(self) -> None:
        wait_for(lambda: self.state.status().phase == "ready", "everything ready", self.explain)

    def explain(self) -> str:
        log = self.state.runner_log
        return f"{self.state.status()}\n{log.read_text() if log.exists() else ''}"

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def running(folder: Path, state: Path, *options: str) -> Iterator[RunningMesh]:
    environment = {**os.environ, "LATEEN_STATE": str(state)}
    process = subprocess.Popen(
        (*COMMAND, "up", str(folder), "--name", "m", *options),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    mesh = RunningMesh(folder, MeshState(state / "m"), process, environment)
    try:
        wait_for(lambda: mesh.state.running or process.poll() is not None, "a runner")
        mesh.wait_ready()
        yield mesh
    finally:
        mesh.stop()
        lateen("down", "--name", "m", environment=environment, check=False)
        if process.stdout is not None:
            process.stdout.close()


def lateen(
    *words: str, environment: dict[str, str], check: bool = True
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*COMMAND, *words), env=environment, check=check, capture_output=True, text=True, timeout=90
    )


def wait_for(ask: Callable[[], T | None], what: str, explain: Callable[[], str] = lambda: "") -> T:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}\n{explain()}")


def processes(mesh: RunningMesh) -> list[int]:
    return [process.pid for process in marked_processes(mesh.state.folder)]


def child_of(pid: int, program: str) -> int:
    """The process of that program whose parent is `pid`; 0 when there is none."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and program.encode() in command:
            return int(entry.name)
    return 0


def as_json(text: str) -> Any:
    return json.loads(text)
