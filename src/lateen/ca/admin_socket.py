"""The socket in the control plane's state folder over which `lateen ca` reaches a running one.

One JSON object on a line each way, one exchange a connection. The folder is its owner's alone and
the socket is 0600; besides, the kernel says who connects: the user of the control plane, or root.
"""

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lateen.base.errors import LateenError
from lateen.ca.errors import AuthorityError

log = logging.getLogger(__name__)

SOCKET = "ca.sock"
LARGEST_LINE = 64 * 1024
LARGEST_ANSWER = 16 * 1024 * 1024
SECONDS = 10.0
PEER = struct.Struct("3i")  # struct ucred: pid, uid, gid
MOST_CALLERS = 16

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]
Audit = Callable[[Mapping[str, Any], str, str], None]  # request, caller, why not (or empty)


class AdminSocket:
    """Serves until it is closed."""

    def __init__(self, folder: Path, answer: Answer, *, audit: Audit) -> None:
        self._folder = folder
        self._answer = answer
        self._audit = audit
        self._server: asyncio.Server | None = None
        self._callers = 0

    async def start(self) -> None:
        with _short(self._folder) as path:
            path.unlink(missing_ok=True)
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            before = os.umask(0o177)
            try:
                listening.bind(str(path))
            except OSError as trouble:
                listening.close()
                raise AuthorityError(
                    f"cannot listen on {self._folder / SOCKET}: {trouble.strerror}"
                ) from trouble
            finally:
                os.umask(before)
        self._server = await asyncio.start_unix_server(
            self._connected, sock=listening, limit=LARGEST_LINE
        )

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            (self._folder / SOCKET).unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            if self._callers <= MOST_CALLERS:
                async with asyncio.timeout(SECONDS):
                    writer.write(json.dumps(await self._exchange(reader, writer)).encode() + b"\n")
                    await writer.drain()
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError) as trouble:
            log.info("call of the authority's socket ended", extra={"reason": str(trouble)})
        finally:
            self._callers -= 1
            writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, Any]:
        connection = writer.get_extra_info("socket")
        pid, uid, _ = PEER.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
        )
        request = json.loads(await reader.readline())
        if not isinstance(request, dict):
            raise ValueError("not an object")
        caller = f"unix uid={uid} pid={pid}"
        reason = "" if uid in (0, os.geteuid()) else "only the control plane's user may"
        answer: dict[str, Any] = {}
        if not reason:
            try:
                answer = self._answer(request)
            except LateenError as refusal:
                reason = str(refusal)
        self._audit(request, caller, reason)
        return {"error": reason} if reason else {"answer": answer}


def ask(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the control plane whose state folder this is. AuthorityError with its words."""
    with _short(folder) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            text = b""
            while not text.endswith(b"\n"):
                part = connection.recv(LARGEST_LINE)
                if not part or len(text) > LARGEST_ANSWER:
                    break
                text += part
            found = json.loads(text)
        except (OSError, ValueError) as trouble:
            raise AuthorityError(
                f"no control plane answers at {folder / SOCKET}: {trouble}; "
                "is it running, and is --state its state folder?"
            ) from trouble
    if found.get("error"):
        raise AuthorityError(str(found["error"]))
    answer = found["answer"]
    assert isinstance(answer, dict)
    return answer


@contextmanager
def _short(folder: Path) -> Iterator[Path]:
    """The socket by a path that is short enough for one, however long the folder's is."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as missing:
        raise AuthorityError(f"cannot open {folder}: {missing.strerror}") from missing
    try:
        yield Path(f"/proc/self/fd/{handle}/{SOCKET}")
    finally:
        os.close(handle)
