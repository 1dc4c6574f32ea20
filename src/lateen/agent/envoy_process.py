"""Runs Envoy: starts it, starts it again with growing pauses when it ends, stops it.

Envoy is killed by the kernel if the agent dies (PR_SET_PDEATHSIG, set by a small launcher between
fork and exec), so that a killed agent leaves nothing behind.
"""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

from lateen.agent.errors import AgentError
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import AgentSettings, EnvoySettings
from lateen.base.clock import Clock

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
SETTLED_SECONDS = 30.0  # an Envoy that lived so long starts again at once
LAUNCHER = (  # dies with its parent from here on, or at once if the parent is gone already
    "import ctypes, os, sys;"
    "ctypes.CDLL(None).prctl(1, 9);"
    "os.getppid() == int(sys.argv[1]) or os._exit(1);"
    "os.execv(sys.argv[2], sys.argv[2:])"
)


def arguments(settings: EnvoySettings, *, binary: str, bootstrap: Path, ip: str = "") -> list[str]:
    """`ip` is the workload's: its family is the one that Envoy calls itself by."""
    return [
        binary,
        "-c",
        str(bootstrap),
        "--disable-hot-restart",
        "--drain-time-s",
        str(int(settings.drain_time)),
        "--drain-strategy",
        "immediate",
        "--local-address-ip-version",
        "v6" if ":" in ip else "v4",
        "--file-flush-interval-msec",
        str(int(settings.file_flush_interval * 1000)),
        "--allow-unknown-static-fields",
        "--log-level",
        settings.log_level,
        *(
            ["--component-log-level", settings.component_log_level]
            if settings.component_log_level
            else []
        ),
        *(["--concurrency", str(settings.concurrency)] if settings.concurrency else []),
        *(
            ["--file-flush-min-size-kb", str(settings.file_flush_min_size_kb)]
            if settings.file_flush_min_size_kb
            else []
        ),
        *settings.extra_args,
    ]


class EnvoyProcess:
    """Owns the running Envoy."""

    def __init__(
        self, settings: AgentSettings, *, metrics: AgentMetrics, clock: Clock, random: Random
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._random = random
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self.starts = 0

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def run(self, bootstrap: Path) -> None:
        """Keeps Envoy running until `stop`."""
        binary = self._settings.envoy.binary or str(_packaged())
        words = arguments(
            self._settings.envoy,
            binary=binary,
            bootstrap=bootstrap,
            ip=self._settings.workload.ip,
        )
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = self._clock()
            code = await self._run_once(words)
            if self._stopping.is_set():
                return
            lived = self._clock() - began
            log.error("Envoy ended", extra={"exit_code": code, "lived_seconds": round(lived, 1)})
            if lived > SETTLED_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause * self._random.uniform(0.8, 1.2))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._metrics.envoy_restarts.add()

    async def stop(self) -> None:
        """Ends Envoy: SIGTERM, then SIGKILL if it does not obey in time."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._settings.shutdown.kill_after)
        except TimeoutError:
            log.warning("Envoy did not end in time and is killed")
            self._signal(signal.SIGKILL)
            await process.wait()

    async def _run_once(self, words: Sequence[str]) -> int:
        try:
            self._process = await self._start(words)
        except OSError as missing:
            raise AgentError(f"cannot start {words[0]}: {missing.strerror}") from missing
        self.starts += 1
        log.info("Envoy started", extra={"pid": self._process.pid})
        try:
            return await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._signal(signal.SIGKILL)

    async def _start(self, words: Sequence[str]) -> asyncio.subprocess.Process:
        output = self._settings.envoy.log_file
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), *words]
        if not output:
            return await asyncio.create_subprocess_exec(*launcher, stdin=subprocess.DEVNULL)
        with open(output, "ab") as file:  # noqa: ASYNC230 - opened once a start
            return await asyncio.create_subprocess_exec(
                *launcher, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def _packaged() -> Path:
    from lateen.envoy import schema

    return schema.binary()
