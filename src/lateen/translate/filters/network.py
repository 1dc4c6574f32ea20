"""Network and listener filters by name, as they stand in a filter chain."""

from typing import Any

from lateen.envoy import messages, types

HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"
TCP_PROXY = "envoy.filters.network.tcp_proxy"
SNI_DYNAMIC_FORWARD_PROXY = "envoy.filters.network.sni_dynamic_forward_proxy"
SET_FILTER_STATE = "envoy.filters.network.set_filter_state"
MONGO_PROXY = "envoy.filters.network.mongo_proxy"
TLS_INSPECTOR = "envoy.filters.listener.tls_inspector"
HTTP_INSPECTOR = "envoy.filters.listener.http_inspector"
ORIGINAL_DST = "envoy.filters.listener.original_dst"
ORIGINAL_SRC = "envoy.filters.listener.original_src"
PROXY_PROTOCOL = "envoy.filters.listener.proxy_protocol"

INITIAL_READ_BYTES = 512  # a ClientHello usually fits; more is read when it does not

_LISTENER_FILTERS = {
    TLS_INSPECTOR: "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    HTTP_INSPECTOR: "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
    ORIGINAL_DST: "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
    ORIGINAL_SRC: "envoy.extensions.filters.listener.original_src.v3.OriginalSrc",
    PROXY_PROTOCOL: "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
}


def network_filter(name: str, config: Any) -> Any:
    """A filter of a filter chain."""
    made = types.Filter(name=name)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


def listener_filter(name: str) -> Any:
    """A listener filter with its default settings."""
    made = types.ListenerFilter(name=name)
    if name == TLS_INSPECTOR:
        config = types.TlsInspector()
        config.initial_read_buffer_size.value = INITIAL_READ_BYTES
        made.typed_config.CopyFrom(messages.pack(config))
        return made
    made.typed_config.CopyFrom(messages.empty(_LISTENER_FILTERS[name]))
    return made
