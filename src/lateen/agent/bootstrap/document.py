"""Joins the bootstrap. Always JSON: Envoy's YAML reader takes an unquoted `n` for false."""

import json
import socket
from dataclasses import dataclass
from typing import Any

from lateen.agent import address
from lateen.agent.address import Address
from lateen.agent.bootstrap import clusters, listeners, proxy_config, stats, telemetry
from lateen.agent.bootstrap.proxy_config import Wishes
from lateen.agent.settings import AgentSettings, NodeSettings

ADS: dict[str, Any] = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
RECONNECT = {"retry_back_off": {"base_interval": "0.1s", "max_interval": "2s"}}
CONNECTIONS_MONITOR = (
    "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
)
INTERNAL_LISTENER = "envoy.extensions.bootstrap.internal_listener.v3.InternalListener"
SELF_DISCOVERY = "ENABLE_SELF_DISCOVERY"  # metadata of the node
RUNTIME = {
    "re2.max_program_size.error_level": 32768,  # long regexes in routes are fine
    "envoy.reloadable_features.http_reject_path_with_fragment": False,
}


@dataclass(frozen=True, slots=True)
class Sockets:
    """Where the agent's own servers listen, as Envoy reaches them."""

    xds: Address
    secrets: Address
    status: Address


def bootstrap(settings: AgentSettings, sockets: Sockets) -> dict[str, Any]:
    wished = proxy_config.wishes(settings)
    runtime = {**RUNTIME, **dict(map(_runtime, wished.runtime)), **settings.envoy.runtime}
    found = {
        "node": node(settings.node),
        "admin": admin(settings),
        "layered_runtime": {
            "layers": [
                {"name": "global config", "static_layer": runtime},
                {"name": "admin", "admin_layer": {}},
            ]
        },
        "bootstrap_extensions": [
            {
                "name": "envoy.bootstrap.internal_listener",
                "typed_config": {
                    "@type": f"type.googleapis.com/{INTERNAL_LISTENER}",
                    "buffer_size_kb": 64,
                },
            }
        ],
        "stats_config": stats.stats_config(wished),
        "stats_sinks": telemetry.stats_sinks(wished),
        "stats_flush_interval": wished.stats_flush,
        "stats_eviction_interval": wished.stats_eviction,
        "tracing": telemetry.tracing(wished),
        "dynamic_resources": {
            "lds_config": ADS,
            "cds_config": ADS,
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [
                    {"envoy_grpc": {"cluster_name": "xds-grpc", "retry_policy": RECONNECT}}
                ],
            },
        },
        "static_resources": static_resources(settings, sockets, wished),
        "overload_manager": overload_manager(wished.downstream_connections),
        "cluster_manager": cluster_manager(
            wished.outlier_log, settings.socket_mark, knows_own_service=knows_own_service(settings)
        ),
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
    }
    return {name: value for name, value in found.items() if value not in ("", [], {})}


def text(settings: AgentSettings, sockets: Sockets) -> str:
    return json.dumps(bootstrap(settings, sockets), indent=1)


def node(settings: NodeSettings) -> dict[str, Any]:
    locality = settings.locality
    parts = {
        "region": locality.region,
        "zone": locality.zone,
        "sub_zone": locality.sub_zone,
    }
    return {
        "id": settings.id,
        "cluster": settings.cluster,
        "locality": {name: value for name, value in parts.items() if value},
        "metadata": settings.metadata,
    }


def admin(settings: AgentSettings) -> dict[str, Any]:
    where = address.parse(settings.listeners.admin).envoy()
    if "pipe" in where:
        where = {"pipe": {**where["pipe"], "mode": 0o600}}
    return {"address": where}


def static_resources(settings: AgentSettings, sockets: Sockets, wished: Wishes) -> dict[str, Any]:
    where = settings.listeners
    found = {
        "clusters": [
            clusters.prometheus_cluster(address.parse(where.admin)),
            clusters.agent_cluster(sockets.status),
            clusters.sds_cluster(sockets.secrets),
            clusters.xds_cluster(sockets.xds),
            *([clusters.local_cluster()] if knows_own_service(settings) else ()),
            *telemetry.telemetry_clusters(wished),
        ],
        "listeners": [],
    }
    if where.metrics:
        metrics = address.parse(where.metrics)
        found["listeners"].append(
            listeners.metrics_listener(metrics, compressed=wished.compresses_stats)
        )
    if where.health:
        found["listeners"].append(listeners.health_listener(address.parse(where.health)))
    return found


def _runtime(value: tuple[str, str]) -> tuple[str, Any]:
    """Runtime features are booleans and numbers; ProxyConfig has them all as text."""
    name, text = value
    if text in ("true", "false"):
        return name, text == "true"
    return name, int(text) if text.isdecimal() else text


def knows_own_service(settings: AgentSettings) -> bool:
    """Whether zone-aware routing is to know the zones of the workload's peers."""
    return str(settings.node.metadata.get(SELF_DISCOVERY, "")).lower() in ("true", "1")


def cluster_manager(
    outlier_log: str, socket_mark: int, *, knows_own_service: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {"enable_deferred_cluster_creation": True}
    if knows_own_service:
        found["local_cluster_name"] = clusters.LOCAL_CLUSTER
    if outlier_log:
        found["outlier_detection"] = {"event_log_path": outlier_log}
    if socket_mark:
        option = {
            "description": "SO_MARK",
            "level": str(socket.SOL_SOCKET),
            "name": str(socket.SO_MARK),
            "int_value": str(socket_mark),
            "state": "STATE_PREBIND",
        }
        found["upstream_bind_config"] = {"socket_options": [option]}
    return found


def overload_manager(connections: int) -> dict[str, Any]:
    return {
        "resource_monitors": [
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": f"type.googleapis.com/{CONNECTIONS_MONITOR}",
                    "max_active_downstream_connections": connections,
                },
            }
        ]
    }
