"""Servers beside the mesh, at an address that its workloads can reach."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

START_SECONDS = 20


class Outside:
    """One echo application a name, each on ports of its own; none knows anything of the mesh."""

    def __init__(self, address: str, *names: str, certificate: Path | None = None) -> None:
        self.address = address
        self.http = {name: free_port(address) for name in names}
        self.https = {name: free_port(address) for name in names} if certificate else {}
        self._certificate = certificate
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for name in self.http:
            self._running[name] = subprocess.Popen(
                self._command(name), env={"WORKLOAD": name, "PATH": os.environ["PATH"]}
            )
        for port in (*self.http.values(), *self.https.values()):
            wait_for(self.address, port)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in list(self._running):
            self.stop(name)

    def stop(self, name: str) -> None:
        server = self._running.pop(name)
        server.terminate()
        server.wait(10)

    def _command(self, name: str) -> list[str]:
        command = [sys.executable, "-m", "lateen", "echo"]
        command += [f"--bind={self.address}", f"--http={self.http[name]}"]
        if self._certificate:
            command += [f"--https={self.https[name]}", f"--certificate={self._certificate}"]
        return command


def free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(address: str, port: int) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
        else:
            return
