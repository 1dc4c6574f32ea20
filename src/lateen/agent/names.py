"""The agent's DNS as one part: settings in, table from the relay, server running, or nothing."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from lateen.agent import address
from lateen.agent.address import Address
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import AgentSettings

if TYPE_CHECKING:
    from lateen.agent.dns.server import Resolver

log = logging.getLogger(__name__)


class Names:
    """Owns the resolver. The DNS library is loaded only where DNS is wanted."""

    def __init__(self, settings: AgentSettings, *, metrics: AgentMetrics, random: Random) -> None:
        self._settings = settings.dns
        self._mark = settings.socket_mark
        self._namespace = settings.workload.namespace
        self._metrics = metrics
        self._random = random
        self._search: tuple[str, ...] = ()
        self._message = b""
        self.resolver: Resolver | None = None  # once it serves

    @property
    def is_enabled(self) -> bool:
        return self._settings.enabled

    def are_known(self) -> bool:
        """True also where the agent serves no names."""
        return self.resolver is None or self.resolver.table is not None

    def take(self, message: bytes) -> None:
        """A new table, whole. DecodeError leaves the old one in force."""
        from lateen.agent.dns import table

        if self.resolver is None:
            return
        self.resolver.table = table.build(message, namespace=self._namespace, search=self._search)
        self._message = message
        log.info("names received", extra={"count": len(self.resolver.table)})

    def described(self) -> Mapping[str, object]:
        from lateen.base.name_table import NameTable

        entries = NameTable.FromString(self._message).table
        return {host: {"ips": list(entries[host].ips)} for host in entries}

    async def serve(self, stack: AsyncExitStack) -> str:
        """Starts the resolver if it is wanted; returns where it listens."""
        if not self._settings.enabled:
            return ""
        from lateen.agent.dns import resolv_conf
        from lateen.agent.dns.server import DnsServer, Resolver
        from lateen.agent.dns.upstream import Upstream

        host = resolv_conf.read(Path(self._settings.resolv_conf))
        where = address.parse(self._settings.address)
        servers = tuple(map(resolv_conf.server, self._settings.upstream)) or host.servers
        self._search = host.search if self._settings.search is None else self._settings.search
        upstream = Upstream(
            [server for server in servers if Address(*server) != where],
            timeout_seconds=self._settings.timeout,
            mark=self._mark,
        )
        self.resolver = Resolver(upstream, metrics=self._metrics, random=self._random)
        server = DnsServer(self.resolver, where)
        stack.push_async_callback(server.close)
        return str(await server.start())
