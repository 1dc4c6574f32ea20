"""Linux namespaces by system call: making them, entering them, holding them open.

A namespace lives as long as a process is in it or a descriptor to it is open; none gets a name in
the file system, so none can be left behind.
"""

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lateen.local.errors import LocalError

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 24, 36
PR_SET_NO_NEW_PRIVS = 38
OWN = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def enter(handle: int, kind: int) -> None:
    _check(_libc.setns(ctypes.c_int(handle), ctypes.c_int(kind)), "setns")


def bind_mount(source: str, target: str) -> None:
    """Within a mount namespace of our own; `target` must exist."""
    _check(
        _libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(MS_BIND), None),
        f"mount {target}",
    )


def lay_over(folder: str, upper: str, work: str, *, in_user_namespace: bool) -> None:
    """What is made below `folder` from now on is made in `upper`; both must exist, and `work`."""
    options = f"lowerdir={folder},upperdir={upper},workdir={work}"
    if in_user_namespace:
        options += ",userxattr"
    kind = b"overlay"
    _check(
        _libc.mount(kind, folder.encode(), kind, ctypes.c_ulong(0), options.encode()),
        f"lay over {folder}",
    )


def hide(folder: str, kept: Iterable[str]) -> None:
    """Within a mount namespace of our own: `folder` is empty but for the folders `kept` in it."""
    handles = [(path, os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) for path in kept]
    kind = b"tmpfs"
    options = b"mode=0711,size=64k,nr_inodes=256"
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    _check(
        _libc.mount(kind, folder.encode(), kind, ctypes.c_ulong(flags), options), f"hide {folder}"
    )
    for path, handle in handles:
        os.makedirs(path, mode=0o711)
        bind_mount(f"/proc/self/fd/{handle}", path)
        os.close(handle)
    again = ctypes.c_ulong(flags | MS_REMOUNT | MS_RDONLY)
    _check(_libc.mount(None, folder.encode(), None, again, options), f"hide {folder}")


def own_mounts() -> None:
    """A mount namespace whose changes nobody else sees."""
    unshare(CLONE_NEWNS)
    flags = ctypes.c_ulong(MS_REC | MS_PRIVATE)
    _check(_libc.mount(b"none", b"/", None, flags, None), "make mounts private")


def die_with_parent(signal: int) -> None:
    """The kernel sends `signal` to this process when the thread that started it ends."""
    _libc.prctl(ctypes.c_int(PR_SET_PDEATHSIG), ctypes.c_ulong(signal))


def drop_from_bounding_set(capability: int) -> None:
    """After the next exec the process can never have it; unknown numbers are ignored."""
    _libc.prctl(ctypes.c_int(PR_CAPBSET_DROP), ctypes.c_ulong(capability))


def gain_no_privileges() -> None:
    """No program that this process executes gives it more rights than it has."""
    _libc.prctl(ctypes.c_int(PR_SET_NO_NEW_PRIVS), *(ctypes.c_ulong(n) for n in (1, 0, 0, 0)))


def adopt_orphans() -> None:
    """Grandchildren whose parent died become ours, to be waited for."""
    _libc.prctl(ctypes.c_int(PR_SET_CHILD_SUBREAPER), ctypes.c_ulong(1))


class NetworkNamespace:
    """Owns a descriptor to a network namespace; `close` it."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    @classmethod
    def create(cls) -> "NetworkNamespace":
        with _own_namespace() as own:
            unshare(CLONE_NEWNET)
            try:
                return cls(os.open(OWN, os.O_RDONLY | os.O_CLOEXEC))
            finally:
                enter(own, CLONE_NEWNET)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the namespace until the block ends. Do not await inside."""
        with _own_namespace() as own:
            enter(self.handle, CLONE_NEWNET)
            try:
                yield
            finally:
                enter(own, CLONE_NEWNET)

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def set_kernel_option(name: str, value: str) -> bool:
    """Writes /proc/sys/NAME of the current namespace; says whether it was allowed."""
    try:
        Path("/proc/sys", name).write_text(value)
    except OSError:
        return False
    return True


@contextmanager
def _own_namespace() -> Iterator[int]:
    handle = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise LocalError(f"{what}: {os.strerror(number)}")
