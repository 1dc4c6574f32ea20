"""A client Envoy that calls a server Envoy over mutual TLS, with secrets from their agents."""

from typing import Any

from google.protobuf import json_format

from lateen.envoy import schema

TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
HTTP = "type.googleapis.com/envoy.extensions.filters"
SDS: dict[str, Any] = {
    "resource_api_version": "V3",
    "api_config_source": {
        "api_type": "GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}],
    },
}
COMMON_TLS: dict[str, Any] = {
    "tls_certificate_sds_secret_configs": [{"name": "default", "sds_config": SDS}],
    "validation_context_sds_secret_config": {"name": "ROOTCA", "sds_config": SDS},
    "alpn_protocols": ["http/1.1"],
}


def server_listener(port: int) -> bytes:
    """Answers with the caller's identity, over mutual TLS only."""
    socket = {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{TLS}.DownstreamTlsContext",
            "common_tls_context": COMMON_TLS,
            "require_client_certificate": True,
        },
    }
    answer = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200},
        "response_headers_to_add": [
            {"header": {"key": "x-peer", "value": "%DOWNSTREAM_PEER_URI_SAN%"}},
            {"header": {"key": "x-serial", "value": "%DOWNSTREAM_PEER_SERIAL%"}},
            {"header": {"key": "x-labels", "value": "%DOWNSTREAM_PEER_DNS_SAN%"}},
        ],
    }
    return _listener("server", port, answer, socket)


def client_listener(port: int, name: str = "client") -> bytes:
    return _listener(name, port, {"match": {"prefix": "/"}, "route": {"cluster": "server"}})


def client_cluster(port: int, *, requests_per_connection: int = 1) -> bytes:
    """Few requests a connection: handshakes are what these tests are about."""
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    cluster = {
        "name": "server",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": "server",
            "endpoints": [
                {
                    "lb_endpoints": [
                        {
                            "endpoint": {
                                "address": {
                                    "socket_address": {"address": "127.0.0.1", "port_value": port}
                                }
                            }
                        }
                    ]
                }
            ],
        },
        "typed_extension_protocol_options": {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "explicit_http_config": {"http_protocol_options": {}},
                "common_http_protocol_options": {
                    "max_requests_per_connection": requests_per_connection
                },
            }
        },
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": f"{TLS}.UpstreamTlsContext",
                "sni": "server",
                "common_tls_context": COMMON_TLS,
            },
        },
    }
    return _message("envoy.config.cluster.v3.Cluster", cluster)


def _listener(
    name: str, port: int, route: dict[str, Any], socket: dict[str, Any] | None = None
) -> bytes:
    manager = {
        "@type": f"{HTTP}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{HTTP}.http.router.v3.Router"},
            }
        ],
    }
    chain: dict[str, Any] = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
        ]
    }
    if socket is not None:
        chain["transport_socket"] = socket
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    listener = {"name": name, "address": address, "filter_chains": [chain]}
    return _message("envoy.config.listener.v3.Listener", listener)


def _message(name: str, value: dict[str, Any]) -> bytes:
    message = schema.message(name)()
    json_format.ParseDict(value, message, descriptor_pool=schema.pool())
    return bytes(message.SerializeToString(deterministic=True))


def plain_cluster(port: int) -> bytes:
    """The application itself, in the place of the server's proxy."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    cluster = {
        "name": "server",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "server",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
    return _message("envoy.config.cluster.v3.Cluster", cluster)
