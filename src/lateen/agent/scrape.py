"""One page of metrics for a workload: the agent's, Envoy's and the application's, one by one.

A part that cannot be read is left out and counted; it never spoils the others.
"""

import re
from collections.abc import Awaitable

from lateen.agent.address import Address
from lateen.agent.envoy_admin import EnvoyAdmin
from lateen.agent.errors import AgentError
from lateen.agent.http1 import Response, fetch
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import ApplicationMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TIMEOUT_SECONDS = 10.0
STANDARD_METRIC = re.compile(rb"^(# (?:HELP|TYPE) )?envoy_(?:wasmcustom_)?(istio_)", re.MULTILINE)


class Scrape:
    def __init__(
        self,
        metrics: AgentMetrics,
        admin: EnvoyAdmin,
        application: ApplicationMetrics | None,
        *,
        ip: str,
    ) -> None:
        self._metrics = metrics
        self._admin = admin
        self._application = application
        self._ip = ip

    async def page(self) -> Response:
        envoy = await self._or_empty("envoy", self._admin.prometheus())
        application = b""
        if self._application is not None:
            application = await self._or_empty("application", self._applications_own())
        parts = (self._metrics.text().encode(), unprefixed(envoy), application)
        return Response(200, b"".join(_ended(part) for part in parts), CONTENT_TYPE)

    async def _applications_own(self) -> bytes:
        assert self._application is not None
        where = Address(self._ip or "127.0.0.1", self._application.port)
        response = await fetch(
            where, self._application.path, timeout=TIMEOUT_SECONDS, source="127.0.0.6"
        )
        if response.status != 200:
            raise AgentError(f"{where} answered with {response.status}")
        return response.body

    async def _or_empty(self, kind: str, part: Awaitable[bytes]) -> bytes:
        try:
            return await part
        except AgentError:
            self._metrics.scrape_failures.labels(kind).add()
            return b""


def unprefixed(page: bytes) -> bytes:
    """Istio's standard metrics under their own names: Envoy puts `envoy_` before every one."""
    return STANDARD_METRIC.sub(rb"\1\2", page)


def _ended(part: bytes) -> bytes:
    """Whole lines, and without OpenMetrics' end mark, which may only close the page."""
    part = part.removesuffix(b"# EOF\n")
    return part if not part or part.endswith(b"\n") else part + b"\n"
