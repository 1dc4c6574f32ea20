"""Containers: restarts, probes, hooks. Real processes, without a pod around them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from lateen.api.kubernetes.pod import Lifecycle, Probe
from lateen.base.tasks import Tasks
from lateen.local.container import Container
from lateen.local.container_plan import ContainerPlan
from lateen.local.process import Credentials, Place

FOREVER = "while :; do sleep 0.05; done"


def container(folder: Path, script: str, **fields: Any) -> Container:
    plan = ContainerPlan(
        name="main", image="x", argv=("sh", "-c", script), directory=str(folder), **fields
    )
    return Container(
        plan,
        place=Place(),
        address="127.0.0.1",
        environment={"PATH": "/usr/bin:/bin"},
        credentials=Credentials(),
        log_file=folder / "main.log",
        changed=lambda: None,
    )


def probe(**fields: Any) -> Probe:
    return msgspec.convert({"periodSeconds": 1, "failureThreshold": 1, **fields}, Probe)


def lived(made: Container, talk: Callable[[], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(20), Tasks() as tasks:
            tasks.start(made.run(restart=lambda _: True), name="container")
            await talk()
            await made.stop(1)

    asyncio.run(scenario())


async def until(claim: Callable[[], bool]) -> None:
    while not claim():
        await asyncio.sleep(0.01)


def test_container_that_must_not_restart_ends_with_its_code(tmp_path: Path) -> None:
    made = container(tmp_path, "exit 4")

    assert asyncio.run(made.run(restart=lambda _: False)) == 4
    assert made.state.exit_code == 4


def test_container_restarts_after_a_pause(tmp_path: Path) -> None:
    made = container(tmp_path, "echo again; exit 1")

    async def talk() -> None:
        await until(lambda: made.state.reason == "CrashLoopBackOff: ended with 1")
        await until(lambda: made.state.restarts == 1)

    lived(made, talk)


def test_container_without_readiness_probe_is_ready_at_once(tmp_path: Path) -> None:
    made = container(tmp_path, FOREVER)

    async def talk() -> None:
        await until(lambda: made.state.ready)

    lived(made, talk)


def test_container_is_ready_when_its_probe_succeeds(tmp_path: Path) -> None:
    ready = probe(exec={"command": ["test", "-e", str(tmp_path / "up")]})
    made = container(tmp_path, FOREVER, readiness=ready)

    async def talk() -> None:
        await until(lambda: made.state.reason.startswith("readiness: test ended with 1"))
        (tmp_path / "up").touch()
        await until(lambda: made.state.ready)

    lived(made, talk)


def test_failed_liveness_restarts(tmp_path: Path) -> None:
    made = container(tmp_path, FOREVER, liveness=probe(exec={"command": ["false"]}))

    async def talk() -> None:
        await until(lambda: made.state.restarts == 1)

    lived(made, talk)
    assert "liveness: false ended with 1" in (tmp_path / "main.log").read_text()


def test_startup_probe_holds_the_others_back(tmp_path: Path) -> None:
    startup = probe(exec={"command": ["test", "-e", str(tmp_path / "up")]}, failureThreshold=10)
    made = container(tmp_path, FOREVER, startup=startup)

    async def talk() -> None:
        await until(lambda: made.state.running)
        assert not made.state.started
        (tmp_path / "up").touch()
        await until(lambda: made.state.started and made.state.ready)

    lived(made, talk)


def test_hooks_run_after_start_and_before_stop(tmp_path: Path) -> None:
    hooks = msgspec.convert(
        {
            "postStart": {"exec": {"command": ["touch", str(tmp_path / "started")]}},
            "preStop": {"exec": {"command": ["touch", str(tmp_path / "stopping")]}},
        },
        Lifecycle,
    )
    made = container(tmp_path, FOREVER, lifecycle=hooks)

    async def talk() -> None:
        await until(lambda: (tmp_path / "started").exists() and made.state.ready)
        assert not (tmp_path / "stopping").exists()

    lived(made, talk)
    assert (tmp_path / "stopping").exists()
