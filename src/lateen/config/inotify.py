"""Linux tells which files of some folders changed, as it happens and without a timer.

Only finished changes are reported: a file closed after writing, renamed into place, or removed; a
file that is still being written is not. Folders that appear below a watched one are watched too.
"""

import asyncio
import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lateen.base.errors import LateenError

ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x4, 0x8, 0x40, 0x80, 0x100, 0x200
DELETE_SELF, MOVE_SELF, OVERFLOW, IGNORED, IS_FOLDER = 0x400, 0x800, 0x4000, 0x8000, 0x40000000
MASK = ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF
EVENT = struct.Struct("iIII")
BUFFER_BYTES = 256 * 1024


POLL_SECONDS = 1.0


class WatchError(LateenError):
    """The kernel watches no more: its limit of watches or of instances is reached."""


def is_further_link(path: Path) -> bool:
    """A second name of a file that is there already, with its content."""
    try:
        return path.stat().st_nlink > 1
    except OSError:
        return False


@dataclass(slots=True)
class Touched:
    """Paths that changed. `everything`: events were lost, or whole folders came or went."""

    paths: set[Path] = field(default_factory=set)
    everything: bool = False


class Watch:
    """Owns one inotify descriptor."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise WatchError("this system has no inotify")
        self._descriptor: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise self._refused("inotify_init1")
        self._folders: dict[int, Path] = {}

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def add(self, folders: Iterable[Path]) -> None:
        """Watches folders; those that are gone already are passed over."""
        for folder in folders:
            number = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), MASK)
            if number >= 0:
                self._folders[number] = folder
            elif ctypes.get_errno() not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
                raise self._refused(str(folder))

    async def wait(self, seconds: float | None = None) -> Touched:
        """Everything that has been touched since the last call; waits for something to be.

        With `seconds` it comes back after that time too, with nothing.
        """
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._descriptor, ready.set)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await ready.wait()
                    ready.clear()
                    touched = self._drain()
                    if touched.paths or touched.everything:
                        return touched  # and not for a file that was only just created
        except TimeoutError:
            return Touched()
        finally:
            loop.remove_reader(self._descriptor)

    def _drain(self) -> Touched:
        touched = Touched()
        while True:
            try:
                events = os.read(self._descriptor, BUFFER_BYTES)
            except BlockingIOError:
                return touched
            self._read(events, touched)

    def _read(self, events: bytes, touched: Touched) -> None:
        at = 0
        while at < len(events):
            number, mask, _, length = EVENT.unpack_from(events, at)
            at += EVENT.size
            name = os.fsdecode(events[at : at + length].rstrip(b"\0"))
            at += length
            if mask & OVERFLOW:
                touched.everything = True
            elif mask & IGNORED:
                self._folders.pop(number, None)
            elif (folder := self._folders.get(number)) is not None:
                self._note(mask, folder, name, touched)

    def _note(self, mask: int, folder: Path, name: str, touched: Touched) -> None:
        path = folder / name if name else folder
        if mask & IS_FOLDER or mask & (DELETE_SELF | MOVE_SELF) or path.is_symlink():
            touched.everything = True
        elif not mask & CREATE or is_further_link(path):  # a new file is not written yet
            touched.paths.add(path)

    def _refused(self, what: str) -> WatchError:
        number = ctypes.get_errno()
        remedy = (
            "; raise fs.inotify.max_user_watches" if number in (errno.ENOSPC, errno.EMFILE) else ""
        )
        return WatchError(f"cannot watch {what}: {os.strerror(number)}{remedy}")


class Polling:
    """In place of `Watch` where the kernel does not tell: everything is looked at every second."""

    def add(self, folders: Iterable[Path]) -> None:
        """Nothing to do: a look at everything needs no list."""

    def close(self) -> None:
        """Nothing is held."""

    async def wait(self, seconds: float | None = None) -> Touched:
        await asyncio.sleep(min(seconds or POLL_SECONDS, POLL_SECONDS))
        return Touched(everything=True)
