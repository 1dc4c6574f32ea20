"""What a request through the mesh costs: Lateen's sidecar pair, no proxy, and a minimal pair.

    .venv/bin/python -m benchmarks.data_plane [--rounds 20] [--connections 8]

Needs root, and `wrk` (Debian: apt-get install wrk). One client pod, one server pod, each in its
network namespace; the application is an Envoy that answers 1 KiB by itself.

    direct       wrk -> application
    configured   wrk -> client's sidecar -> mutual TLS -> server's sidecar -> application
    minimal      the same through two Envoys written by hand (`minimal_pair`), in the same pods
    null         a second such pair: how far two equal things seem to differ

They take turns in slices of one second within one run; only ratios within it mean anything. First
with the mesh as it is by default, then with an access log and an authorization policy.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import minimal_pair
from benchmarks.figures import machine, middle, print_table, verdict
from benchmarks.processes import envoy_of, running_with
from lateen.envoy import schema
from tests.mesh.running import Answer, RunningMesh, eventually

APPLICATION, DIRECT = 8080, 8081
ENTRY, DOOR = 9001, 9002
NULL_ENTRY, NULL_DOOR = 9003, 9004
POLICED_BUDGET, DEFAULT_BUDGET = 1.25, 1.10
SIDES = ("client", "server")
SETTLE_SECONDS = 0.05

WORKLOADS = """
apiVersion: v1
kind: Namespace
metadata: {name: bench, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: client, namespace: bench}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: server, namespace: bench}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: bench}
spec:
  selector: {app: server}
  ports: [{name: http, port: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: server-pods, namespace: bench}
spec:
  clusterIP: None
  selector: {app: server}
  ports: [{name: tcp-direct, port: 8081}]
"""

STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: bench}
spec: {mtls: {mode: STRICT}}
"""

POLICY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: server, namespace: bench}
spec:
  selector: {matchLabels: {app: server}}
  action: ALLOW
  rules:
  - from: [{source: {principals: [cluster.local/ns/bench/sa/client]}}]
    to: [{operation: {methods: [GET], paths: [/, /seen]}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |-
    accessLogFile: /dev/stdout
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way from client to application, and the proxies on it."""

    name: str
    url: str
    proxies: tuple[int, ...]  # processes at the client's side and at the server's


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if os.geteuid() != 0 or shutil.which("wrk") is None:
        print("needs root and wrk (Debian: apt-get install wrk)", file=sys.stderr)
        return 2
    print(machine())
    work = Path(tempfile.mkdtemp(prefix="lateen-bench-"))
    folder = work / "manifests"
    folder.mkdir()
    mesh = RunningMesh(folder, work / "state", f"bench{os.getpid()}", "root")
    try:
        configurations = _write_manifests(folder, work)
        mesh.up()
        paths = _paths(mesh, configurations)
        kept = [_phase("defaults", mesh, paths, options, DEFAULT_BUDGET)]
        mesh.apply("policy.yaml", POLICY)
        _wait_until_policed(mesh)
        kept.append(
            _phase("access log and authorization policy", mesh, paths, options, POLICED_BUDGET)
        )
        return 0 if all(kept) or not options.strict else 1
    finally:
        if options.keep:
            print(f"the mesh goes on: LATEEN_STATE={mesh.state} lateen down --name {mesh.name}")
        else:
            mesh.clean()
            shutil.rmtree(work, ignore_errors=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20, help="slices of each path")
    parser.add_argument("--connections", type=int, default=8, help="requests at once")
    parser.add_argument("--seconds", type=int, default=1, help="length of a slice")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a budget is missed")
    parser.add_argument("--keep", action="store_true", help="leave the mesh running")
    return parser.parse_args(arguments)


# -- the mesh --------------------------------------------------------------------------------------


def _write_manifests(folder: Path, work: Path) -> dict[str, Path]:
    """Returns the configuration files of the Envoys written by hand, by their role."""
    authority = minimal_pair.new_authority()
    client = minimal_pair.issue(work, "spiffe://cluster.local/ns/bench/sa/client", authority)
    server = minimal_pair.issue(work, "spiffe://cluster.local/ns/bench/sa/server", authority)
    files = {
        name: work / f"{name}.json"
        for name in ("application", "client", "server", "null-client", "null-server")
    }
    minimal_pair.write_application(files["application"], (APPLICATION, DIRECT))
    for role, entry, door in (("", ENTRY, DOOR), ("null-", NULL_ENTRY, NULL_DOOR)):
        minimal_pair.write_client(
            files[f"{role}client"],
            entry=entry,
            door=door,
            server="server-pods.bench.svc.cluster.local",
            certificates=client,
        )
        minimal_pair.write_server(
            files[f"{role}server"], door=door, application=APPLICATION, certificates=server
        )
    (folder / "workloads.yaml").write_text(WORKLOADS)
    (folder / "strict.yaml").write_text(STRICT)
    past = f"{DIRECT},{DOOR},{NULL_DOOR}"
    for name, roles, direction in (
        ("server", ("application", "server", "null-server"), "Inbound"),
        ("client", ("client", "null-client"), "Outbound"),
    ):
        deployment = _deployment(
            name, {role: files[role] for role in roles}, f"exclude{direction}Ports", past
        )
        (folder / f"{name}.yaml").write_text(json.dumps(deployment, indent=1))
    return files


def _deployment(name: str, envoys: dict[str, Path], annotation: str, past: str) -> dict[str, Any]:
    labels = {"app": name}
    binary = schema.binary()
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "bench"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {
                    "labels": labels,
                    "annotations": {f"traffic.sidecar.istio.io/{annotation}": past},
                },
                "spec": {
                    "serviceAccountName": name,
                    "containers": [
                        {
                            "name": role,
                            "image": "benchmark/envoy",
                            "command": minimal_pair.command(binary, path),
                        }
                        for role, path in envoys.items()
                    ],
                },
            },
        },
    }


def _paths(mesh: RunningMesh, configurations: dict[str, Path]) -> tuple[Way, ...]:
    agents = {pod["workload"]: int(pod["agent_pid"]) for pod in mesh.pods()}
    written = {role: running_with(str(path)) for role, path in configurations.items()}
    return (
        Way("direct", f"http://server-pods:{DIRECT}/", ()),
        Way("minimal", f"http://127.0.0.1:{ENTRY}/", (written["client"], written["server"])),
        Way(
            "configured",
            f"http://server:{APPLICATION}/",
            (envoy_of(agents["client"]), envoy_of(agents["server"])),
        ),
        Way(
            "null",
            f"http://127.0.0.1:{NULL_ENTRY}/",
            (written["null-client"], written["null-server"]),
        ),
    )


# -- before measuring: do the paths lead where they should? ----------------------------------------


def _check_paths(mesh: RunningMesh, paths: Iterable[Way]) -> None:
    for path in paths:
        answer = _eventual_answer(mesh, f"{path.url}seen", 200)
        caller = answer.headers.get(minimal_pair.CALLER_HEADER, "")
        is_mutual = "spiffe://cluster.local/ns/bench/sa/client" in caller
        if is_mutual != (path.name == "configured"):
            raise AssertionError(f"{path.name}: the application was told the caller {caller!r}")


def _wait_until_policed(mesh: RunningMesh) -> None:
    _eventual_answer(mesh, f"http://server:{APPLICATION}/forbidden", 403)


def _eventual_answer(mesh: RunningMesh, url: str, status: int) -> Answer:
    return eventually(lambda: mesh.call("client", url), lambda found: found.status == status)


# -- measuring -------------------------------------------------------------------------------------


def _phase(
    title: str,
    mesh: RunningMesh,
    paths: tuple[Way, ...],
    options: argparse.Namespace,
    budget: float,
) -> bool:
    _check_paths(mesh, paths)
    plan = {
        "paths": [{"name": path.name, "url": path.url} for path in paths],
        "watched": {
            f"{path.name} {side}": (pid,)
            for path in paths
            for side, pid in zip(SIDES, path.proxies, strict=False)
        },
        "rounds": options.rounds,
        "connections": options.connections,
        "seconds": options.seconds,
        "settle_seconds": SETTLE_SECONDS,
    }
    root = Path(__file__).resolve().parent.parent
    done = mesh.lateen(
        "exec", "--name", mesh.name, "client", "--", "env", f"PYTHONPATH={root}",
        sys.executable, "-m", "benchmarks.slices",
        stdin=json.dumps(plan), seconds=60 + options.rounds * len(paths) * (options.seconds + 2),
    )  # fmt: skip
    slices = [json.loads(line) for line in done.stdout.splitlines()]
    return _report(title, paths, slices, budget)


def _report(title: str, paths: tuple[Way, ...], slices: list[Any], budget: float) -> bool:
    wrong = sum(piece["wrong"] for piece in slices)
    rows, costs, rates, medians = [], {}, {}, {}
    for path in paths:
        own = [piece for piece in slices if piece["path"] == path.name]
        rates[path.name] = middle(p["requests"] / p["microseconds"] * 1e6 for p in own)
        costs[path.name] = sum(_costs(own, path.name))
        medians[path.name] = middle(piece["p50_us"] for piece in own)
        rows.append(
            (
                path.name,
                f"{rates[path.name]:.0f}",
                f"{medians[path.name]:.0f}",
                f"{middle(piece['p99_us'] for piece in own):.0f}",
                *(f"{cost:.1f}" if path.proxies else "-" for cost in _costs(own, path.name)),
                f"{rates[path.name] / rates['direct']:.2f}",
                f"{costs[path.name] / costs['minimal']:.2f}" if path.proxies else "-",
            )
        )
    print_table(
        f"{title} ({len(slices)} slices, {wrong} wrong answers)",
        (
            "path", "requests/s", "p50 us", "p99 us", "client's CPU us/request", "server's",
            "rate to direct", "CPU to minimal",
        ),
        rows,
    )  # fmt: skip
    ratio = costs["configured"] / costs["minimal"]
    print(f"CPU per request, configured to minimal pair: {verdict(ratio, budget)}")
    print(f"requests per second, configured to minimal: "
          f"{rates['configured'] / rates['minimal']:.2f}; median latency "
          f"{medians['configured'] / medians['minimal']:.2f}; null test: CPU "
          f"{costs['null'] / costs['minimal']:.2f}")  # fmt: skip
    return ratio <= budget


def _costs(slices: Sequence[Any], name: str) -> tuple[float, ...]:
    """Microseconds of the proxy of each side for one request, over all slices of their path."""
    requests = max(1, sum(piece["requests"] for piece in slices))
    return tuple(
        1e6 / requests * sum(piece["cpu_seconds"].get(f"{name} {side}", 0.0) for piece in slices)
        for side in SIDES
    )


if __name__ == "__main__":
    sys.exit(main())
