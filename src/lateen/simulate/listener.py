"""Which listener and which filter chain of a proxy a connection meets.

    destination port > destination address > server name > transport protocol > ALPN

At each step Envoy keeps the chains that match best, or those without that criterion, and never
goes back to a chain it left behind.
"""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lateen.envoy import messages
from lateen.simulate.call import Application, Call, Direction, Failure

VIRTUAL_INBOUND = "virtualInbound"
VIRTUAL_OUTBOUND = "virtualOutbound"
WILDCARDS = ("0.0.0.0", "::")
TLS_INSPECTOR = "envoy.filters.listener.tls_inspector"
HTTP_INSPECTOR = "envoy.filters.listener.http_inspector"
INSPECTED_ALPN = {Application.HTTP: "http/1.1", Application.HTTP2: "h2c"}


def find_listener(listeners: Sequence[Any], call: Call) -> Any | None:
    """The listener whose address fits best; captured traffic that fits none meets `virtual...`."""
    if call.direction is Direction.INBOUND:
        virtual = next((each for each in listeners if each.name == VIRTUAL_INBOUND), None)
        return virtual or _bound(listeners, (call.address,), call.port)
    return (
        _bound(listeners, (call.address,), call.port)
        or _bound(listeners, WILDCARDS, call.port)
        or next((each for each in listeners if each.name == VIRTUAL_OUTBOUND), None)
    )


def _bound(listeners: Sequence[Any], addresses: Iterable[str], port: int) -> Any | None:
    wanted = {(address, port) for address in addresses}
    for listener in listeners:
        places = [listener.address, *(each.address for each in listener.additional_addresses)]
        if any(
            (place.socket_address.address, place.socket_address.port_value) in wanted
            for place in places
        ):
            return listener
    return None


def find_filter_chain(listener: Any, call: Call) -> Any | Failure:
    """The filter chain, or why there is none."""
    inspects_tls = inspects(listener, TLS_INSPECTOR, call.port)
    alpn = call.offered_alpn if inspects_tls else ""
    if not call.is_encrypted and inspects(listener, HTTP_INSPECTOR, call.port):
        alpn = INSPECTED_ALPN.get(call.application, "")
    transport = "tls" if call.is_encrypted and inspects_tls else "raw_buffer"

    chains = list(listener.filter_chains)
    chains = _best(chains, lambda match: _port_rank(match, call.port))
    chains = _best(chains, lambda match: _prefix_rank(match, call.address))
    chains = _best(chains, lambda match: _server_name_rank(match, call.server_name))
    chains = _best(chains, lambda match: _equal_rank(match.transport_protocol, transport))
    chains = _best(chains, lambda match: _alpn_rank(match, alpn))
    if len(chains) > 1:
        return Failure.AMBIGUOUS_FILTER_CHAIN
    if chains:
        return chains[0]
    if listener.HasField("default_filter_chain"):
        return listener.default_filter_chain
    return Failure.NO_FILTER_CHAIN


Rank = int | None  # None: does not match; 0: has no such criterion; more: matches better


def _best(chains: list[Any], rank: Callable[[Any], Rank]) -> list[Any]:
    ranked = [(rank(chain.filter_chain_match), chain) for chain in chains]
    top = max((found for found, _ in ranked if found is not None), default=None)
    return [chain for found, chain in ranked if found == top and found is not None]


def _port_rank(match: Any, port: int) -> Rank:
    if not match.HasField("destination_port"):
        return 0
    return 1 if match.destination_port.value == port else None


def _prefix_rank(match: Any, address: str) -> Rank:
    if not match.prefix_ranges:
        return 0
    lengths = [
        range_.prefix_len.value
        for range_ in match.prefix_ranges
        if _contains(range_.address_prefix, range_.prefix_len.value, address)
    ]
    return 1 + max(lengths) if lengths else None


def _contains(prefix: str, length: int, address: str) -> bool:
    if not address:
        return False
    network = ipaddress.ip_network(f"{prefix}/{length}", strict=False)
    place = ipaddress.ip_address(address)
    return place.version == network.version and place in network


EXACT_NAME = 1 << 20  # beats any wildcard, however long


def _server_name_rank(match: Any, server_name: str) -> Rank:
    if not match.server_names:
        return 0
    ranks = [_name_rank(pattern, server_name) for pattern in match.server_names]
    return max((rank for rank in ranks if rank), default=None)


def _name_rank(pattern: str, server_name: str) -> int:
    if pattern == server_name:
        return EXACT_NAME
    if pattern.startswith("*") and server_name.endswith(pattern[1:]) and server_name:
        return len(pattern)
    return 0


def _equal_rank(wanted: str, found: str) -> Rank:
    if not wanted:
        return 0
    return 1 if wanted == found else None


def _alpn_rank(match: Any, alpn: str) -> Rank:
    if not match.application_protocols:
        return 0
    return 1 if alpn in match.application_protocols else None


def inspects(listener: Any, filter_name: str, port: int) -> bool:
    """Whether this listener filter looks at connections to this port."""
    return any(
        each.name == filter_name
        and not (each.HasField("filter_disabled") and _predicate(each.filter_disabled, port))
        for each in listener.listener_filters
    )


def _predicate(predicate: Any, port: int) -> bool:
    match predicate.WhichOneof("rule"):
        case "any_match":
            return True
        case "or_match":
            return any(_predicate(each, port) for each in predicate.or_match.rules)
        case "and_match":
            return all(_predicate(each, port) for each in predicate.and_match.rules)
        case "not_match":
            return not _predicate(predicate.not_match, port)
        case "destination_port_range":
            ports = predicate.destination_port_range
            return bool(ports.start <= port < ports.end)
    return False


def find_network_filter(chain: Any, full_name: str) -> Any | None:
    """The first network filter whose configuration is that message, unpacked."""
    suffix = f"/{full_name}"
    for each in chain.filters:
        if each.typed_config.type_url.endswith(suffix):
            return messages.unpack(each.typed_config)
    return None


DOWNSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def tls_context(chain: Any) -> Any | None:
    """The DownstreamTlsContext of a chain; None when it takes plaintext."""
    if not chain.HasField("transport_socket"):
        return None
    packed = chain.transport_socket.typed_config
    return messages.unpack(packed) if packed.type_url.endswith(f"/{DOWNSTREAM_TLS}") else None


def requires_mesh_certificate(chain: Any, *, secret: str = "default") -> bool:
    """Whether only clients of the mesh are let in: our own certificate, and theirs required."""
    context = tls_context(chain)
    if context is None or not context.require_client_certificate.value:
        return False
    secrets = context.common_tls_context.tls_certificate_sds_secret_configs
    return bool(secrets) and secrets[0].name == secret
