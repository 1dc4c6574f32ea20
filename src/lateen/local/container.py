"""One container while its pod lives: started, probed, restarted with back-off, stopped.

start -> postStart -> startup probe -> readiness and liveness probes
end   -> restart after 1, 2, 4 ... 60 s, as the pod's restart policy says
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lateen.api.kubernetes.pod import LifecycleHandler, Probe
from lateen.base.tasks import Tasks
from lateen.local import probe as probes
from lateen.local.container_plan import ContainerPlan
from lateen.local.errors import LocalError
from lateen.local.process import Credentials, Place, Process, private, spawn
from lateen.local.state import CANNOT_START

log = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 1.0, 60.0
HEALTHY_SECONDS = 60.0  # a container that ran so long starts anew without back-off
STARTUP_PROBE_SECONDS = 0.1  # probes before the first success come this often on one machine
LIVENESS_GRACE_SECONDS = 10.0
CANNOT_RUN = 127  # the exit code for a program that cannot be started


@dataclass(slots=True)
class ContainerState:
    """As a pod's status shows it."""

    running: bool = False
    started: bool = False
    ready: bool = False
    restarts: int = 0
    exit_code: int | None = None
    reason: str = "ContainerCreating"
    pid: int = 0


class Container:
    """Owns the container's process and its probes. `changed` is called when its state changed."""

    def __init__(
        self,
        plan: ContainerPlan,
        *,
        place: Place,
        address: str,
        environment: dict[str, str],
        credentials: Credentials,
        log_file: Path,
        changed: Callable[[], None],
    ) -> None:
        self.plan = plan
        self.state = ContainerState()
        self._place, self._log_file = place, log_file
        self._environment, self._credentials = environment, credentials
        self._changed = changed
        self._process: Process | None = None
        self._stopping = False
        self._target = probes.Target(
            plan, address, place, credentials, environment, log_file.with_suffix(".probes.log")
        )

    async def run(self, *, restart: Callable[[int], bool]) -> int:
        """Until it ended and `restart(exit code)` says no, or it was stopped."""
        if self.plan.problems:
            self._set(reason=f"{CANNOT_START}: {self.plan.problems[0].message}")
            await asyncio.Event().wait()  # until the manifest is mended, which makes a new pod
        clock = asyncio.get_running_loop().time
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            begun = clock()
            code = await self._once()
            if self._stopping or not restart(code):
                return code
            if clock() - begun >= HEALTHY_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            self._set(reason=f"CrashLoopBackOff: ended with {code}")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LAST_BACKOFF_SECONDS)
            self.state.restarts += 1

    async def stop(self, grace_seconds: float) -> None:
        """preStop, SIGTERM, and SIGKILL when the grace, which covers both, is over."""
        self._stopping = True
        if self._process is None:
            return
        clock = asyncio.get_running_loop().time
        deadline = clock() + grace_seconds
        handler = self.plan.lifecycle.pre_stop if self.plan.lifecycle else None
        await self._hook(handler, grace_seconds)
        await self._process.stop(max(0.5, deadline - clock()))

    async def _once(self) -> int:
        plan = self.plan
        try:
            self._process = process = await spawn(
                [str(word) for word in plan.argv],
                log=self._log_file,
                place=self._place,
                environment=self._environment,
                directory=plan.directory,
                credentials=self._credentials,
            )
        except LocalError as trouble:
            self._say(str(trouble))
            self._set(reason=str(trouble), exit_code=CANNOT_RUN)
            return CANNOT_RUN
        self._set(running=True, pid=process.pid, reason="", started=False, ready=False)
        async with Tasks() as tasks:
            tasks.start(self._watch(process), name=f"probes of {plan.name}")
            code = await process.wait()
        self._process = None
        self._set(running=False, ready=False, started=False, pid=0, exit_code=code)
        return code

    async def _watch(self, process: Process) -> None:
        """Everything that happens to a container while it runs."""
        lifecycle, plan = self.plan.lifecycle, self.plan
        await self._hook(lifecycle.post_start if lifecycle else None, None)
        if plan.startup is not None and not await self._passes(plan.startup):
            await self._restart(process, "startup probe failed", LIVENESS_GRACE_SECONDS)
            return
        self._set(started=True, ready=plan.readiness is None)
        async with asyncio.TaskGroup() as group:
            if plan.readiness is not None:
                group.create_task(self._readiness(plan.readiness))
            if plan.liveness is not None:
                group.create_task(self._liveness(plan.liveness, process))

    async def _passes(self, probe: Probe) -> bool:
        """Whether the startup probe succeeds before it has failed too often."""
        await asyncio.sleep(probe.initial_delay_seconds)
        patience = probe.failure_threshold * max(probe.period_seconds, 1)
        try:
            async with asyncio.timeout(patience):
                while not (await probes.ask(probe, self._target)).passed:
                    await asyncio.sleep(STARTUP_PROBE_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _readiness(self, probe: Probe) -> None:
        """Asked often until the first success, then at its period."""
        await asyncio.sleep(probe.initial_delay_seconds)
        passed = failed = 0
        while True:  # as long as the container runs
            outcome = await probes.ask(probe, self._target)
            passed, failed = (passed + 1, 0) if outcome.passed else (0, failed + 1)
            if passed >= max(probe.success_threshold, 1) and not self.state.ready:
                self._set(ready=True, reason="")
            elif failed and (failed >= max(probe.failure_threshold, 1) or not self.state.ready):
                self._set(ready=False, reason=f"readiness: {outcome.reason}")
            waiting = not self.state.ready and self.state.restarts == 0
            period = max(probe.period_seconds, 1)
            await asyncio.sleep(min(period, STARTUP_PROBE_SECONDS * 2) if waiting else period)

    async def _liveness(self, probe: Probe, process: Process) -> None:
        await asyncio.sleep(probe.initial_delay_seconds)
        failed = 0
        while True:  # as long as the container runs
            outcome = await probes.ask(probe, self._target)
            failed = 0 if outcome.passed else failed + 1
            if failed >= max(probe.failure_threshold, 1):
                grace = probe.termination_grace_period_seconds or LIVENESS_GRACE_SECONDS
                await self._restart(process, f"liveness: {outcome.reason}", grace)
                return
            await asyncio.sleep(max(probe.period_seconds, 1))

    async def _restart(self, process: Process, reason: str, grace: float) -> None:
        """Ends the process; `run` starts it anew. Cancelled when the process has ended."""
        self._say(reason)
        self._set(ready=False, reason=reason)
        process.signal(signal.SIGTERM)
        await asyncio.sleep(grace)
        process.signal(signal.SIGKILL)

    async def _hook(self, handler: LifecycleHandler | None, limit: float | None) -> None:
        if handler is None:
            return
        try:
            async with asyncio.timeout(limit):
                await self._run_hook(handler)
        except (TimeoutError, OSError, LocalError, ValueError) as trouble:
            self._say(f"lifecycle hook: {trouble or type(trouble).__name__}")

    async def _run_hook(self, handler: LifecycleHandler) -> None:
        if handler.exec is not None:
            outcome = await probes.run(handler.exec, self._target)
        elif handler.http_get is not None:
            outcome = await probes.http_get(handler.http_get, self._target)
        else:
            await asyncio.sleep(handler.sleep.seconds if handler.sleep is not None else 0)
            return
        if not outcome.passed:
            self._say(f"lifecycle hook: {outcome.reason}")

    def _set(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self.state, name, value)
        self._changed()

    def _say(self, text: str) -> None:
        """Into the container's own log, where its user looks first."""
        log.info("%s: %s", self.plan.name, text)
        self._log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self._log_file, "a", opener=private) as output:
            output.write(f"[lateen] {text}\n")
