"""The listeners Envoy has before discovery: metrics and health, each one path to one cluster."""

from typing import Any

from lateen.agent.address import Address

CONNECTION_MANAGER = (
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
ROUTER = "envoy.extensions.filters.http.router.v3.Router"


def metrics_listener(address: Address) -> dict[str, Any]:
    return _listener(
        address, stat_prefix="stats", prefix="/stats/prometheus", cluster="prometheus_stats"
    )


def health_listener(address: Address) -> dict[str, Any]:
    return _listener(address, stat_prefix="agent", prefix="/healthz/ready", cluster="agent")


def _listener(address: Address, *, stat_prefix: str, prefix: str, cluster: str) -> dict[str, Any]:
    return {
        "name": f"{address.host}_{address.port}",
        "address": address.envoy(),
        "ignore_global_conn_limit": True,
        "bypass_overload_manager": True,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": _connection_manager(stat_prefix, prefix, cluster),
                    }
                ]
            }
        ],
    }


def _connection_manager(stat_prefix: str, prefix: str, cluster: str) -> dict[str, Any]:
    route = {"match": {"prefix": prefix}, "route": {"cluster": cluster}}
    return {
        "@type": f"type.googleapis.com/{CONNECTION_MANAGER}",
        "codec_type": "AUTO",
        "stat_prefix": stat_prefix,
        "route_config": {
            "virtual_hosts": [{"name": "backend", "domains": ["*"], "routes": [route]}]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"type.googleapis.com/{ROUTER}"},
            }
        ],
    }
