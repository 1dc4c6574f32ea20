"""The control plane's process: started, started again, its findings collected.

Its standard error is both log and messages to the user: what is wrong in a manifest begins with
`error:` or `warning:`, what has been put right with `fixed:`.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from lateen.base.tasks import Tasks
from lateen.local import unix_http
from lateen.local.errors import LocalError
from lateen.local.process import LATEEN, Place, Process, spawn
from lateen.local.state import MESH_MARK, MeshState, ProcessId

log = logging.getLogger(__name__)

SWITCHES = ("PILOT_", "LATEEN_JWKS_")  # how its variables begin: Istio's names and ours
MESSAGE_PREFIXES = ("error: ", "warning: ", "fixed: ")
MESSAGES_KEPT = 50
READY_SECONDS = 30.0
POLL_SECONDS = 0.05
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.2, 10.0
SETTLED_SECONDS = 30.0
STOP_SECONDS = 5.0
TAIL_LINES = 5


def switches() -> dict[str, str]:
    """Settings of the control plane that the user's environment holds."""
    return {name: value for name, value in os.environ.items() if name.startswith(SWITCHES)}


class ControlPlaneProcess:
    """Owns the process. `changed` is called when it has said something or was started again."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        state: MeshState,
        admin: Path,
        changed: Callable[[], None],
    ) -> None:
        self._argv = (*LATEEN, "control", *arguments)
        self._state, self._admin = state, admin
        self._changed = changed
        self._process: Process | None = None
        self._stopping = False
        self.messages: deque[str] = deque(maxlen=MESSAGES_KEPT)
        self.starts = 0

    @property
    def process(self) -> ProcessId:
        return ProcessId.of(self._process.pid) if self._process else ProcessId(0, 0)

    async def run(self) -> None:
        """Keeps it running until `stop`."""
        pause = FIRST_PAUSE_SECONDS
        clock = asyncio.get_running_loop().time
        while True:  # until it is stopped
            begun, written = clock(), size(self._state.control_log)
            self._process = process = await spawn(
                self._argv,
                log=self._state.control_log,
                place=Place(environment={MESH_MARK: str(self._state.folder), **switches()}),
            )
            self.starts += 1
            self._changed()
            async with Tasks() as tasks:
                tasks.start(self._listen(written), name="messages of the control plane")
                code = await process.wait()
                await asyncio.sleep(POLL_SECONDS * 2)  # for its last words
            self._process = None
            if self._stopping:
                return
            log.warning("the control plane ended with %s; it is started again", code)
            pause = FIRST_PAUSE_SECONDS if clock() - begun > SETTLED_SECONDS else pause
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)

    async def wait_ready(self) -> None:
        """Raises LocalError, with its last words, when it does not become ready in time."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await self._is_ready():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as late:
            words = tail(self._state.control_log, TAIL_LINES)
            raise LocalError(f"the control plane did not become ready: {words}") from late

    async def stop(self) -> None:
        self._stopping = True
        if self._process is not None:
            await self._process.stop(STOP_SECONDS)

    async def _is_ready(self) -> bool:
        try:
            await asyncio.to_thread(unix_http.get, self._admin, "/ready")
        except LocalError:
            return False
        return True

    async def _listen(self, begin: int) -> None:
        """Follows the log from where this process began to write."""
        with open(self._state.control_log, "rb") as lines:  # noqa: ASYNC230 - a local file
            lines.seek(begin)
            rest = b""
            while True:  # as long as the process runs
                rest = self._take(rest + lines.read())
                await asyncio.sleep(POLL_SECONDS)

    def _take(self, text: bytes) -> bytes:
        *whole, rest = text.split(b"\n")
        found = [line.decode(errors="replace") for line in whole]
        messages = [line for line in found if line.startswith(MESSAGE_PREFIXES)]
        if messages:
            self.messages.extend(messages)
            self._changed()
        return rest


def tail(path: Path, lines: int) -> str:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    return " | ".join(text.splitlines()[-lines:])


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
