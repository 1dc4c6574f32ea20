"""Probes, asked of a real echo application."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from lateen.api.kubernetes.pod import Probe
from lateen.echo.application import Application
from lateen.echo.identity import Identity
from lateen.echo.server import EchoServer, Ports
from lateen.local.container_plan import ContainerPlan
from lateen.local.probe import Outcome, Target, ask
from lateen.local.process import Credentials, Place


def asked(folder: Path, fields: dict[str, Any]) -> Outcome:
    async def scenario() -> Outcome:
        application = Application(Identity(), {}, Random(1))
        server = EchoServer(application, Ports("127.0.0.1", http=(0,)))
        await server.start()
        port = server.addresses[0][1]
        plan = ContainerPlan(
            name="main", image="", argv=(), directory=str(folder), ports=(("web", port),)
        )
        target = Target(plan, "127.0.0.1", Place(), Credentials(), {}, folder / "log")
        text = msgspec.json.encode(fields).replace(b'"PORT"', str(port).encode())
        try:
            return await ask(msgspec.json.decode(text, type=Probe), target)
        finally:
            await server.stop(seconds=0)

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "fields",
    [
        {"httpGet": {"path": "/healthz", "port": "web"}},
        {"httpGet": {"path": "status/302", "port": "PORT"}},
        {"tcpSocket": {"port": "PORT"}},
        {"grpc": {"port": "PORT"}},
        {"exec": {"command": ["true"]}},
    ],
)
def test_probe_of_a_healthy_application_passes(tmp_path: Path, fields: dict[str, Any]) -> None:
    assert asked(tmp_path, fields) == Outcome(True)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"httpGet": {"path": "/status/503", "port": "web"}}, "HTTP status 503"),
        ({"tcpSocket": {"port": 1}}, "refused"),
        ({"exec": {"command": ["sh", "-c", "exit 9"]}}, "sh ended with 9"),
        ({"exec": {"command": ["no-such-program"]}}, "cannot run no-such-program"),
        ({"httpGet": {"path": "/delay?ms=3000", "port": "web"}}, "no answer within 1 s"),
    ],
)
def test_probe_that_fails_says_why(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    outcome = asked(tmp_path, fields)

    assert not outcome.passed
    assert reason in outcome.reason
