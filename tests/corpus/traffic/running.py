"""The corpus's mesh while it runs: configuration put in place and taken away, calls sent.

A change is in force when every proxy has acknowledged what it was told of it. A marker tells which
that is: a service that comes with each change, so that every proxy is told of something.
"""

import itertools
import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.mesh.running import LATEEN, RunningMesh

CLIENT = Path(__file__).with_name("client.py")
CHANGE_FILE = "case.yaml"
MESH_CONFIG_FILE = "mesh-config.yaml"
INGRESS = "istio-ingressgateway.istio-system"
SETTLE_SECONDS = 10
QUIET_SECONDS = 0.15  # longer than the control plane gathers changes
ANSWER_SECONDS = 60

MARKER = """\
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: marker, namespace: echo}}
spec:
  hosts: [marker-{number}.example.com]
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP}}]
"""


def write_mesh_config(folder: Path, config: dict[str, Any]) -> None:
    """As an editor does: beside, then renamed."""
    metadata = {"name": "istio", "namespace": "istio-system"}
    data = {"mesh": yaml.safe_dump(config)}
    half = folder / f".{MESH_CONFIG_FILE}.new"
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    half.write_text(yaml.safe_dump(document))
    half.rename(folder / MESH_CONFIG_FILE)


class TrafficMesh:
    """Owns the clients that it has started in workloads' places."""

    def __init__(self, mesh: RunningMesh, mesh_config: dict[str, Any] | None = None) -> None:
        """`mesh_config`: what stands in the mesh's own file, see `write_mesh_config`."""
        self._mesh = mesh
        self._mesh_config = mesh_config or {}
        self._clients: dict[str, subprocess.Popen[str]] = {}
        self._numbers = itertools.count()
        self._applied = ("", "")
        self._gateways: dict[int, tuple[str, int]] = {}
        self._pods = mesh.pods()
        admin = str(mesh.record()["admin"])
        socket = admin.removeprefix("unix:") if admin.startswith("unix:") else None
        self._admin = httpx.Client(
            transport=httpx.HTTPTransport(uds=socket) if socket else None,
            base_url="http://admin" if socket else f"http://{admin}",
            trust_env=False,
        )

    def close(self) -> None:
        self._admin.close()
        for client in self._clients.values():
            client.kill()
            client.communicate()

    def address(self, workload: str, namespace: str) -> str:
        """Of a pod of the workload, by its Service's name."""
        return next(
            str(pod["address"])
            for pod in self._pods
            if pod["namespace"] == namespace and pod["workload"].removesuffix("-v1") == workload
        )

    def _place(self, caller: str) -> str:
        """The pod's workload as `lateen exec` takes it."""
        service, _, namespace = caller.partition(".")
        names = {pod["workload"] for pod in self._pods if pod["namespace"] == namespace}
        name = service if service in names else f"{service}-v1"
        return f"{name}.{namespace}"

    def gateway(self, port: int) -> tuple[str, int]:
        if port not in self._gateways:
            host, _, number = self._mesh.gateway(port, INGRESS).rpartition(":")
            self._gateways[port] = (host, int(number))
        return self._gateways[port]

    def cluster_ip(self, hostname: str) -> str:
        for service in self._admin.get("/debug/registryz").json():
            if service["hostname"] == hostname and service["addresses"]:
                return str(service["addresses"][0])
        raise AssertionError(f"no service {hostname}")

    def configure(self, text: str, mesh_config: str = "") -> None:
        """Replaces the case's configuration, and waits until all proxies have taken it up.

        `mesh_config` is laid over the mesh's own, which comes back with the next case.
        """
        if (text, mesh_config) == self._applied:
            return
        before = self._nonces()
        if mesh_config != self._applied[1]:
            whole = self._mesh_config | (yaml.safe_load(mesh_config) or {} if mesh_config else {})
            write_mesh_config(self._mesh.folder, whole)
        self._mesh.apply(CHANGE_FILE, text + "\n" + MARKER.format(number=next(self._numbers)))
        self._applied = (text, mesh_config)
        deadline = time.monotonic() + SETTLE_SECONDS
        quiet_since, last = time.monotonic(), before
        while time.monotonic() < deadline:
            now = self._nonces()
            moved = all(now[proxy]["CDS"] != before[proxy]["CDS"] for proxy in now)
            if now != last or not moved or not self._settled:
                quiet_since, last = time.monotonic(), now
            elif time.monotonic() - quiet_since > QUIET_SECONDS:
                return
            time.sleep(0.03)
        raise AssertionError(f"proxies did not take up the change: {self._unsettled}")

    def _nonces(self) -> dict[str, dict[str, str]]:
        proxies = self._admin.get("/debug/syncz").json()
        self._unsettled = [
            f"{proxy['proxy']} {kind}: {status['state']} {status['reason']}"
            for proxy in proxies
            for kind, status in proxy["types"].items()
            if status["state"] in ("STALE", "ERROR")
        ]
        self._settled = not any(" STALE" in each for each in self._unsettled)
        return {
            proxy["proxy"]: {kind: each["sent_nonce"] for kind, each in proxy["types"].items()}
            for proxy in proxies
        }

    @property
    def rejected(self) -> list[str]:
        """What proxies refused, and what the control plane could not translate."""
        self._nonces()
        failures = self._admin.get("/debug/push_status").json().get("failures", {})
        return [*(each for each in self._unsettled if "ERROR" in each), *map(str, failures)]

    def send(self, workload: str, call: dict[str, Any]) -> list[dict[str, Any]]:
        """From the workload's place; from this machine when the workload is the gateway."""
        return self.send_all([(workload, call)])[0]

    def send_all(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> list[list[dict[str, Any]]]:
        """The same for many at once, each from its workload; the answers are in their order."""
        of_caller: dict[str, list[int]] = {}
        for index, (workload, _) in enumerate(calls):
            of_caller.setdefault(workload, []).append(index)
        for workload, indices in of_caller.items():
            self._ask(self._client(workload), [calls[index][1] for index in indices])
        found: dict[int, list[dict[str, Any]]] = {}
        for workload, indices in of_caller.items():
            found |= zip(indices, self._answers(workload), strict=True)
        return [found[index] for index in range(len(calls))]

    def _ask(self, client: "subprocess.Popen[str]", calls: list[dict[str, Any]]) -> None:
        assert client.stdin is not None
        client.stdin.write(json.dumps(calls) + "\n")
        client.stdin.flush()

    def _answers(self, workload: str) -> list[list[dict[str, Any]]]:
        client = self._clients[workload]
        assert client.stdout is not None
        ready, _, _ = select.select([client.stdout], [], [], ANSWER_SECONDS)
        line = client.stdout.readline() if ready else ""
        if not line:
            client.kill()
            _, trouble = client.communicate()
            del self._clients[workload]
            raise AssertionError(f"the client in {workload} gave no answer: {trouble[-600:]}")
        answers = json.loads(line)
        assert isinstance(answers, list)
        return answers

    def _client(self, workload: str) -> "subprocess.Popen[str]":
        if workload not in self._clients:
            command = [sys.executable, str(CLIENT)]
            if workload != "ingressgateway":
                place = self._place(workload)
                command = [*LATEEN, "exec", "--name", self._mesh.name, place, "--", *command]
            self._clients[workload] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self._mesh.environment,
            )
        return self._clients[workload]
