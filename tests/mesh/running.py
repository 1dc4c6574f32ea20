"""A real mesh for tests: `lateen up` on a folder, asked and changed as a user would.

Everything goes through the command line: what these tests use is what users have.
"""

import ipaddress
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

LATEEN = [sys.executable, "-m", "lateen"]
CLIENT = Path(__file__).with_name("requests_from_inside.py")
UP_SECONDS = 90
SETTLE_SECONDS = 20
FORGET_SECONDS = 2
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """One answer as the client saw it; `error` where there was none."""

    status: int = 0
    ms: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    protocol: str = ""
    error: str = ""

    @property
    def seen(self) -> dict[str, Any]:
        """What the echo application says it saw."""
        seen = json.loads(self.body)
        assert isinstance(seen, dict)
        return seen

    @property
    def version(self) -> str:
        return str(self.seen["version"]) if self.status == 200 else ""


@dataclass
class RunningMesh:
    """Owns a folder of manifests and the mesh that runs it."""

    folder: Path
    state: Path
    name: str
    mode: str
    switches: dict[str, str] = field(default_factory=dict)  # of the control plane: its environment

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"LATEEN_STATE": str(self.state)} | self.switches

    def lateen(
        self, *words: str, check: bool = True, stdin: str = "", seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*LATEEN, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self.environment,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"lateen {' '.join(words)} exited {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def up(self, *options: str) -> None:
        self.lateen(
            "up", str(self.folder), "--detach", "--name", self.name, "--mode", self.mode,
            *options, seconds=UP_SECONDS,
        )  # fmt: skip

    def down(self) -> None:
        self.lateen("down", "--name", self.name, seconds=60)

    def apply(self, file: str, text: str) -> None:
        """Puts a file in place as an editor does: written beside, then renamed."""
        half = self.folder / f".{file}.new"
        half.write_text(text)
        half.rename(self.folder / file)

    def remove(self, file: str) -> None:
        (self.folder / file).unlink(missing_ok=True)

    def calls(self, workload: str, url: str, **plan: Any) -> list[Answer]:
        """Requests sent in the place of a workload; see `requests_from_inside`."""
        seconds = plan.get("seconds", 0) + 60
        done = self.lateen(
            "exec", "--name", self.name, workload, "--", sys.executable, str(CLIENT),
            stdin=json.dumps({"url": url, **plan}), seconds=seconds,
        )  # fmt: skip
        return [Answer(**json.loads(line)) for line in done.stdout.splitlines()]

    def call(self, workload: str, url: str, **plan: Any) -> Answer:
        return self.calls(workload, url, **plan)[0]

    def settled(
        self, workload: str, url: str, holds: Callable[[Answer], bool], **plan: Any
    ) -> list[Answer]:
        """Asks until every one of a dozen answers holds.

        One answer tells nothing of the others: a service has several proxies, each changes in its
        own time, and a connection opened before the change keeps the old filters for one request.
        """
        return eventually(
            lambda: self.calls(workload, url, count=12, **plan),
            lambda answers: all(holds(answer) for answer in answers),
        )

    def record(self) -> dict[str, Any]:
        """What the mesh is: its mode, the processes of runner and control plane, addresses."""
        return self._shown()["record"]

    def pods(self, workload: str = "") -> list[dict[str, Any]]:
        found = self._shown()["status"]["pods"]
        return [pod for pod in found if workload in ("", pod["workload"])]

    def statuses(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Of Gateway API objects and Ingresses, by kind, namespace and name."""
        done = self.lateen("conditions", "--mesh", self.name, "-o", "json", check=False)
        return {
            (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each[
                "status"
            ]
            for each in json.loads(done.stdout)
        }

    def gateway(self, port: int, pod: str = "") -> str:
        """Where the gateway's service port is reached from this machine: `host:port`.

        `pod` names one of several gateways, `NAME.NAMESPACE`.
        """
        return next(
            str(entry["address"])
            for entry in self._shown()["status"]["gateways"]
            if entry["port"] == port and pod in ("", entry["pod"])
        )

    @property
    def host_address(self) -> str:
        """An address of this machine that the mesh's workloads can dial."""
        if self.mode == "explicit":
            return "127.0.0.1"
        pod = self.pods("client")[0]["address"]
        return str(ipaddress.ip_network(f"{pod}/20", strict=False)[1])

    def acknowledged(self) -> dict[tuple[str, str], str]:
        """Of each proxy and resource type, the last push that was acknowledged."""
        shown = eventually(  # the control plane may be starting again
            lambda: self.lateen("proxy-status", "--mesh", self.name, "-o", "json", check=False),
            lambda done: done.returncode == 0,
        )
        return {
            (proxy["proxy"], kind): status["acknowledged_nonce"]
            for proxy in json.loads(shown.stdout)
            for kind, status in proxy["types"].items()
        }

    def forget(self, files: Iterable[Path]) -> None:
        """Removes files, and waits until no proxy has what they brought."""
        before = self.acknowledged()
        for file in files:
            file.unlink()
        deadline = time.monotonic() + FORGET_SECONDS
        while self.acknowledged() == before and time.monotonic() < deadline:
            pass  # files that brought nothing take nothing away either
        eventually(lambda: [self.acknowledged() for _ in range(3)], same)

    def _shown(self) -> Any:
        done = self.lateen("status", "--name", self.name, "-o", "json")
        return json.loads(done.stdout)[0]

    def clean(self) -> None:
        self.lateen("down", "--name", self.name, check=False, seconds=60)
        shutil.rmtree(self.state, ignore_errors=True)


def calls_from_here(url: str, **plan: Any) -> list[Answer]:
    """Requests sent by this machine, outside the mesh; see `requests_from_inside`."""
    done = subprocess.run(
        [sys.executable, str(CLIENT)],
        input=json.dumps({"url": url, **plan}), text=True, capture_output=True, check=True,
        timeout=plan.get("seconds", 0) + 60,
    )  # fmt: skip
    return [Answer(**json.loads(line)) for line in done.stdout.splitlines()]


def eventually(
    ask: Callable[[], T], holds: Callable[[T], bool], seconds: float = SETTLE_SECONDS
) -> T:
    """Asks until the answer holds; fails with the last answer at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if holds(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true in {seconds} s; last: {answer!r}")


def same(values: list[T]) -> bool:
    return all(value == values[0] for value in values)


def lost(answers: Iterable[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.error or answer.status >= 500]
