"""Pieces of listeners that outbound and explicit ones share: addresses, settings, chain matches."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from lateen.envoy import messages, types
from lateen.view.mesh import Mesh

HTTP_PROTOCOLS = ("http/1.1", "h2c")  # what http_inspector reports
RAW_BUFFER = "raw_buffer"
UNIX = "unix://"
CONNECT_TIMEOUT_SECONDS = 15  # for a transport socket's handshake


def listener(
    mesh: Mesh, name: str, *, address: str, port: int, direction: str, is_bound: bool
) -> Any:
    """A Listener without filter chains. `is_bound` False: it only takes redirected connections."""
    made = types.Listener(name=name, traffic_direction=direction)
    made.address.CopyFrom(socket_address(address, port))
    made.listener_filters_timeout.CopyFrom(
        messages.duration(mesh.config.protocol_detection_timeout or 0)
    )
    made.continue_on_listener_filters_timeout = True
    if is_bound:
        made.max_connections_to_accept_per_socket_event.value = 1
    else:
        made.bind_to_port.value = False
    return made


def socket_address(address: str, port: int) -> Any:
    """A TCP address, or a unix socket when it begins with `unix://`."""
    made = types.Address()
    if address.startswith(UNIX):
        made.pipe.path = address.removeprefix(UNIX)
        return made
    made.socket_address.address = address
    made.socket_address.port_value = port
    return made


def filter_chain(filters: Iterable[Any], *, name: str = "") -> Any:
    made = types.FilterChain(name=name)
    made.filters.extend(filters)
    made.transport_socket_connect_timeout.CopyFrom(messages.seconds(CONNECT_TIMEOUT_SECONDS))
    return made


def match_plaintext_http(chain: Any) -> None:
    """Only connections in which http_inspector sees HTTP."""
    chain.filter_chain_match.transport_protocol = RAW_BUFFER
    chain.filter_chain_match.application_protocols.extend(HTTP_PROTOCOLS)


def match_prefixes(chain: Any, prefixes: Iterable[str]) -> None:
    """Only connections to addresses of these CIDRs; an address alone is a CIDR of one."""
    for prefix in prefixes:
        network = parsed_prefix(prefix)
        if network is not None:
            added = chain.filter_chain_match.prefix_ranges.add()
            added.address_prefix = str(network.network_address)
            added.prefix_len.value = network.prefixlen


def parsed_prefix(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
