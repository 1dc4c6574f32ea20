"""HTTP/3 beside HTTPS: the same chains on UDP, for gateways that ask for it.

    node metadata QUIC_LISTENERS=true      (proxyMetadata: ISTIO_META_QUIC_LISTENERS)

Clients come by TCP first and are told by `alt-svc`. The port must be open for UDP too.
"""

from typing import Any

from lateen.envoy import messages, types
from lateen.translate import tls
from lateen.translate.filters.network import HTTP_CONNECTION_MANAGER
from lateen.view.proxy import ProxyClass

QUIC_LISTENERS = "QUIC_LISTENERS"  # node metadata
PREFIX = "udp_"
QUIC_SOCKET = "envoy.transport_sockets.quic"
ALPN = ("h3",)
ADVERTISED_SECONDS = 86400  # as Istio's


def is_wanted(proxy_class: ProxyClass) -> bool:
    return dict(proxy_class.settings).get(QUIC_LISTENERS, "").lower() in ("true", "1")


def listener(over_tcp: bytes) -> bytes | None:
    """The twin of a gateway's listener; None when it ends no HTTPS."""
    made = types.Listener.FromString(over_tcp)
    chains = [quic for chain in made.filter_chains if (quic := _chain(chain)) is not None]
    if not chains:
        return None
    made.name = f"{PREFIX}{made.name}"
    del made.filter_chains[:]
    del made.listener_filters[:]
    made.filter_chains.extend(chains)
    made.ClearField("max_connections_to_accept_per_socket_event")
    made.ClearField("access_log")
    made.udp_listener_config.quic_options.SetInParent()
    made.udp_listener_config.downstream_socket_config.prefer_gro.value = True
    made.enable_reuse_port.value = True
    for address in (made.address, *(each.address for each in made.additional_addresses)):
        address.socket_address.protocol = "UDP"
    return messages.serialize(made)


def alt_svc(port: int) -> str:
    """The header that tells clients of HTTPS on a port that it is there by HTTP/3 too."""
    return f'h3=":{port}"; ma={ADVERTISED_SECONDS}'


def _chain(chain: Any) -> Any | None:
    if chain.transport_socket.name != tls.TLS_SOCKET or not chain.filters:
        return None
    last = chain.filters[-1]
    if last.name != HTTP_CONNECTION_MANAGER:
        return None
    manager = types.HttpConnectionManager.FromString(last.typed_config.value)
    manager.codec_type = "HTTP3"
    manager.http3_protocol_options.SetInParent()
    context = types.DownstreamTlsContext.FromString(chain.transport_socket.typed_config.value)
    del context.common_tls_context.alpn_protocols[:]
    context.common_tls_context.alpn_protocols.extend(ALPN)
    quic = types.QuicDownstreamTransport(downstream_tls_context=context)
    made = types.FilterChain()
    made.CopyFrom(chain)
    del made.filters[:]
    made.filters.add(name=last.name).typed_config.CopyFrom(messages.pack(manager))
    made.transport_socket.name = QUIC_SOCKET
    made.transport_socket.typed_config.CopyFrom(messages.pack(quic))
    return made
