"""The TCP proxy, and the TCP filter chain around it.

One cluster or several by weight; limits, source hashing and tunnels come from the destination's
policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lateen.api.destination_rule import TunnelSettings
from lateen.api.duration import Duration
from lateen.envoy import messages, types
from lateen.translate.filters import access_log, network
from lateen.translate.names import host_form
from lateen.view.mesh import Mesh


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPolicy:
    """What a DestinationRule says about connections as the proxy accepts and forwards them."""

    idle_timeout: Duration | None = None
    max_duration: Duration | None = None
    hashes_source: bool = False
    tunnel: TunnelSettings | None = None


PLAIN = ConnectionPolicy()


def tcp_proxy(
    mesh: Mesh,
    clusters: Sequence[tuple[str, int]],
    *,
    stat_prefix: str = "",
    policy: ConnectionPolicy = PLAIN,
    logged: bool = True,
) -> Any:
    """The `TcpProxy` to clusters with weights; a single one takes everything.

    `stat_prefix` empty: the cluster's name.
    """
    made = types.TcpProxy(stat_prefix=stat_prefix or clusters[0][0])
    if len(clusters) == 1:
        made.cluster = clusters[0][0]
    else:
        for name, weight in clusters:
            made.weighted_clusters.clusters.add(name=name, weight=weight)
    _set_policy(made, policy)
    if logged:
        access_log.add_access_logs(made, mesh)
    return made


def tcp_chain(proxy: Any) -> Any:
    """The proxy as the last filter of a filter chain."""
    return network.network_filter(network.TCP_PROXY, proxy)


def _set_policy(made: Any, policy: ConnectionPolicy) -> None:
    if policy.idle_timeout is not None:
        made.idle_timeout.CopyFrom(messages.duration(policy.idle_timeout))
    if policy.max_duration is not None:
        made.max_downstream_connection_duration.CopyFrom(messages.duration(policy.max_duration))
    if policy.hashes_source:
        made.hash_policy.add().source_ip.SetInParent()
    tunnel = policy.tunnel
    if tunnel is not None:
        made.tunneling_config.hostname = f"{host_form(tunnel.target_host)}:{tunnel.target_port}"
        made.tunneling_config.use_post = tunnel.protocol.upper() == "POST"
