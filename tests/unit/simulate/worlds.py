"""Small Envoy configurations, written as JSON and read as messages."""

from typing import Any

from lateen.envoy import messages

TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
HCM = (
    "type.googleapis.com/envoy.extensions.filters.network."
    "http_connection_manager.v3.HttpConnectionManager"
)
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener"


def listener(name: str, port: int, *chains: dict[str, Any], **fields: Any) -> Any:
    address = name.rpartition("_")[0] or "0.0.0.0"
    return messages.from_json(
        {
            "name": name,
            "address": {"socket_address": {"address": address, "port_value": port}},
            "filter_chains": list(chains),
            **fields,
        },
        "envoy.config.listener.v3.Listener",
    )


def tcp_chain(cluster: str, **match: Any) -> dict[str, Any]:
    config = {"@type": TCP_PROXY, "stat_prefix": "x", "cluster": cluster}
    return chain({"name": "tcp", "typed_config": config}, cluster, match)


def http_chain(routes: str = "80", name: str = "http", **match: Any) -> dict[str, Any]:
    config = {"@type": HCM, "stat_prefix": "x", "rds": {"route_config_name": routes}}
    return chain({"name": "http", "typed_config": config}, name, match)


def chain(network_filter: dict[str, Any], name: str, match: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "filters": [network_filter]}
    return {**made, "filter_chain_match": match} if match else made


def with_tls(inner: dict[str, Any], *, mutual: bool) -> dict[str, Any]:
    secret = "default" if mutual else "kubernetes://certificate"
    context = {
        "@type": TLS,
        "common_tls_context": {"tls_certificate_sds_secret_configs": [{"name": secret}]},
        "require_client_certificate": mutual,
    }
    return {**inner, "transport_socket": {"name": "tls", "typed_config": context}}


def inspectors(*, disabled_from: int = 0, disabled_to: int = 0) -> dict[str, Any]:
    """The TLS and HTTP inspectors; `disabled_*` is a range of ports that they leave alone."""
    made = []
    for kind, message in (("tls", "TlsInspector"), ("http", "HttpInspector")):
        entry: dict[str, Any] = {
            "name": f"envoy.filters.listener.{kind}_inspector",
            "typed_config": {"@type": f"{INSPECTOR}.{kind}_inspector.v3.{message}"},
        }
        if disabled_to:
            ports = {"start": disabled_from, "end": disabled_to}
            entry["filter_disabled"] = {"destination_port_range": ports}
        made.append(entry)
    return {"listener_filters": made}


def routes(name: str, **hosts: list[dict[str, Any]]) -> Any:
    """A RouteConfiguration; each keyword is a virtual host whose only domain is `*`."""
    virtual_hosts = [
        {"name": host, "domains": ["*"], "routes": entries} for host, entries in hosts.items()
    ]
    return configuration(name, virtual_hosts)


def configuration(name: str, virtual_hosts: list[dict[str, Any]], **fields: Any) -> Any:
    return messages.from_json(
        {"name": name, "virtual_hosts": virtual_hosts, **fields},
        "envoy.config.route.v3.RouteConfiguration",
    )


def route(name: str, cluster: str = "", **match: Any) -> dict[str, Any]:
    return {"name": name, "match": match or {"prefix": "/"}, "route": {"cluster": cluster or name}}
