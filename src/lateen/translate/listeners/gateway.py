"""What a gateway's proxy listens on: one listener for each bind and port of its Gateways.

A listener without a single filter chain (nothing is bound to its TCP or TLS servers) does not
exist. Filter chains that Envoy could not tell apart are left out: the older one stays.
"""

from collections.abc import Iterable
from typing import Any

from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate.families import add_twins, anywhere
from lateen.translate.filters import access_log, network, proxy_settings
from lateen.translate.listeners import gateway_chain, gateway_quic
from lateen.translate.rate_limit.limits import add_metadata
from lateen.translate.rate_limit.network import network_filters as connection_limits
from lateen.view import gateway
from lateen.view.gateway import GatewayListener
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.proxy_settings import topology

PRIVILEGED = 1024


def listener_name(wanted: GatewayListener, proxy_class: ProxyClass) -> str:
    return f"{wanted.bind or anywhere(proxy_class.families)}_{wanted.port}"


@derived
def listener_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    """Of the listeners that have something to do."""
    names = [
        listener_name(each, proxy_class) for each in gateway.gateway_listeners(mesh, proxy_class)
    ]
    if gateway_quic.is_wanted(proxy_class):
        names += [f"{gateway_quic.PREFIX}{name}" for name in names]
    return tuple(name for name in names if listener(mesh, proxy_class, name) is not None)


@derived
def listener(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    if name.startswith(gateway_quic.PREFIX):
        over_tcp = listener(mesh, proxy_class, name.removeprefix(gateway_quic.PREFIX))
        return gateway_quic.listener(over_tcp) if over_tcp is not None else None
    for wanted in gateway.gateway_listeners(mesh, proxy_class):
        if listener_name(wanted, proxy_class) == name and _can_bind(proxy_class, wanted):
            return _listener(mesh, proxy_class, wanted)
    return None


def _can_bind(proxy_class: ProxyClass, wanted: GatewayListener) -> bool:
    return wanted.port >= PRIVILEGED or not proxy_class.unprivileged


def _own_address(proxy_class: ProxyClass) -> str:
    """Every address, unless the machine's loopback addresses are shared out among workloads."""
    shared = proxy_class.loopback_index and proxy_class.addresses
    return proxy_class.addresses[0] if shared else anywhere(proxy_class.families)


def _listener(mesh: Mesh, proxy_class: ProxyClass, wanted: GatewayListener) -> bytes | None:
    name = listener_name(wanted, proxy_class)
    made = types.Listener(name=name, traffic_direction="OUTBOUND")
    made.address.socket_address.address = wanted.bind or _own_address(proxy_class)
    made.address.socket_address.port_value = wanted.port
    made.max_connections_to_accept_per_socket_event.value = 1
    if wanted.is_http:
        made.filter_chains.append(
            gateway_chain.http_chain(mesh, proxy_class, wanted.servers[0], name)
        )
    else:
        for server in wanted.servers:
            found = gateway_chain.chains(mesh, proxy_class, server, name)
            made.filter_chains.extend(found)
    _leave_out_twins(made)
    _limit_rates(made, mesh, proxy_class, wanted.port)
    if not made.filter_chains:
        return None
    if topology(mesh, proxy_class).proxy_protocol is not None:
        made.listener_filters.append(network.listener_filter(network.PROXY_PROTOCOL))
    if _tells_names(made.filter_chains):
        made.listener_filters.append(network.listener_filter(network.TLS_INSPECTOR))
    add_twins(made, proxy_class.families)
    proxy_settings.apply_to_listener(made, mesh, proxy_class)
    access_log.add_listener_log(made, mesh)
    return messages.serialize(made)


def _limit_rates(made: Any, mesh: Mesh, proxy_class: ProxyClass, port: int) -> None:
    """Connections are counted first in every chain; the chains name whose limits they carry."""
    limits = connection_limits(mesh, proxy_class, port)
    for chain in made.filter_chains:
        add_metadata(chain, mesh, proxy_class.namespace, proxy_class.labels)
        if limits:
            filters = [*limits, *chain.filters]
            del chain.filters[:]
            chain.filters.extend(filters)


def _leave_out_twins(made: Any) -> None:
    """Envoy refuses a listener whole when two of its chains match the same."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    kept = []
    for chain in made.filter_chains:
        match = chain.filter_chain_match
        alpn = tuple(match.application_protocols)
        wanted = list(match.server_names) or [""]
        fresh = [name for name in dict.fromkeys(wanted) if (name, alpn) not in seen]
        if not fresh:
            continue
        seen.update((name, alpn) for name in fresh)
        if fresh != wanted:
            del match.server_names[:]
            match.server_names.extend(fresh)
        kept.append(chain)
    del made.filter_chains[:]
    made.filter_chains.extend(kept)


def _tells_names(chains: Iterable[Any]) -> bool:
    """Whether the chains differ in what a TLS client says first."""
    matches = (chain.filter_chain_match for chain in chains)
    return any(match.server_names or match.application_protocols for match in matches)
