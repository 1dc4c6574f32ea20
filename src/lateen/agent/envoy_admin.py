"""The few questions the agent asks Envoy's admin interface, and the orders it gives."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lateen.agent.address import Address
from lateen.agent.errors import AgentError
from lateen.agent.http1 import Response, fetch

TIMEOUT_SECONDS = 2.0
SCRAPE_TIMEOUT_SECONDS = 10.0
THREAD = re.compile(r"\.(worker_\d+|main_thread)\.")  # each counts its part of the whole again
READINESS = (
    "/stats?usedonly&filter=^(server\\.state|listener_manager\\.(workers_started|lds\\.update_success)"
    "|cluster_manager\\.cds\\.update_success)$"
)
CONNECTIONS = "/stats?usedonly&filter=downstream_cx_active$"


@dataclass(frozen=True, slots=True)
class EnvoyState:
    """What readiness depends on. A proxy that was never configured has no updates."""

    is_live: bool = False
    workers_started: bool = False
    cluster_updates: int = 0
    listener_updates: int = 0


class EnvoyAdmin:
    """`own` are the listeners that Envoy has for itself: metrics and health."""

    def __init__(self, where: Address, own: Sequence[Address] = ()) -> None:
        self.address = where.local()
        self._own = ("listener.admin.", *(f"listener.{one.host}_{one.port}." for one in own))

    async def state(self) -> EnvoyState:
        stats = _stats(await self._get(READINESS))
        return EnvoyState(
            is_live=stats.get("server.state") == 0,
            workers_started=stats.get("listener_manager.workers_started") == 1,
            cluster_updates=stats.get("cluster_manager.cds.update_success", 0),
            listener_updates=stats.get("listener_manager.lds.update_success", 0),
        )

    async def open_connections(self) -> int:
        """Of applications. Needs the statistics `downstream_cx_active` to be kept."""
        stats = _stats(await self._get(CONNECTIONS))
        return sum(
            value
            for name, value in stats.items()
            if name.startswith("listener.")
            and not name.startswith(self._own)
            and not THREAD.search(name)
        )

    async def prometheus(self, *, query: str = "") -> bytes:
        path = "/stats/prometheus" + (f"?{query}" if query else "")
        return (await self._get(path, timeout=SCRAPE_TIMEOUT_SECONDS)).body

    async def drain(self, *, inbound_only: bool) -> None:
        """New connections are discouraged and listeners close; open ones go on."""
        await self._post("/drain_listeners?graceful" + ("&inboundonly" if inbound_only else ""))

    async def _get(self, path: str, *, timeout: float = TIMEOUT_SECONDS) -> Response:
        return _successful(path, await fetch(self.address, path, timeout=timeout))

    async def _post(self, path: str) -> None:
        _successful(path, await fetch(self.address, path, method="POST", timeout=TIMEOUT_SECONDS))


def _successful(path: str, response: Response) -> Response:
    if response.status != 200:
        raise AgentError(f"Envoy answered {path} with {response.status}")
    return response


def _stats(response: Response) -> dict[str, int]:
    pairs = (line.rpartition(": ") for line in response.body.decode().splitlines())
    return {name: int(value) for name, _, value in pairs if value.isdecimal()}
