"""The workload's health, from its probe to the control plane."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from lateen.agent import health, settings
from lateen.agent.messages import LISTENER_TYPE, DeltaDiscoveryRequest
from lateen.agent.metrics import AgentMetrics
from lateen.agent.relay import RelayedStream
from lateen.agent.settings import GrpcProbe, HttpProbe, TcpProbe
from tests.unit.agent.test_relay import Envoy, Upstream
from tests.unit.agent.test_settings import SMALLEST

SECONDS = 10


def with_probe(probe: dict[str, Any]) -> health.Health | None:
    found = settings.decode(SMALLEST)
    metadata = {"PROXY_CONFIG": {"readinessProbe": probe}}
    node = msgspec.structs.replace(found.node, metadata=metadata)
    return health.of_settings(msgspec.structs.replace(found, node=node))


@pytest.mark.parametrize(
    ("written", "asks"),
    [
        (
            {
                "httpGet": {
                    "port": 8080,
                    "path": "/up",
                    "httpHeaders": [{"name": "a", "value": "b"}],
                }
            },
            HttpProbe(port=8080, path="/up", headers=(("a", "b"),), timeout=3),
        ),
        ({"tcpSocket": {"port": 8080}}, TcpProbe(port=8080, timeout=3)),
        ({"grpc": {"port": 9000, "service": "s"}}, GrpcProbe(port=9000, service="s", timeout=3)),
        ({"exec": {"command": ["/bin/check", "now"]}}, ("/bin/check", "now")),
    ],
)
def test_every_kind_of_probe_is_read(written: dict[str, Any], asks: Any) -> None:
    found = with_probe({**written, "timeoutSeconds": 3, "periodSeconds": 7})

    assert found is not None
    assert found.probe.asks == asks
    assert (found.probe.period, found.probe.failures) == (7, 1)


def test_a_proxy_without_a_probe_tells_nothing() -> None:
    assert with_probe({}) is None


def command(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def first_words(count: int, *codes: str, **thresholds: int) -> list[str | None]:
    """What is told first, when a command does these things one after the other."""

    async def scenario() -> list[str | None]:
        remaining = list(codes)

        class Changing(health.Health):
            async def _ask(self) -> str | None:
                code = remaining.pop(0) if len(remaining) > 1 else remaining[0]
                return await health.run_command(command(code), 5)

        probe = health.ReadinessProbe(command(""), period=0.0, **thresholds)
        watched = Changing(probe, ip="127.0.0.1")
        running = asyncio.ensure_future(watched.run())
        found: list[str | None] = []
        async with asyncio.timeout(SECONDS):
            async for problem in watched.changes():
                found.append(problem)
                if len(found) == count:
                    break
        running.cancel()
        return found

    return asyncio.run(scenario())


def test_only_changes_are_told() -> None:
    well, ill, worse = "", "import sys; sys.exit(1)", "import sys; sys.exit(2)"

    assert first_words(3, well, well, ill, worse, well) == [
        None,
        f"{sys.executable} ended with 1",
        None,
    ]


def test_failures_count_when_there_are_enough_in_a_row() -> None:
    well, ill = "", "import sys; sys.exit(1)"

    told = first_words(2, well, ill, well, ill, ill, failures=2)

    assert told[0] is None
    assert told[1] is not None


def test_a_command_that_hangs_is_ill() -> None:
    async def scenario() -> str | None:
        return await health.run_command(command("import time; time.sleep(60)"), 0.2)

    assert "did not end" in (asyncio.run(scenario()) or "")


def test_the_control_plane_is_told_after_the_listeners() -> None:
    async def scenario() -> list[Any]:
        upstream = Upstream()
        watched = health.Health(health.ReadinessProbe(command("")), ip="127.0.0.1")
        await watched.tell("connection refused")

        async def says() -> AsyncIterator[bytes]:
            yield DeltaDiscoveryRequest(type_url=LISTENER_TYPE).SerializeToString()
            async with asyncio.timeout(SECONDS):
                while len(upstream.received) < 2:
                    await asyncio.sleep(0)

        stream = RelayedStream(
            upstream,
            Envoy(),  # type: ignore[arg-type]
            is_delta=True,
            metrics=AgentMetrics(),
            takes={},
            health=watched,
        )
        await stream.run(says())
        return upstream.received

    _, told = asyncio.run(scenario())

    assert told.type_url == health.TYPE_URL
    assert told.error_detail.message == "connection refused"
