"""What rate limits cost: decisions of the service, and time that the filters add to requests.

    .venv/bin/python -m benchmarks.rate_limit [--rounds 20] [--connections 8]

Needs `wrk` and `redis-server` (Debian: apt-get install wrk redis-server).

Decisions: processor time of the service for one, in memory and with Redis, over that of an answer
that needs no decision (the health check, same transport). Clients are gRPC channels of other
processes.

Requests: one Envoy, a listener for each way, which lead to one that answers by itself, asked in
turns of one second:

    none      no filter
    local     a token bucket of one rule
    by        one rule with a condition and a budget for each value of a header
    memory    a global rule, asked of the service in memory
    redis     the same with Redis
"""

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from benchmarks.figures import machine, middle, percentile, print_table
from benchmarks.processes import cpu_seconds
from lateen.api.rate_limit import SERVICE_NAME
from lateen.envoy import messages, schema, types
from lateen.rate_limit.health import METHOD as HEALTH
from lateen.rate_limit.service import METHOD
from lateen.translate.filters.http import ROUTER, http_filter
from lateen.translate.rate_limit import http as translated
from lateen.view.proxy import ProxyClass
from tests.redis_server import redis_server
from tests.unit.translate.outbound_world import mesh_of

SECONDS = 20
SETTLE_SECONDS = 0.05
ANSWER = "x" * 1024
ANSWERING = "application"
PLENTY = 4_000_000_000  # never reached
CLIENTS, AT_ONCE, DECISIONS = 2, 64, 20_000
WORKLOAD = ProxyClass(namespace="shop", labels=(("app", "web"),))
LIMIT = """
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {{name: bench, namespace: shop}}
spec:
  rules: [{rule}]
  service: {{timeout: 1s}}
"""
CONDITION = 'to: [{operation: {paths: ["/*"]}}], by: [{header: {name: x-user}}]'
RULES = {
    "local": f"{{name: a, local: {{requests: {PLENTY}}}}}",
    "by": f"{{name: a, {CONDITION}, local: {{requests: {PLENTY}}}}}",
    "memory": f"{{name: a, global: {{requests: {PLENTY}}}}}",
    "redis": f"{{name: a, global: {{requests: {PLENTY}}}}}",
}


@dataclass(frozen=True)
class Service:
    pid: int
    port: int


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args(argv)
    for program in ("wrk", "redis-server"):
        if shutil.which(program) is None:
            print(f"needs {program} (Debian: apt-get install {program})", file=sys.stderr)
            return 2
    print(machine())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lateen-bench-")))
        server = stack.enter_context(redis_server())
        memory = stack.enter_context(service(folder / "memory"))
        redis = stack.enter_context(service(folder / "redis", "--redis", server.url))
        decisions(memory, redis)
        envoy = stack.enter_context(running_envoy(folder, {"memory": memory, "redis": redis}))
        requests(envoy, options)
    return 0


@contextmanager
def service(folder: Path, *options: str) -> Iterator[Service]:
    folder.mkdir()
    (folder / "limit.yaml").write_text(LIMIT.format(rule=RULES["memory"]))
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "lateen", "rate-limit", "-f", str(folder),
            "--listen", f"127.0.0.1:{port}", "--admin-address", "", "--redis-timeout", "1",
            *options,
        ]
    )  # fmt: skip
    try:
        wait_for(port)
        yield Service(process.pid, port)
    finally:
        process.terminate()
        process.wait(SECONDS)


# -- decisions ---------------------------------------------------------------------------------


def decisions(memory: Service, redis: Service) -> None:
    request = types.RateLimitRequest(domain="lateen")
    request.descriptors.add().entries.add(key="rate_limit", value="shop/bench/a")
    question = request.SerializeToString()
    ways = {
        "health check": (memory, HEALTH, b""),
        "memory": (memory, METHOD, question),
        "redis": (redis, METHOD, question),
    }
    costs: dict[str, tuple[float, float]] = {}
    with ProcessPoolExecutor(CLIENTS) as pool:
        for warm in (True, False):
            for name, (asked, method, content) in ways.items():
                before, begun = cpu_seconds(asked.pid), time.monotonic()
                each = DECISIONS // (10 if warm else 1)
                work = [
                    pool.submit(load, asked.port, method, content, each) for _ in range(CLIENTS)
                ]
                for done in work:
                    done.result()
                elapsed = time.monotonic() - begun
                total = each * CLIENTS
                costs[name] = ((cpu_seconds(asked.pid) - before) / total, total / elapsed)
    floor = costs["health check"][0]
    print_table(
        f"decisions ({CLIENTS} clients, {AT_ONCE} at once each)",
        ("", "us of CPU each", "over health check", "per second of one core", "measured/s"),
        [
            (name, f"{cpu * 1e6:.0f}", f"{cpu / floor:.2f}", f"{1 / cpu:,.0f}", f"{rate:,.0f}")
            for name, (cpu, rate) in costs.items()
        ],
    )


def load(port: int, method: str, content: bytes, count: int) -> None:
    """So many calls over one connection, in the process of a client."""

    async def calls() -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary(method)
            left = iter(range(count))

            async def one_after_another() -> None:
                for _ in left:
                    await call(content, timeout=SECONDS)

            await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))

    asyncio.run(calls())


# -- requests ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Envoy:
    pid: int
    ports: dict[str, int]


@contextmanager
def running_envoy(folder: Path, services: dict[str, Service]) -> Iterator[Envoy]:
    config = types.Bootstrap()
    ports = {name: free_port() for name in ("none", *RULES)}
    for name, port in ports.items():
        config.static_resources.listeners.append(listener(name, port))
    answering = free_port()
    config.static_resources.listeners.append(listener(ANSWERING, answering))
    config.static_resources.clusters.append(cluster(ANSWERING, answering, is_grpc=False))
    for name, asked in services.items():
        config.static_resources.clusters.append(cluster(name, asked.port))
    path = folder / "bootstrap.pb"
    path.write_bytes(messages.serialize(config))
    process = subprocess.Popen(
        [
            str(schema.binary()), "-c", str(path), "--disable-hot-restart", "--concurrency", "1",
            "-l", "error",
        ]
    )  # fmt: skip
    try:
        for port in ports.values():
            wait_for(port)
        yield Envoy(process.pid, ports)
    finally:
        process.terminate()
        process.wait(SECONDS)


def listener(name: str, port: int) -> Any:
    """As inbound listeners have it: the translated filters, then the router."""
    manager = types.HttpConnectionManager(stat_prefix=name)
    if name in RULES:
        mesh = mesh_of(LIMIT.format(rule=RULES[name]))
        manager.http_filters.extend(
            renamed(each, name) for each in translated.http_filters(mesh, WORKLOAD)
        )
    manager.http_filters.append(http_filter(ROUTER, types.Router()))
    host = manager.route_config.virtual_hosts.add(name="all", domains=["*"])
    route = host.routes.add()
    route.match.prefix = "/"
    if name == ANSWERING:  # the global filter leaves alone what the proxy answers by itself
        route.direct_response.status = 200
        route.direct_response.body.inline_string = ANSWER
    else:
        route.route.cluster = ANSWERING
    made = types.Listener(name=name)
    made.address.socket_address.address = "127.0.0.1"
    made.address.socket_address.port_value = port
    made.filter_chains.add().filters.add(name="http").typed_config.CopyFrom(messages.pack(manager))
    return made


def renamed(each: Any, cluster_name: str) -> Any:
    """A global filter that asks the cluster of its service."""
    if each.name == translated.RATE_LIMIT:
        config = messages.unpack(each.typed_config)
        assert SERVICE_NAME in config.rate_limit_service.grpc_service.envoy_grpc.cluster_name
        config.rate_limit_service.grpc_service.envoy_grpc.cluster_name = cluster_name
        each.typed_config.CopyFrom(messages.pack(config))
    return each


def cluster(name: str, port: int, *, is_grpc: bool = True) -> Any:
    made = types.Cluster(name=name, type="STATIC")
    made.connect_timeout.CopyFrom(messages.seconds(1))
    if is_grpc:
        options = types.UpstreamHttpProtocolOptions()
        options.explicit_http_config.http2_protocol_options.SetInParent()
        made.typed_extension_protocol_options[
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        ].CopyFrom(messages.pack(options))
    made.load_assignment.cluster_name = name
    endpoint = made.load_assignment.endpoints.add().lb_endpoints.add().endpoint
    endpoint.address.socket_address.address = "127.0.0.1"
    endpoint.address.socket_address.port_value = port
    return made


def requests(envoy: Envoy, options: argparse.Namespace) -> None:
    plan = {
        "rounds": options.rounds,
        "connections": options.connections,
        "seconds": 1,
        "settle_seconds": SETTLE_SECONDS,
        "watched": {"envoy": [envoy.pid]},
        "paths": [
            {"name": name, "url": f"http://127.0.0.1:{port}/"} for name, port in envoy.ports.items()
        ],
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.slices"],
        input=json.dumps(plan), capture_output=True, text=True, check=True,
    )  # fmt: skip
    slices = [json.loads(line) for line in done.stdout.splitlines()]
    rows, base_cpu, base_time = [], 0.0, 0.0
    for name in envoy.ports:
        own = [each for each in slices if each["path"] == name]
        wrong = sum(each["wrong"] for each in own)
        assert not wrong, f"{wrong} requests of {name} failed"
        cpu = middle(each["cpu_seconds"]["envoy"] / each["requests"] * 1e6 for each in own)
        took = middle(each["p50_us"] for each in own)
        slow = percentile((each["p99_us"] for each in own), 50)
        base_cpu, base_time = base_cpu or cpu, base_time or took
        rows.append(
            (name, f"{cpu:.1f}", f"{cpu / base_cpu:.2f}", f"{took:.0f}", f"{took / base_time:.2f}",
             f"{slow:.0f}")
        )  # fmt: skip
    print_table(
        f"requests ({options.connections} connections, {options.rounds} slices of a second each)",
        ("", "us of Envoy's CPU", "over none", "p50 us", "over none", "p99 us"),
        rows,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
