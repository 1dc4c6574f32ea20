"""The workload's health, for the control plane: `readinessProbe` of the proxy's ProxyConfig.

Asked again and again; told when it is first known and whenever it changes. What registers itself
takes traffic only while it is well. Pods are probed by whoever runs them, and have none of this.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lateen.agent import probes
from lateen.agent.settings import AgentSettings, GrpcProbe, HttpProbe, Probe, TcpProbe

log = logging.getLogger(__name__)

TYPE_URL = "type.googleapis.com/istio.v1.HealthInformation"
PERIOD_SECONDS, TIMEOUT_SECONDS, THRESHOLD = 10, 1, 1
LONGEST_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class ReadinessProbe:
    asks: Probe | tuple[str, ...]  # a command, or what is sent to the application
    initial_delay: float = 0.0  # seconds
    period: float = PERIOD_SECONDS
    timeout: float = TIMEOUT_SECONDS
    successes: int = THRESHOLD  # in a row, until it counts as well
    failures: int = THRESHOLD


class Health:
    """Owns what is known of the workload."""

    def __init__(self, probe: ReadinessProbe, *, ip: str) -> None:
        self.probe, self._ip = probe, ip
        self._news = 0  # how often something was told
        self._problem: str | None = None
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Until it is cancelled."""
        probe = self.probe
        await asyncio.sleep(probe.initial_delay)
        in_a_row, was_well = 0, False
        while True:  # as long as the workload runs
            problem = await self._ask()
            is_well = problem is None
            in_a_row = in_a_row + 1 if is_well == was_well else 1
            was_well = is_well
            if in_a_row >= (probe.successes if is_well else probe.failures):
                await self.tell(problem)
            await asyncio.sleep(probe.period)

    async def changes(self) -> AsyncIterator[str | None]:
        """What is wrong, or None, from the moment on when it is known; the latest word only."""
        seen = 0
        while True:  # as long as the reader wants to know
            async with self._changed:
                while self._news == seen:
                    await self._changed.wait()
                seen, problem = self._news, self._problem
            yield problem

    async def tell(self, problem: str | None) -> None:
        """A first or another word on how the workload is."""
        if self._news and (problem is None) == (self._problem is None):
            return  # another reason is no news
        log.info("workload's health changed", extra={"healthy": problem is None})
        async with self._changed:
            self._news, self._problem = self._news + 1, problem
            self._changed.notify_all()

    async def _ask(self) -> str | None:
        asks = self.probe.asks
        if isinstance(asks, tuple):
            return await run_command(asks, self.probe.timeout)
        answer = await probes.ask(asks, ip=self._ip)
        if 200 <= answer.status < 400:
            return None
        text = answer.body.decode(errors="replace").strip()
        return f"{answer.status}: {text}"[:LONGEST_MESSAGE]


def of_settings(settings: AgentSettings) -> Health | None:
    """None: the proxy has no probe, or one that cannot be read."""
    config = _object(settings.node.metadata.get("PROXY_CONFIG"))
    written = _object(config.get("readinessProbe"))
    timeout = _number(written, "timeoutSeconds", TIMEOUT_SECONDS)
    asks = _asks(written, timeout)
    if asks is None:
        return None
    probe = ReadinessProbe(
        asks,
        initial_delay=_number(written, "initialDelaySeconds", 0),
        period=_number(written, "periodSeconds", PERIOD_SECONDS),
        timeout=timeout,
        successes=_number(written, "successThreshold", THRESHOLD),
        failures=_number(written, "failureThreshold", THRESHOLD),
    )
    return Health(probe, ip=settings.workload.ip)


def _asks(written: Mapping[str, Any], timeout: float) -> Probe | tuple[str, ...] | None:
    http, tcp = _object(written.get("httpGet")), _object(written.get("tcpSocket"))
    grpc, command = _object(written.get("grpc")), _object(written.get("exec")).get("command")
    if http.get("port"):
        return HttpProbe(
            port=int(http["port"]),
            path=str(http.get("path") or "/"),
            scheme=str(http.get("scheme") or "HTTP"),
            host=str(http.get("host") or ""),
            headers=tuple(
                (str(each.get("name", "")), str(each.get("value", "")))
                for each in http.get("httpHeaders") or ()
            ),
            timeout=timeout,
        )
    if tcp.get("port"):
        return TcpProbe(port=int(tcp["port"]), host=str(tcp.get("host") or ""), timeout=timeout)
    if grpc.get("port"):
        service = str(grpc.get("service") or "")
        return GrpcProbe(port=int(grpc["port"]), service=service, timeout=timeout)
    return tuple(map(str, command)) if isinstance(command, list) and command else None


async def run_command(command: tuple[str, ...], timeout: float) -> str | None:
    """What is wrong, or None when it ends with 0 in `timeout` seconds."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as trouble:
        return f"{command[0]}: {trouble.strerror}"
    try:
        async with asyncio.timeout(timeout):
            code = await process.wait()
    except TimeoutError:
        return f"{command[0]} did not end in {timeout:g} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return None if code == 0 else f"{command[0]} ended with {code}"


def _number(written: Mapping[str, Any], name: str, default: int) -> int:
    value = written.get(name)
    return value if isinstance(value, int) and value > 0 else default


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
