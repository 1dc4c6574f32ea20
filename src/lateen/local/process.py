"""A supervised process: started in its pod's place, its output in a file, stopped with its group.

Each is the leader of a session and process group of its own, and dies with the runner.
"""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lateen.local import netns
from lateen.local.capabilities import ALL
from lateen.local.errors import LocalError

LOG_LIMIT_BYTES = 50 * 1024 * 1024  # a longer file is set aside when its process starts again
KILL_SECONDS = 5.0  # for the kernel to end a killed process
KEPT_ENVIRONMENT = (  # of the user's, for every process
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM"),
    *("LC_ALL", "LC_CTYPE", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV", "LATEEN_ENVOY"),
    *("LD_LIBRARY_PATH", "PYTHONPATH"),
)
LATEEN = (sys.executable, "-P", "-m", "lateen")  # this very one; -P: whatever the folder holds
CANNOT_ENTER = 126  # the exit code of a process whose place cannot be entered


@dataclass(frozen=True)
class Credentials:
    """`None` keeps what the runner has. What `capabilities` lacks is given up for good."""

    user: int | None = None
    group: int | None = None
    capabilities: frozenset[int] | None = None
    may_gain: bool = True  # by programs that are set-uid or have capabilities of their own


@dataclass(frozen=True)
class Place:
    """Where a pod's processes run: its network, its view of some files, what it is told."""

    namespace: netns.NetworkNamespace | None = None
    mounts: tuple[tuple[str, str], ...] = ()  # source, target
    overlays: tuple[str, ...] = ()  # folders below which targets have to be made first
    scratch: Path | None = None  # where that which is made is kept
    hidden: str = ""  # a folder that is empty for its processes
    kept: tuple[str, ...] = ()  # folders below it that they see nevertheless
    environment: Mapping[str, str] = field(default_factory=dict)
    cgroups: tuple[Path, ...] = ()  # that its processes join


class Process:
    """Owns one running process and its group."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self.pid = child.pid

    @property
    def exit_code(self) -> int | None:
        """As a shell reports it: 128 and the signal's number for a killed process."""
        code = self._child.returncode
        return 128 - code if code is not None and code < 0 else code

    async def wait(self) -> int:
        await self._child.wait()
        self.signal(signal.SIGKILL)  # whatever it left running in its group
        code = self.exit_code
        return 0 if code is None else code

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def stop(self, grace_seconds: float) -> int:
        """SIGTERM, then SIGKILL when the grace is over."""
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), grace_seconds)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await asyncio.wait_for(self.wait(), KILL_SECONDS)


async def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    place: Place | None = None,
    environment: Mapping[str, str] | None = None,
    directory: str | None = None,
    credentials: Credentials | None = None,
) -> Process:
    """Raises LocalError, fit to be shown, when the program cannot be started."""
    where = place or Place()
    variables = {**kept_environment(), **where.environment, **(environment or {})}
    with _opened(log) as output:
        try:
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=variables,
                cwd=directory or None,
                start_new_session=True,
                preexec_fn=_preparation(where, credentials or Credentials()),
            )
        except OSError as trouble:
            raise LocalError(f"cannot run {argv[0]}: {trouble.strerror or trouble}") from trouble
        except (ValueError, subprocess.SubprocessError) as trouble:
            raise LocalError(f"cannot run {argv[0]} in its pod: {trouble}") from trouble
    return Process(child)


def kept_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}


def _preparation(place: Place, credentials: Credentials) -> Callable[[], None]:
    """What the child does between fork and exec. Its own trouble goes into the log."""

    def prepare() -> None:
        try:
            enter()
        except (OSError, LocalError) as trouble:
            os.write(2, f"[lateen] cannot enter its pod: {trouble}\n".encode())
            os._exit(CANNOT_ENTER)

    def enter() -> None:
        for group in place.cgroups:
            with contextlib.suppress(OSError):
                (group / "cgroup.procs").write_text("0")
        enter_place(place)
        take_credentials(credentials)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        netns.die_with_parent(signal.SIGKILL)

    return prepare


def enter_place(place: Place) -> None:
    """For the calling process, for good."""
    if place.namespace is not None:
        netns.enter(place.namespace.handle, netns.CLONE_NEWNET)
    if place.mounts or place.hidden:
        netns.own_mounts()
        for number, folder in enumerate(place.overlays):
            _lay_over(folder, place.scratch, number)
        for source, target in place.mounts:
            _make_target(source, target)
            netns.bind_mount(source, target)
        if place.hidden:
            netns.hide(place.hidden, place.kept)


def _lay_over(folder: str, scratch: Path | None, number: int) -> None:
    assert scratch is not None, "a place with overlays has scratch space"
    upper, work = scratch / f"{number}.upper", scratch / f"{number}.work"
    for path in (upper, work):
        path.mkdir(parents=True, exist_ok=True)
    uid_map = Path("/proc/self/uid_map").read_text().split()
    netns.lay_over(folder, str(upper), str(work), in_user_namespace=uid_map[2] == "1")


def _make_target(source: str, target: str) -> None:
    if os.path.exists(target):
        return
    if os.path.isdir(source):
        os.makedirs(target)
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w"):
        pass


def take_credentials(credentials: Credentials) -> None:
    if credentials.capabilities is not None:
        for number in ALL - credentials.capabilities:
            netns.drop_from_bounding_set(number)
    if credentials.group is not None:
        os.setgroups([credentials.group])
        os.setgid(credentials.group)
    elif credentials.user:
        os.setgroups([])
    if not credentials.may_gain:
        netns.gain_no_privileges()
    if credentials.user is not None and credentials.user != os.getuid():
        os.setuid(credentials.user)


@contextlib.contextmanager
def _opened(log: Path) -> Iterator[IO[bytes]]:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(log.suffix + ".1"))
    with open(log, "ab", opener=private) as output:
        yield output


def private(path: str, flags: int) -> int:
    """An opener: what it makes is for its owner only."""
    return os.open(path, flags, 0o600)
