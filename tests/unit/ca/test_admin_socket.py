"""The socket that `lateen ca` speaks to."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lateen.ca.admin_socket import SOCKET, AdminSocket, ask
from lateen.ca.errors import AuthorityError

Heard = list[tuple[Mapping[str, Any], str, str]]


def play(folder: Path, trial: Callable[[Heard], Awaitable[None]]) -> None:
    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        if request.get("command") == "fail":
            raise AuthorityError("not now")
        return {"echo": request}

    async def main() -> None:
        heard: Heard = []
        served = AdminSocket(folder, answer, audit=lambda *what: heard.append(what))
        await served.start()
        try:
            await trial(heard)
        finally:
            served.close()

    asyncio.run(main())


def test_a_request_is_answered_and_recorded_with_who_asked(tmp_path: Path) -> None:
    async def trial(heard: Heard) -> None:
        answer = await asyncio.to_thread(ask, tmp_path, {"command": "status"})
        assert answer == {"echo": {"command": "status"}}
        ((request, caller, reason),) = heard
        assert request == {"command": "status"}
        assert caller == f"unix uid={os.geteuid()} pid={os.getpid()}"
        assert not reason

    play(tmp_path, trial)


def test_a_refusal_comes_with_its_words(tmp_path: Path) -> None:
    async def trial(heard: Heard) -> None:
        with pytest.raises(AuthorityError, match="not now"):
            await asyncio.to_thread(ask, tmp_path, {"command": "fail"})
        assert heard[0][2] == "not now"

    play(tmp_path, trial)


def test_the_socket_is_its_owners_alone_and_goes_with_its_server(tmp_path: Path) -> None:
    async def trial(heard: Heard) -> None:
        assert (tmp_path / SOCKET).stat().st_mode & 0o777 == 0o600

    play(tmp_path, trial)
    assert not (tmp_path / SOCKET).exists()


def test_a_socket_that_a_crash_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / SOCKET))
    left.close()

    async def trial(heard: Heard) -> None:
        assert await asyncio.to_thread(ask, tmp_path, {})

    play(tmp_path, trial)


def test_folders_with_long_paths_have_sockets_too(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)

    async def trial(heard: Heard) -> None:
        assert await asyncio.to_thread(ask, deep, {})

    play(deep, trial)


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b"x" * 100_000 + b"\n", b"\xff\n"])
def test_nonsense_ends_the_connection_and_not_the_server(tmp_path: Path, line: bytes) -> None:
    async def trial(heard: Heard) -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET))
        writer.write(line)
        assert await reader.read() == b""
        writer.close()
        assert not heard
        assert await asyncio.to_thread(ask, tmp_path, {})

    play(tmp_path, trial)


def test_without_a_control_plane_the_command_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match=r"no control plane answers at .*ca\.sock"):
        ask(tmp_path, {})
    with pytest.raises(AuthorityError, match="cannot open"):
        ask(tmp_path / "missing", {})


def test_an_answer_is_one_line_of_json(tmp_path: Path) -> None:
    async def trial(heard: Heard) -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET))
        writer.write(json.dumps({"a": "b\n"}).encode() + b"\n")
        assert json.loads(await reader.read()) == {"answer": {"echo": {"a": "b\n"}}}
        writer.close()

    play(tmp_path, trial)
