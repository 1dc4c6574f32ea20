"""Supervision, with small programs in Envoy's place."""

import asyncio
import os
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import msgspec

from lateen.agent import settings
from lateen.agent.envoy_process import EnvoyProcess, arguments
from lateen.agent.metrics import AgentMetrics


def supervised(
    folder: Path, script: str, test: Callable[[EnvoyProcess], Awaitable[None]]
) -> AgentMetrics:
    program = folder / "envoy"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    wanted = settings.AgentSettings(
        node=settings.NodeSettings(id="n"),
        workload=settings.WorkloadSettings(namespace="shop", name="n"),
        discovery=settings.DiscoverySettings(address="127.0.0.1:1", root_cert="r"),
        work_dir=str(folder),
        envoy=settings.EnvoySettings(binary=str(program), log_file=str(folder / "log")),
        shutdown=settings.ShutdownSettings(kill_after=0.3),
    )
    metrics = AgentMetrics()

    async def scenario() -> None:
        process = EnvoyProcess(wanted, metrics=metrics, clock=time.time, random=Random(1))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(process.run(folder / "envoy.json"))
            async with asyncio.timeout(10):
                await test(process)
                await process.stop()
                await running

    asyncio.run(scenario())
    return metrics


async def until(claim: Callable[[], bool]) -> None:
    while not claim():
        await asyncio.sleep(0.01)


def test_a_program_that_ends_is_started_again(tmp_path: Path) -> None:
    async def test(process: EnvoyProcess) -> None:
        await until(lambda: process.starts >= 2)

    metrics = supervised(tmp_path, "exit 3", test)
    assert metrics.envoy_restarts.value >= 1


def test_stop_ends_it_and_it_is_not_started_again(tmp_path: Path) -> None:
    async def test(process: EnvoyProcess) -> None:
        await until(lambda: process.pid is not None)

    assert supervised(tmp_path, "exec sleep 60", test).envoy_restarts.value == 0


def test_one_that_does_not_obey_is_killed(tmp_path: Path) -> None:
    async def test(process: EnvoyProcess) -> None:
        await until(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text() != "")

    supervised(tmp_path, "trap '' TERM\necho up\nwhile :; do read x < /dev/zero; done", test)


def test_output_goes_to_the_log_file(tmp_path: Path) -> None:
    async def test(process: EnvoyProcess) -> None:
        await until(lambda: b"-c" in (tmp_path / "log").read_bytes())

    (tmp_path / "log").touch()
    supervised(tmp_path, 'echo "$@"\nexec sleep 60', test)
    assert "--disable-hot-restart" in (tmp_path / "log").read_text()


def test_arguments_are_istios() -> None:
    words = arguments(settings.EnvoySettings(), binary="envoy", bootstrap=Path("b.json"))
    assert words[:3] == ["envoy", "-c", "b.json"]
    assert words[words.index("--drain-time-s") + 1] == "45"
    assert words[words.index("--concurrency") + 1] == "2"


def test_every_core_is_used_where_no_number_is_given() -> None:
    wished = msgspec.structs.replace(settings.EnvoySettings(), concurrency=0)
    assert "--concurrency" not in arguments(wished, binary="envoy", bootstrap=Path("b"))


def test_tests_leave_no_process(tmp_path: Path) -> None:
    found: list[int] = []

    async def test(process: EnvoyProcess) -> None:
        await until(lambda: process.pid is not None)
        assert process.pid is not None
        found.append(process.pid)

    supervised(tmp_path, "exec sleep 60", test)
    assert not os.path.exists(f"/proc/{found[0]}")
