"""How fast a mesh on one machine starts and follows a change, and what it weighs.

    .venv/bin/python -m benchmarks.local_mesh [--mode root] [--starts 3] [--changes 40]

start    `lateen up examples/threat-modeling --check`: 6 services, 8 workloads, a gateway, to the
         last of the example's requests checked, and all stopped again. Budget 10 s.
change   the timeout of a VirtualService, in a file put in place by rename, until the control plane
         has the acknowledgement of every proxy that has its route (`/debug/syncz`). Budget of the
         99th percentile 250 ms. `sent` is when the last of them had been written to.
memory   PSS and private memory of control plane, agents and Envoys, beside an Envoy that has no
         configuration. A proxy scoped to 20 services may weigh 1.10 times the empty one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import machine, middle, percentile, print_table, verdict
from benchmarks.processes import Memory, envoy_of, memory
from lateen.envoy import schema
from lateen.local import unix_http
from tests.mesh.running import RunningMesh, eventually

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "threat-modeling"
START_BUDGET_SECONDS = 10.0
CHANGE_BUDGET_SECONDS = 0.250
MEMORY_BUDGET = 1.10
ROUTES = "RDS"
CHANGED_HOST = '"name": "report-service.'
CHANGED = "timeout-configuration.yaml"
POLL_SECONDS = 0.002
PAUSE_SECONDS = 0.2  # between changes, so that each is measured alone
SCOPED_SERVICES = 20


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    print(machine())
    work = Path(tempfile.mkdtemp(prefix="lateen-bench-"))
    folder = work / "example"
    shutil.copytree(EXAMPLE, folder)
    mesh = RunningMesh(folder, work / "state", f"bench{os.getpid()}", options.mode)
    try:
        _starts(mesh, options.starts)
        (folder / "scoped.yaml").write_text(_scoped_workload())
        mesh.up()
        with _empty_envoy(work) as empty:
            _changes(mesh, options.changes)
            _memory(mesh, empty)
        return 0
    finally:
        mesh.clean()
        shutil.rmtree(work, ignore_errors=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="start, change and memory of a local mesh")
    parser.add_argument("--mode", default="root", choices=("root", "userns", "explicit"))
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--changes", type=int, default=40)
    return parser.parse_args(arguments)


# -- start -----------------------------------------------------------------------------------------


def _starts(mesh: RunningMesh, count: int) -> None:
    seconds = []
    for _ in range(count):
        began = time.monotonic()
        done = mesh.lateen(
            "up", str(mesh.folder), "--check", "--name", mesh.name, "--mode", mesh.mode, seconds=90
        )
        seconds.append(time.monotonic() - began)
        checked = sum(line.startswith("ok ") for line in done.stdout.splitlines())
    print(f"\nup --check, {count} runs: {', '.join(f'{one:.1f}' for one in seconds)} s "
          f"({checked} requests checked, stopping included); slowest to budget: "
          f"{verdict(max(seconds) / START_BUDGET_SECONDS, 1.0)}")  # fmt: skip


# -- change ----------------------------------------------------------------------------------------


def _changes(mesh: RunningMesh, count: int) -> None:
    file = next(mesh.folder.rglob(CHANGED))
    place = str(file.relative_to(mesh.folder).parent / file.name)
    admin = Path(mesh.record()["admin"].removeprefix("unix:"))
    text = file.read_text()
    reached, sent, numbers = [], [], set()
    for number in range(count):
        before = _routes(admin)
        time.sleep(PAUSE_SECONDS)
        began = time.monotonic()
        _put(file, text.replace("timeout: 30s", f"timeout: {31 + number}s"))
        first_sent, acknowledged, proxies = _until_acknowledged(admin, before, began)
        sent.append(first_sent)
        reached.append(acknowledged)
        numbers.add(proxies)
    print_table(
        f"{count} changes of {place}, each to {'/'.join(map(str, sorted(numbers)))} proxies",
        ("milliseconds", "p50", "p99", "slowest"),
        [
            (name, *(f"{1000 * value:.0f}" for value in (
                percentile(values, 50), percentile(values, 99), max(values))))
            for name, values in (("sent to the last", sent), ("acknowledged by the last", reached))
        ],
    )  # fmt: skip
    ratio = percentile(reached, 99) / CHANGE_BUDGET_SECONDS
    print(f"99th percentile to budget: {verdict(ratio, 1.0)}")
    _check_reached(mesh, f"{30 + count}s")


def _check_reached(mesh: RunningMesh, timeout: str) -> None:
    """Every Envoy that has routes of the service must have the last timeout: no change is fast
    that leaves somebody out."""
    for pod in mesh.pods():
        if pod["admin"]:
            dump = unix_http.get(Path(pod["admin"]), "/config_dump?resource=dynamic_route_configs")
            if CHANGED_HOST in dump and f'"{timeout}"' not in dump:
                raise AssertionError(f"the proxy of {pod['name']} does not have the last change")


def _until_acknowledged(
    admin: Path, before: dict[str, tuple[str, str]], began: float
) -> tuple[float, float, int]:
    """Seconds until the last proxy was sent its routes, and until the last took them; how many.

    Which proxies a change concerns is the control plane's business: those are counted to which
    anything was sent by the time that all have acknowledged, and for a while after.
    """
    sent = acknowledged = 0.0
    touched: set[str] = set()
    settled_since = 0.0
    while True:
        now = time.monotonic() - began
        routes = _routes(admin)
        new = {proxy for proxy, nonces in routes.items() if nonces[0] != before[proxy][0]}
        done = bool(new) and all(routes[proxy][0] == routes[proxy][1] for proxy in new)
        if new - touched:
            touched |= new
            sent, settled_since = now, 0.0
        if done and not settled_since:
            acknowledged, settled_since = now, now
        if done and now - settled_since > PAUSE_SECONDS:
            return sent, acknowledged, len(touched)
        if now > 10:
            raise AssertionError(f"no acknowledgement of {sorted(new)} in {now:.0f} s: {routes}")
        time.sleep(POLL_SECONDS)


def _routes(admin: Path) -> dict[str, tuple[str, str]]:
    """Of every proxy that has routes: the last nonce it was sent and the last it took."""
    found = json.loads(unix_http.get(admin, "/debug/syncz"))
    return {
        one["proxy"]: (routes["sent_nonce"], routes["acknowledged_nonce"])
        for one in found
        if (routes := one["types"][ROUTES])["sent_nonce"]
    }


def _put(file: Path, text: str) -> None:
    half = file.with_name(f".{file.name}.new")
    half.write_text(text)
    half.rename(file)


# -- memory ----------------------------------------------------------------------------------------


def _memory(mesh: RunningMesh, empty: int) -> None:
    record, pods = mesh.record(), mesh.pods()
    agents = [int(pod["agent_pid"]) for pod in pods if pod["agent_pid"]]
    scoped = next(int(pod["agent_pid"]) for pod in pods if pod["namespace"] == "scoped")
    of_empty = memory(empty)
    rows = [
        ("control plane", [memory(record["control"]["pid"])]),
        ("runner", [memory(record["runner"]["pid"])]),
        ("agents", [memory(agent) for agent in agents]),
        ("Envoys", [memory(envoy_of(agent)) for agent in agents]),
        (f"Envoy scoped to {SCOPED_SERVICES} services", [memory(envoy_of(scoped))]),
        ("Envoy without configuration", [of_empty]),
    ]
    print_table(
        "memory in MB, each (median)",
        ("process", "count", "PSS", "private", "private to empty Envoy"),
        [
            (
                name,
                str(len(found)),
                f"{middle(one.pss for one in found):.1f}",
                f"{_private(found):.1f}",
                f"{_private(found) / of_empty.private:.2f}",
            )
            for name, found in rows
        ],
    )
    weight = memory(envoy_of(scoped))
    print(f"{SCOPED_SERVICES} services to empty Envoy: "
          f"PSS {verdict(weight.pss / of_empty.pss, MEMORY_BUDGET)}, "
          f"private {weight.private / of_empty.private:.2f}")  # fmt: skip


def _private(found: list[Memory]) -> float:
    return middle(one.private for one in found)


@contextmanager
def _empty_envoy(work: Path) -> Iterator[int]:
    """An Envoy that listens on nothing, started as the mesh starts its own."""
    config = work / "empty.json"
    config.write_text(json.dumps({"node": {"id": "empty", "cluster": "empty"}}))
    process = subprocess.Popen(
        [
            str(schema.binary()), "-c", str(config), "--concurrency", "1",
            "--disable-hot-restart", "--log-level", "error",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually(lambda: _threads(process.pid), lambda names: "wrk:worker_0" in names)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def _threads(pid: int) -> set[str]:
    return {path.read_text().strip() for path in Path(f"/proc/{pid}/task").glob("*/comm")}


def _scoped_workload() -> str:
    """A workload whose Sidecar admits its own namespace: 20 services with two endpoints each."""
    names = [f"service-{number}" for number in range(SCOPED_SERVICES)]
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "scoped", "labels": {"istio-injection": "enabled"}},
        },
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Sidecar",
            "metadata": {"name": "default", "namespace": "scoped"},
            "spec": {"egress": [{"hosts": ["./*"]}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "client", "namespace": "scoped"},
            "spec": {
                "selector": {"matchLabels": {"app": "client"}},
                "template": {
                    "metadata": {"labels": {"app": "client"}},
                    "spec": {
                        "containers": [
                            {
                                "name": "client",
                                "image": "benchmark/client",
                                "command": ["lateen", "echo", "--http=8080"],
                            }
                        ]
                    },
                },
            },
        },
        *(_service_entry(name, number) for number, name in enumerate(names)),
    ]
    return "---\n".join(json.dumps(document) + "\n" for document in documents)


def _service_entry(name: str, number: int) -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": name, "namespace": "scoped"},
        "spec": {
            "hosts": [f"{name}.scoped.svc.cluster.local"],
            "addresses": [f"198.51.100.{number + 1}"],
            "location": "MESH_INTERNAL",
            "resolution": "STATIC",
            "exportTo": ["."],
            "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}],
            "endpoints": [{"address": f"203.0.113.{2 * number + one}"} for one in (1, 2)],
        },
    }


if __name__ == "__main__":
    sys.exit(main())
