"""The agent's HTTP port (15020).

GET  /healthz/ready                  200 when traffic may come, else 503 and what is missing
GET  /stats/prometheus, /metrics     the agent's, Envoy's and the application's metrics
GET  /app-health/<name>              asks the application's probe of that name
GET  /debug/ndsz                     the DNS name table
POST /quitquitquit, /drain           from this host only, if no other workload is on it: stop;
                                     stop taking new work
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from lateen.agent import probes
from lateen.agent.http1 import Request, Response
from lateen.agent.readiness import Readiness
from lateen.agent.scrape import Scrape
from lateen.agent.settings import Probe

PROBE_PREFIX = "/app-health/"


@dataclass(frozen=True, slots=True)
class StatusServer:
    readiness: Readiness
    scrape: Scrape
    probes: Mapping[str, Probe]
    ip: str
    names: Callable[[], Mapping[str, object]]
    quit: Callable[[], None]
    drain: Callable[[], Awaitable[None]]
    is_alone: bool = True  # whether loopback is the workload's own, not the whole machine's

    async def answer(self, request: Request) -> Response:
        if request.path in ("/quitquitquit", "/drain"):
            return await self._order(request)
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"method not allowed\n")
        if request.path == "/healthz/ready":
            return await self._ready()
        if request.path in ("/stats/prometheus", "/metrics"):
            return await self.scrape.page()
        if request.path.startswith(PROBE_PREFIX):
            return await self._probe(request.path.removeprefix(PROBE_PREFIX))
        if request.path == "/debug/ndsz":
            text = json.dumps(self.names(), indent=2, sort_keys=True)
            return Response(200, f"{text}\n".encode(), "application/json")
        return Response(404, b"not found\n")

    async def _ready(self) -> Response:
        missing = await self.readiness.missing()
        return Response(503, f"{missing}\n".encode()) if missing else Response(200, b"ready\n")

    async def _probe(self, name: str) -> Response:
        probe = self.probes.get(name)
        if probe is None:
            return Response(404, b"no such probe\n")
        return await probes.ask(probe, ip=self.ip)

    async def _order(self, request: Request) -> Response:
        if not is_this_host(request.peer):
            return Response(403, b"only from this host\n")
        if request.peer and not self.is_alone:
            return Response(403, b"all workloads share this host: stop the agent by SIGTERM\n")
        if request.method != "POST":
            return Response(405, b"use POST\n")
        if request.path == "/drain":
            await self.drain()
        else:
            self.quit()
        return Response(200, b"ok\n")


def is_this_host(peer: str) -> bool:
    """True for loopback and for unix sockets, whose callers have no address."""
    if not peer:
        return True
    ip = ipaddress.ip_address(peer.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
