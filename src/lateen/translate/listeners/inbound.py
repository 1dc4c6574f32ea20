"""What a workload's proxy listens on for others: `virtualInbound`, or its ports one by one.

    virtualInbound 0.0.0.0:15006
      to 15006 itself     BlackHoleCluster
      any other port      passed on as it came (InboundPassthroughCluster)
      ports of services   HTTP or TCP to `inbound|<port>||`

Where nothing is captured (interception NONE, captureMode NONE) a port gets a listener of its own,
bound to the workload's address.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.families import add_twins, anywhere
from lateen.translate.filters import access_log, network, proxy_settings, tcp
from lateen.translate.listeners import inbound_chain
from lateen.translate.listeners.inbound_match import Accepted
from lateen.translate.listeners.inbound_port import (
    InboundPort,
    inbound_ports,
    passthrough_ports,
)
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass

VIRTUAL_INBOUND = names.VIRTUAL_INBOUND
BLACK_HOLE_CHAIN = "virtualInbound-blackhole"
TPROXY_MARK = 1337  # tells the workload's own answers from new connections; as capture sets it


@derived
def listener_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    """Bound ports first, `virtualInbound` last."""
    bound = tuple(port.name for port in inbound_ports(mesh, proxy_class) if port.is_bound)
    if proxy_class.interception is Interception.NONE:
        return bound
    return (*bound, VIRTUAL_INBOUND)


@derived
def listener(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    if name == VIRTUAL_INBOUND:
        if proxy_class.interception is Interception.NONE:
            return None
        return messages.serialize(_virtual_inbound(mesh, proxy_class))
    for port in inbound_ports(mesh, proxy_class):
        if port.is_bound and port.name == name:
            return messages.serialize(_bound(mesh, proxy_class, port))
    return None


def _virtual_inbound(mesh: Mesh, proxy_class: ProxyClass) -> Any:
    number = mesh.config.proxy_inbound_listen_port
    captured = [port for port in inbound_ports(mesh, proxy_class) if not port.is_bound]
    ports = [*passthrough_ports(mesh, proxy_class), *captured]
    made = _listener(mesh, proxy_class, VIRTUAL_INBOUND, anywhere(proxy_class.families), number)
    made.filter_chains.append(_black_hole(mesh, number))
    for port in ports:
        made.filter_chains.extend(inbound_chain.filter_chains(mesh, proxy_class, port))
    if proxy_class.interception is Interception.TPROXY:
        made.transparent.value = True
        made.listener_filters.append(_original_source())
    made.listener_filters.append(network.listener_filter(network.ORIGINAL_DST))
    made.listener_filters.extend(_inspectors(number, ports))
    return made


def _bound(mesh: Mesh, proxy_class: ProxyClass, port: InboundPort) -> Any:
    made = _listener(mesh, proxy_class, port.name, port.bind, port.port)
    made.filter_chains.extend(inbound_chain.filter_chains(mesh, proxy_class, port))
    kinds = inbound_chain.accepted(port)
    for name, needs in INSPECTORS:
        if any(map(needs, kinds)):
            made.listener_filters.append(network.listener_filter(name))
    return made


def _listener(mesh: Mesh, proxy_class: ProxyClass, name: str, address: str, number: int) -> Any:
    made = types.Listener(name=name, traffic_direction="INBOUND")
    made.address.socket_address.address = address
    made.address.socket_address.port_value = number
    timeout = mesh.config.protocol_detection_timeout or 0
    made.listener_filters_timeout.CopyFrom(messages.duration(timeout))
    made.continue_on_listener_filters_timeout = True
    made.max_connections_to_accept_per_socket_event.value = 1
    add_twins(made, proxy_class.families)
    proxy_settings.apply_to_listener(made, mesh, proxy_class)
    access_log.add_listener_log(made, mesh)
    return made


def _black_hole(mesh: Mesh, number: int) -> Any:
    """A connection to the proxy's own port would come back to it for ever."""
    chain = types.FilterChain(name=BLACK_HOLE_CHAIN)
    chain.filter_chain_match.destination_port.value = number
    proxy = tcp.tcp_proxy(mesh, ((names.BLACK_HOLE_CLUSTER, 1),), logged=False)
    chain.filters.append(tcp.tcp_chain(proxy))
    return chain


def _original_source() -> Any:
    made = types.ListenerFilter(name=network.ORIGINAL_SRC)
    made.typed_config.CopyFrom(messages.pack(types.OriginalSrc(mark=TPROXY_MARK)))
    return made


# -- protocol detection ------------------------------------------------------------------------

INSPECTORS: tuple[tuple[str, Callable[[Accepted], bool]], ...] = (
    (network.TLS_INSPECTOR, lambda kind: kind.needs_tls_inspector),
    (network.HTTP_INSPECTOR, lambda kind: kind.needs_http_inspector),
)


def _inspectors(number: int, ports: Sequence[InboundPort]) -> list[Any]:
    """Each inspector only looks at ports that have a chain for what it finds."""
    made = []
    for name, needs in INSPECTORS:
        wanted = {port.port: any(map(needs, inbound_chain.accepted(port))) for port in ports}
        wanted[number] = False
        if any(wanted.values()):
            inspector = network.listener_filter(name)
            _disable(inspector, wanted.pop(0), wanted)
            made.append(inspector)
    return made


def _disable(inspector: Any, by_default: bool, wanted: dict[int, bool]) -> None:
    """`by_default` is what holds for ports that are not among `wanted`."""
    exceptions = sorted(port for port, needed in wanted.items() if needed is not by_default)
    if by_default:
        inspector.filter_disabled.CopyFrom(_any_of(exceptions))
    else:
        inspector.filter_disabled.not_match.CopyFrom(_any_of(exceptions))


def _any_of(ports: Iterable[int]) -> Any:
    rules = []
    for port in ports:
        rule = types.ListenerFilterChainMatchPredicate()
        rule.destination_port_range.start, rule.destination_port_range.end = port, port + 1
        rules.append(rule)
    if len(rules) == 1:
        return rules[0]
    made = types.ListenerFilterChainMatchPredicate()
    made.or_match.rules.extend(rules)
    return made
