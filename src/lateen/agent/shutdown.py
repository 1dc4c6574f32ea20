"""How an agent ends: nothing new, time for what is open, then Envoy's end.

ask (SIGTERM)     not ready; listeners drain; wait; stop Envoy
ask again         no more waiting
quit              stop at once: a Job's work is done
drain             the first half alone; an `ask` after it does not wait again
"""

import asyncio
import logging
from contextlib import suppress

from lateen.agent.envoy_admin import EnvoyAdmin
from lateen.agent.envoy_process import EnvoyProcess
from lateen.agent.errors import AgentError
from lateen.agent.readiness import Readiness
from lateen.agent.settings import ShutdownSettings

log = logging.getLogger(__name__)


class Shutdown:
    def __init__(
        self,
        settings: ShutdownSettings,
        *,
        readiness: Readiness,
        admin: EnvoyAdmin,
        envoy: EnvoyProcess,
        inbound_only: bool,
    ) -> None:
        self._settings = settings
        self._readiness = readiness
        self._admin = admin
        self._envoy = envoy
        self._inbound_only = inbound_only  # a sidecar's application still calls out while it ends
        self._hurry = asyncio.Event()
        self.asked = asyncio.Event()

    def ask(self) -> None:
        if self.asked.is_set():
            self._hurry.set()
        self.asked.set()

    def quit(self) -> None:
        self._hurry.set()
        self.asked.set()

    async def drain(self) -> None:
        await self._begin()
        self._hurry.set()

    async def carry_out(self) -> None:
        if not self._hurry.is_set():
            await self._begin()
            await self._wait()
        await self._envoy.stop()

    async def _begin(self) -> None:
        self._readiness.terminate()
        try:
            await self._admin.drain(inbound_only=self._inbound_only)
        except AgentError as trouble:
            log.info("not drained", extra={"reason": str(trouble)})
            self._hurry.set()  # Envoy is not there: nothing to wait for

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_duration):
                while not self._hurry.is_set() and not await self._is_idle():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._settings.poll_interval):
                            await self._hurry.wait()

    async def _is_idle(self) -> bool:
        if not self._settings.exit_on_zero_connections:
            return False
        try:
            return await self._admin.open_connections() == 0
        except AgentError:
            return True
