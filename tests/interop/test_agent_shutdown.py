"""How an agent ends: no open request is cut, and nobody waits for nothing."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from lateen.agent import http1, settings
from lateen.agent.address import Address
from lateen.agent.http1 import Request, Response
from tests.interop import envoy_pair
from tests.interop.running_agent import agent_settings, control_plane, free_port, running, until
from tests.interop.small_control_plane import CLUSTER, LISTENER, SmallControlPlane

pytestmark = pytest.mark.envoy

PATIENT = settings.ShutdownSettings(drain_duration=20, exit_on_zero_connections=True)


def patient(control: SmallControlPlane) -> settings.AgentSettings:
    return msgspec.structs.replace(agent_settings(control, "front"), shutdown=PATIENT)


def test_a_request_in_flight_is_answered_before_envoy_stops(folder: Path) -> None:
    async def scenario() -> None:
        arrived, finish = asyncio.Event(), asyncio.Event()

        async def application(request: Request) -> Response:
            arrived.set()
            await finish.wait()
            return Response(200, b"done")

        listening, where = await http1.serve(application, Address("127.0.0.1", 0))
        async with listening, control_plane(folder) as control:
            port = free_port()
            control.put(CLUSTER, "server", envoy_pair.plain_cluster(where.port))
            control.put(LISTENER, "client", envoy_pair.client_listener(port))
            async with running(patient(control)) as agent, asyncio.TaskGroup() as tasks:
                call = tasks.create_task(http1.fetch(Address("127.0.0.1", port), "/", timeout=30))
                await arrived.wait()
                agent.shutdown.ask()
                await until(lambda: not agent.readiness.accepts, "the agent says that it goes")
                assert await agent.admin.open_connections() == 1
                finish.set()
                assert (await call).body == b"done"

    asyncio.run(scenario())


def test_an_idle_proxy_stops_at_once(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            async with running(patient(control)):
                asked = time.monotonic()
            assert time.monotonic() - asked < PATIENT.drain_duration / 2

    asyncio.run(scenario())


def test_asking_twice_ends_the_waiting(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            wanted = msgspec.structs.replace(
                patient(control), shutdown=settings.ShutdownSettings(drain_duration=60)
            )
            async with running(wanted) as agent:
                agent.shutdown.ask()
                asked = time.monotonic()
            assert time.monotonic() - asked < 30

    asyncio.run(scenario())
