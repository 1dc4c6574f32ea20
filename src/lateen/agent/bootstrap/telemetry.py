"""Telemetry that must be in the bootstrap: sinks of statistics, the mesh's Zipkin, and the
clusters they and the access log service go to."""

from typing import Any

from lateen.agent.bootstrap.clusters import HTTP2
from lateen.agent.bootstrap.proxy_config import Target, Tls, Wishes

TLS_CONTEXT = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
SDS: dict[str, Any] = {
    "resource_api_version": "V3",
    "api_config_source": {
        "api_type": "GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}],
    },
}
ZIPKIN, METRICS, ACCESS_LOG = "zipkin", "envoy_metrics_service", "envoy_accesslog_service"


def telemetry_clusters(wished: Wishes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if wished.zipkin:
        found.append({**_cluster(ZIPKIN, wished.zipkin, alpn=()), "dns_refresh_rate": "30s"})
    for name, target in (
        (METRICS, wished.metrics_service),
        (ACCESS_LOG, wished.access_log_service),
    ):
        if target:
            cluster = _cluster(name, target, alpn=("h2",))
            found.append({**cluster, "typed_extension_protocol_options": HTTP2})
    return found


def stats_sinks(wished: Wishes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if wished.metrics_service:
        config = {
            "@type": "type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig",
            "transport_api_version": "V3",
            "grpc_service": {"envoy_grpc": {"cluster_name": METRICS}},
        }
        found.append({"name": "envoy.stat_sinks.metrics_service", "typed_config": config})
    if wished.statsd:
        config = {
            "@type": "type.googleapis.com/envoy.config.metrics.v3.StatsdSink",
            "address": _address(wished.statsd),
        }
        found.append({"name": "envoy.stat_sinks.statsd", "typed_config": config})
    return found


def tracing(wished: Wishes) -> dict[str, Any]:
    """The default tracer, for listeners whose Telemetry names no provider."""
    if wished.zipkin is None:
        return {}
    config = {
        "@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
        "collector_cluster": ZIPKIN,
        "collector_endpoint": "/api/v2/spans",
        "collector_endpoint_version": "HTTP_JSON",
        "trace_id_128bit": True,
        "shared_span_context": False,
    }
    return {"http": {"name": "envoy.tracers.zipkin", "typed_config": config}}


def _cluster(name: str, target: Target, *, alpn: tuple[str, ...]) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(target)}}
    found: dict[str, Any] = {
        "name": name,
        "alt_stat_name": f"{name};",
        "type": "STRICT_DNS",
        "respect_dns_ttl": True,
        "dns_lookup_family": "V4_ONLY",
        "connect_timeout": "1s",
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if target.keepalive:
        found["upstream_connection_options"] = {"tcp_keepalive": dict(target.keepalive)}
    if target.tls.mode != "DISABLE":
        found["transport_socket"] = _transport_socket(target.tls, alpn)
    return found


def _transport_socket(tls: Tls, alpn: tuple[str, ...]) -> dict[str, Any]:
    common: dict[str, Any] = {"alpn_protocols": list(alpn)} if alpn else {}
    roots = (
        "ROOTCA" if tls.mode == "ISTIO_MUTUAL" else f"file-root:{tls.roots}" if tls.roots else ""
    )
    if roots and not tls.trusts_all:
        checks: dict[str, Any] = {}
        if tls.names:
            checks["match_typed_subject_alt_names"] = [
                {"san_type": "DNS", "matcher": {"exact": name}} for name in tls.names
            ]
        if tls.revoked:
            checks["crl"] = {"filename": tls.revoked}
        common["combined_validation_context"] = {
            "default_validation_context": checks,
            "validation_context_sds_secret_config": {"name": roots, "sds_config": SDS},
        }
    own = {
        "ISTIO_MUTUAL": "default",
        "MUTUAL": f"file-cert:{tls.certificate}~{tls.key}",
    }.get(tls.mode)
    if own:
        common["tls_certificate_sds_secret_configs"] = [{"name": own, "sds_config": SDS}]
    context: dict[str, Any] = {
        "@type": f"type.googleapis.com/{TLS_CONTEXT}",
        "common_tls_context": common,
    }
    if tls.sni:
        context["sni"] = tls.sni
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _address(target: Target) -> dict[str, Any]:
    return {"socket_address": {"address": target.host, "port_value": target.port}}
