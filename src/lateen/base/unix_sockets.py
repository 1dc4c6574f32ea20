"""Unix sockets for their owner alone, however long the path of their folder is.

A socket's address holds 107 bytes; a folder that is opened first is named in few.
"""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


def listening(path: Path) -> socket.socket:
    """A listening socket with mode 0600, in place of one that an earlier process left there."""
    with _short(path) as short:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(short)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)  # from its first moment on
        try:
            made.bind(short)
            made.listen()
            made.setblocking(False)
        except OSError:
            made.close()
            raise
        finally:
            os.umask(before)
    return made


def connected(path: Path, timeout_seconds: float | None) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(timeout_seconds)
    try:
        with _short(path) as short:
            made.connect(short)
    except OSError:
        made.close()
        raise
    return made


def caller(connection: socket.socket) -> tuple[int, int]:
    """User and process of who is at the other end, as the kernel knows them."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return uid, pid


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
