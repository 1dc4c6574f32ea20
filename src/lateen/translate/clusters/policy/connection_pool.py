"""Connection pools: limits, timeouts, keepalive, and the protocol spoken to the endpoints.

Limits that nobody sets are the largest number there is: Envoy's own defaults (1024 connections,
3 retries) would surprise, so Istio lifts them.
"""

from typing import Any

from lateen.api.destination_rule import (
    ConnectionPoolSettings,
    H2UpgradePolicy,
    HTTPSettings,
    RetryBudget,
    TcpKeepalive,
    TCPSettings,
)
from lateen.api.duration import SECOND
from lateen.api.mesh_config import H2UpgradePolicy as MeshH2UpgradePolicy
from lateen.api.mesh_config import MeshConfig
from lateen.catalog.service import Port
from lateen.envoy.messages import duration
from lateen.translate.clusters.protocol import Upstream, UpstreamProtocol

UNLIMITED = 2**32 - 1
DEFAULT_RETRY_BUDGET_PERCENT = 20.0
DEFAULT_RETRY_CONCURRENCY = 3

NO_TCP = TCPSettings()
NO_HTTP = HTTPSettings()


def apply_connection_pool(
    cluster: Any, settings: ConnectionPoolSettings | None, config: MeshConfig
) -> None:
    """Limits and timeouts of the cluster itself; `upstream` has the HTTP side."""
    tcp = (settings and settings.tcp) or NO_TCP
    http = (settings and settings.http) or NO_HTTP
    if tcp.connect_timeout is not None:
        cluster.connect_timeout.CopyFrom(duration(tcp.connect_timeout))
    elif config.connect_timeout is not None:
        cluster.connect_timeout.CopyFrom(duration(config.connect_timeout))
    _apply_limits(cluster, tcp, http)
    keepalive = tcp.tcp_keepalive or config.tcp_keepalive
    if keepalive is not None:
        _apply_keepalive(cluster, keepalive)


def _apply_limits(cluster: Any, tcp: TCPSettings, http: HTTPSettings) -> None:
    if len(cluster.circuit_breakers.thresholds) == 0:
        cluster.circuit_breakers.thresholds.add()
    limits = cluster.circuit_breakers.thresholds[0]
    limits.max_connections.value = _limit(tcp.max_connections)
    limits.max_pending_requests.value = _limit(http.http1_max_pending_requests)
    limits.max_requests.value = _limit(http.http2_max_requests)
    limits.max_retries.value = _limit(http.max_retries)


def _limit(value: int) -> int:
    return value if value > 0 else UNLIMITED


def _apply_keepalive(cluster: Any, settings: TcpKeepalive) -> None:
    cluster.upstream_connection_options.ClearField("tcp_keepalive")
    keepalive = cluster.upstream_connection_options.tcp_keepalive
    keepalive.SetInParent()
    if settings.probes > 0:
        keepalive.keepalive_probes.value = settings.probes
    if settings.time is not None:
        keepalive.keepalive_time.value = settings.time // SECOND
    if settings.interval is not None:
        keepalive.keepalive_interval.value = settings.interval // SECOND


def apply_retry_budget(cluster: Any, budget: RetryBudget | None) -> None:
    """Retries as a share of the requests in flight, in place of a fixed number."""
    if budget is None:
        return
    target = cluster.circuit_breakers.thresholds[0].retry_budget
    percent = budget.percent
    target.budget_percent.value = DEFAULT_RETRY_BUDGET_PERCENT if percent is None else percent
    if budget.budget_interval is not None:
        target.budget_interval.CopyFrom(duration(budget.budget_interval))
    target.min_retry_concurrency.value = budget.min_retry_concurrency or DEFAULT_RETRY_CONCURRENCY


def upstream(
    settings: ConnectionPoolSettings | None,
    *,
    port: Port,
    config: MeshConfig,
    sniffs: bool,
    upgrades: bool,
) -> Upstream:
    """The HTTP side. `sniffs`: follow the client where the port's protocol is unknown (sidecars).

    `upgrades`: a policy may turn HTTP/1.1 into HTTP/2 (the way out, never the way in).
    """
    tcp = (settings and settings.tcp) or NO_TCP
    http = (settings and settings.http) or NO_HTTP
    protocol = _protocol(port, sniffs=sniffs)
    if http.use_client_protocol:
        protocol = UpstreamProtocol.CLIENT
    elif upgrades and _upgrades_to_http2(port, http, config):
        protocol = UpstreamProtocol.HTTP2
    keepalive = http.http2_keep_alive
    return Upstream(
        protocol=protocol,
        idle_timeout=http.idle_timeout if http.idle_timeout is not None else tcp.idle_timeout,
        max_connection_duration=tcp.max_connection_duration,
        max_requests_per_connection=max(http.max_requests_per_connection, 0),
        max_concurrent_streams=max(http.max_concurrent_streams, 0),
        keepalive_interval=keepalive.interval if keepalive else None,
        keepalive_timeout=keepalive.timeout if keepalive else None,
    )


def _protocol(port: Port, *, sniffs: bool) -> UpstreamProtocol:
    if port.protocol.is_http2:
        return UpstreamProtocol.HTTP2
    if port.protocol.is_sniffed and sniffs:
        return UpstreamProtocol.CLIENT
    return UpstreamProtocol.DEFAULT


def _upgrades_to_http2(port: Port, http: HTTPSettings, config: MeshConfig) -> bool:
    """A policy that says UPGRADE is believed on any port; the mesh's wish on HTTP ports only."""
    if http.h2_upgrade_policy is H2UpgradePolicy.UPGRADE:
        return True
    if http.h2_upgrade_policy is H2UpgradePolicy.DO_NOT_UPGRADE:
        return False
    return port.protocol.is_http and config.h2_upgrade_policy is MeshH2UpgradePolicy.UPGRADE
