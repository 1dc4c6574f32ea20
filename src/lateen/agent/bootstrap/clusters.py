"""The clusters that Envoy must know before discovery: its agent and itself."""

from typing import Any

from lateen.agent.address import Address

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
HTTP2 = {
    HTTP_OPTIONS: {
        "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
        "explicit_http_config": {
            "http2_protocol_options": {"initial_stream_window_size": 16 * 1024 * 1024}
        },
    }
}
LOCAL_CLUSTER = "local_cluster"
MANY = 100_000  # discovery must never meet a circuit breaker
LIMITS = {
    "max_connections": MANY,
    "max_pending_requests": MANY,
    "max_requests": MANY,
}


def xds_cluster(address: Address) -> dict[str, Any]:
    """`xds-grpc`: the agent's relay to the control plane."""
    return {
        **_static("xds-grpc", address, connect_timeout="1s"),
        "circuit_breakers": {
            "thresholds": [{"priority": "DEFAULT", **LIMITS}, {"priority": "HIGH", **LIMITS}]
        },
        "typed_extension_protocol_options": HTTP2,
    }


def sds_cluster(address: Address) -> dict[str, Any]:
    """`sds-grpc`: the agent's secrets."""
    return {
        **_static("sds-grpc", address, connect_timeout="1s"),
        "typed_extension_protocol_options": HTTP2,
    }


def local_cluster() -> dict[str, Any]:
    """The proxies of the workload's own service, by zone: what zone-aware routing starts from."""
    return {
        "name": LOCAL_CLUSTER,
        "alt_stat_name": f"{LOCAL_CLUSTER};",
        "type": "EDS",
        "connect_timeout": "0.250s",
        "eds_cluster_config": {
            "service_name": LOCAL_CLUSTER,
            "eds_config": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
        },
    }


def agent_cluster(status: Address) -> dict[str, Any]:
    return _static("agent", status.local(), connect_timeout="0.250s")


def prometheus_cluster(admin: Address) -> dict[str, Any]:
    return _static("prometheus_stats", admin.local(), connect_timeout="0.250s")


def _static(name: str, address: Address, *, connect_timeout: str) -> dict[str, Any]:
    return {
        "name": name,
        "alt_stat_name": f"{name};",
        "type": "STATIC",
        "connect_timeout": connect_timeout,
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address.envoy()}}]}],
        },
    }
