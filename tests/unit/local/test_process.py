"""Supervised processes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from lateen.local.errors import LocalError
from lateen.local.process import Credentials, Place, Process, spawn
from lateen.local.state import start_time


def run(
    folder: Path, *argv: str, place: Place | None = None, credentials: Credentials | None = None
) -> tuple[int, str]:
    async def scenario() -> int:
        process = await spawn(argv, log=folder / "log", place=place, credentials=credentials)
        return await process.wait()

    code = asyncio.run(scenario())
    return code, (folder / "log").read_text()


def test_output_is_in_the_log_and_the_code_is_kept(tmp_path: Path) -> None:
    assert run(tmp_path, "sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\nerr\n")


def test_killed_process_has_the_code_that_a_shell_gives_it(tmp_path: Path) -> None:
    assert run(tmp_path, "sh", "-c", "kill -9 $$")[0] == 137


def test_environment_of_the_place_is_added_to_little_of_ours(tmp_path: Path) -> None:
    place = Place(environment={"GIVEN": "yes"})
    _, output = run(tmp_path, "env", place=place)

    names = {line.partition("=")[0] for line in output.splitlines()}
    assert "GIVEN" in names
    assert not any(name.startswith("PYTEST") for name in names)


def test_missing_program_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot run no-such-program: No such file"):
        run(tmp_path, "no-such-program")


def test_process_that_ignores_the_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    async def scenario() -> int:
        script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
        process = await spawn(("sh", "-c", script), log=tmp_path / "log")
        await _says(lambda: (tmp_path / "log").read_text(), "ready")
        return await process.stop(0.2)

    assert asyncio.run(scenario()) == 137


def test_children_end_with_their_process(tmp_path: Path) -> None:
    async def scenario() -> tuple[Process, int]:
        script = "sleep 1000 & echo $!; sleep 0.1"
        process = await spawn(("sh", "-c", script), log=tmp_path / "log")
        await process.wait()
        return process, int((tmp_path / "log").read_text())

    async def gone(pid: int) -> None:
        async with asyncio.timeout(5):
            while start_time(pid):
                await asyncio.sleep(0.01)

    _, child = asyncio.run(scenario())
    asyncio.run(gone(child))


async def _says(text: Callable[[], str], word: str) -> None:
    async with asyncio.timeout(5):
        while word not in text():
            await asyncio.sleep(0.01)


@pytest.mark.root
def test_what_credentials_lack_is_given_up_for_good(tmp_path: Path) -> None:
    credentials = Credentials(capabilities=frozenset({0}), may_gain=False)

    _, output = run(tmp_path, "cat", "/proc/self/status", credentials=credentials)

    fields = dict(line.split(":", 1) for line in output.splitlines())
    found = {name: fields[name].strip().lstrip("0") for name in ("CapEff", "CapBnd", "NoNewPrivs")}
    assert found == {"CapEff": "1", "CapBnd": "1", "NoNewPrivs": "1"}


@pytest.mark.root
def test_another_user_has_no_groups_of_ours(tmp_path: Path) -> None:
    _, output = run(tmp_path, "id", credentials=Credentials(4321, 8765))
    assert output.startswith("uid=4321 gid=8765 groups=8765")
    (tmp_path / "log").unlink()
    _, output = run(tmp_path, "id", "-G", credentials=Credentials(4321))
    assert output.strip() == "0"  # as on Kubernetes, the group stays root's
