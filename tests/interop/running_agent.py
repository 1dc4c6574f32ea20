"""An agent with its real Envoy inside a test, and the waiting that tests of it need."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from lateen.agent import address, http1, settings
from lateen.agent.agent import Agent
from lateen.agent.http1 import Response
from tests.interop.small_control_plane import SmallControlPlane

DEADLINE_SECONDS = 30.0
NO_DNS = settings.DnsSettings()


async def until(
    claim: Callable[[], bool] | Callable[[], Awaitable[bool]], what: str, *, within: float = 0
) -> None:
    """Waits for the claim to come true; fails with `what` if it does not."""
    ends = time.monotonic() + (within or DEADLINE_SECONDS)
    while True:
        found = claim()
        if (await found) if isinstance(found, Awaitable) else found:
            return
        assert time.monotonic() < ends, f"did not happen: {what}"
        await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def agent_settings(
    control: SmallControlPlane,
    name: str,
    *,
    secret_ttl: float = 3600,
    dns: settings.DnsSettings = NO_DNS,
    account: str = "",
) -> settings.AgentSettings:
    folder = control.folder / name
    return settings.AgentSettings(
        node=settings.NodeSettings(id=f"sidecar~127.0.0.1~{name}.shop~shop.svc.cluster.local"),
        workload=settings.WorkloadSettings(
            namespace="shop", service_account=account or name, name=name, ip="127.0.0.1"
        ),
        discovery=settings.DiscoverySettings(
            address=f"127.0.0.1:{control.port}",
            root_cert=str(control.root_file()),
            token=str(control.token_file("shop", account or name)),
        ),
        work_dir=str(folder),
        secret_ttl=secret_ttl,
        dns=dns,
        listeners=settings.ListenerSettings(
            status="127.0.0.1:0", health="", metrics="", admin=f"unix:{folder}/envoy.sock"
        ),
        envoy=settings.EnvoySettings(concurrency=1, log_file=str(control.folder / f"{name}.log")),
        shutdown=settings.ShutdownSettings(drain_duration=0.1),
    )


@asynccontextmanager
async def control_plane(folder: Path) -> AsyncIterator[SmallControlPlane]:
    control = SmallControlPlane(folder)
    await control.start()
    try:
        yield control
    finally:
        await control.stop()


@asynccontextmanager
async def running(wanted: settings.AgentSettings) -> AsyncIterator[Agent]:
    """The agent, ready; stopped in its own way at the end."""
    agent = Agent(wanted, clock=time.time, random=Random(1))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(agent.run())
        await until(
            lambda: (wanted.folder / "ready").exists() or running.done(), f"{wanted.node.id} ready"
        )
        try:
            yield agent
        finally:
            agent.shutdown.ask()


async def status(wanted: settings.AgentSettings, path: str, *, method: str = "GET") -> Response:
    where = json.loads((wanted.folder / "addresses.json").read_text())["status"]
    return await http1.fetch(address.parse(where), path, method=method, timeout=10)
