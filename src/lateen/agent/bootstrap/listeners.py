"""The listeners Envoy has before discovery: metrics and health, each one path to one cluster."""

from typing import Any

from lateen.agent.address import Address

CONNECTION_MANAGER = (
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
ROUTER = "envoy.extensions.filters.http.router.v3.Router"
COMPRESSOR = "envoy.extensions.filters.http.compressor.v3.Compressor"
COMPRESSORS = (  # best first
    ("brotli", "envoy.extensions.compression.brotli.compressor.v3.Brotli"),
    ("zstd", "envoy.extensions.compression.zstd.compressor.v3.Zstd"),
    ("gzip", "envoy.extensions.compression.gzip.compressor.v3.Gzip"),
)
METRICS_TYPES = (
    "text/plain",
    "application/vnd.google.protobuf",
    "application/openmetrics-text",
    "application/openmetrics-protobuf",
)


def metrics_listener(address: Address, *, compressed: bool) -> dict[str, Any]:
    return _listener(
        address,
        stat_prefix="stats",
        prefix="/stats/prometheus",
        cluster="prometheus_stats",
        filters=tuple(map(_compressor, COMPRESSORS)) if compressed else (),
    )


def health_listener(address: Address) -> dict[str, Any]:
    return _listener(address, stat_prefix="agent", prefix="/healthz/ready", cluster="agent")


def _compressor(library: tuple[str, str]) -> dict[str, Any]:
    name, kind = library
    config = {
        "@type": f"type.googleapis.com/{COMPRESSOR}",
        "compressor_library": {
            "name": f"stats_{name}",
            "typed_config": {"@type": f"type.googleapis.com/{kind}"},
        },
        "response_direction_config": {"common_config": {"content_type": list(METRICS_TYPES)}},
    }
    return {"name": f"envoy.filters.http.compressor.{name}", "typed_config": config}


def _listener(
    address: Address,
    *,
    stat_prefix: str,
    prefix: str,
    cluster: str,
    filters: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
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
                        "typed_config": _connection_manager(stat_prefix, prefix, cluster, filters),
                    }
                ]
            }
        ],
    }


def _connection_manager(
    stat_prefix: str, prefix: str, cluster: str, filters: tuple[dict[str, Any], ...]
) -> dict[str, Any]:
    route = {"match": {"prefix": prefix}, "route": {"cluster": cluster}}
    return {
        "@type": f"type.googleapis.com/{CONNECTION_MANAGER}",
        "codec_type": "AUTO",
        "stat_prefix": stat_prefix,
        "route_config": {
            "virtual_hosts": [{"name": "backend", "domains": ["*"], "routes": [route]}]
        },
        "http_filters": [
            *filters,
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"type.googleapis.com/{ROUTER}"},
            },
        ],
    }
