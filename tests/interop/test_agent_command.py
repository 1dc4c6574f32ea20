"""`lateen agent run` as a process: signals, what it leaves behind, what it says."""

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lateen.agent import settings
from tests.interop import envoy_pair
from tests.interop.running_agent import agent_settings, control_plane, free_port, until
from tests.interop.small_control_plane import LISTENER

pytestmark = pytest.mark.envoy


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


@asynccontextmanager
async def command(wanted: settings.AgentSettings, folder: Path) -> AsyncIterator[Process]:
    """The process, ready."""
    file = folder / "agent.json"
    file.write_bytes(settings.encode(wanted))
    words = [sys.executable, "-m", "lateen", "agent", "run", "--config", str(file)]
    process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    try:
        await until(
            lambda: (wanted.folder / "ready").exists() or process.returncode is not None, "ready"
        )
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def with_agent(folder: Path, number: signal.Signals) -> tuple[int, list[int], set[str]]:
    """Exit code after the signal, pids of what it had started, and what is left in its folder."""

    async def scenario() -> tuple[int, list[int], set[str]]:
        async with control_plane(folder) as control:
            control.put(LISTENER, "server", envoy_pair.server_listener(free_port()))
            wanted = agent_settings(control, "front")
            async with command(wanted, folder) as process:
                started = children(process.pid)
                process.send_signal(number)
                async with asyncio.timeout(20):
                    code = await process.wait()
                await until(lambda: all(map(is_gone, started)), "Envoy's end")
                return code, started, {path.name for path in wanted.folder.iterdir()}

    return asyncio.run(scenario())


def test_sigterm_stops_envoy_and_takes_the_sockets_away(folder: Path) -> None:
    code, started, left = with_agent(folder, signal.SIGTERM)
    assert code == 0
    assert len(started) == 1
    assert left <= {"addresses.json", "envoy.json", "envoy.sock"}


def test_a_killed_agent_takes_envoy_with_it(folder: Path) -> None:
    code, started, _ = with_agent(folder, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert len(started) == 1


def test_wrong_settings_are_said_in_one_line(folder: Path) -> None:
    async def scenario() -> tuple[int | None, str]:
        file = folder / "agent.json"
        file.write_text('{"node": {"id": "x"}, "workload": {}}')
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lateen", "agent", "run", "--config", str(file),
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
        return process.returncode, said.decode()

    code, said = asyncio.run(scenario())
    assert code == 2
    assert said.count("\n") == 1
    assert "agent.json" in said
