"""Which object a patch is for. Each question assumes that those about what holds the object were
answered with yes."""

from typing import Any

from lateen.api.envoy_filter import (
    ApplyTo,
    FilterMatch,
    ListenerMatch,
    PatchContext,
    RouteAction,
    RouteConfigurationMatch,
)
from lateen.translate import names
from lateen.translate.envoy_filter.extensions import is_named
from lateen.translate.envoy_filter.patch import Patch

VIRTUAL = (names.VIRTUAL_INBOUND, names.VIRTUAL_OUTBOUND)
TargetPorts = tuple[tuple[int, tuple[int, ...]], ...]  # of a gateway: target -> service ports


def in_context(patch: Patch, context: PatchContext) -> bool:
    return patch.match.context in (PatchContext.ANY, context)


# -- listeners ---------------------------------------------------------------------------------


def is_listener(patch: Patch, listener: Any) -> bool:
    match = patch.match.listener
    if match is None:
        return True
    if match.name and match.name != listener.name:
        return False
    if patch.apply_to is not ApplyTo.LISTENER and listener.name in VIRTUAL:
        return True  # the port is one of its filter chains'
    return match.port_number in (0, listener.address.socket_address.port_value)


def is_chain(patch: Patch, listener: Any, chain: Any) -> bool:
    match = patch.match.listener
    if match is None:
        return True
    port = chain.filter_chain_match.destination_port.value
    if listener.name in VIRTUAL and match.port_number not in (0, port):
        return False
    return match.filter_chain is None or _is_chain(match, chain)


def _is_chain(match: ListenerMatch, chain: Any) -> bool:
    wanted, found = match.filter_chain, chain.filter_chain_match
    assert wanted is not None
    protocols = wanted.application_protocols.split(",") if wanted.application_protocols else []
    return (
        wanted.name in ("", chain.name)
        and (not wanted.sni or wanted.sni in found.server_names)
        and wanted.transport_protocol in ("", found.transport_protocol)
        and set(protocols) <= set(found.application_protocols)
        and wanted.destination_port in (0, found.destination_port.value)
    )


def listener_filter_name(patch: Patch) -> str:
    return patch.match.listener.listener_filter if patch.match.listener is not None else ""


def network_filter_name(patch: Patch) -> str:
    found = _filter(patch)
    return found.name if found is not None else ""


def http_filter_name(patch: Patch) -> str:
    found = _filter(patch)
    return found.sub_filter.name if found is not None and found.sub_filter is not None else ""


def _filter(patch: Patch) -> FilterMatch | None:
    if patch.match.waypoint is not None:
        return patch.match.waypoint.filter
    listener = patch.match.listener
    chain = listener.filter_chain if listener is not None else None
    return chain.filter if chain is not None else None


def is_network_filter(patch: Patch, network_filter: Any) -> bool:
    name = network_filter_name(patch)
    return not name or is_named(name, network_filter.name)


def is_http_filter(patch: Patch, http_filter: Any) -> bool:
    name = http_filter_name(patch)
    return not name or is_named(name, http_filter.name)


# -- routes ------------------------------------------------------------------------------------


def is_route_configuration(
    patch: Patch, name: str, context: PatchContext, target_ports: TargetPorts = ()
) -> bool:
    match = patch.match.route_configuration
    if match is None:
        return True
    if match.name not in ("", name):
        return False
    if context is PatchContext.GATEWAY:
        return _is_of_gateway(match, name, dict(target_ports))
    return match.port_number in (0, _sidecar_port(name))


def _sidecar_port(name: str) -> int:
    """Of `9080`, or of `inbound|8080||`."""
    parts = names.parse_cluster(name)
    port = str(parts.port) if parts is not None else name
    return int(port) if port.isdecimal() else -1


def _is_of_gateway(
    match: RouteConfigurationMatch, name: str, target_ports: dict[int, tuple[int, ...]]
) -> bool:
    """Of `http.8080`, or of `https.443.https-name.gateway.namespace`."""
    parts = name.split(".")
    port = int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() else -1
    is_tls = parts[0] == "https" and len(parts) >= 5
    port_name = parts[2] if is_tls else ""
    gateway = f"{parts[4]}/{parts[3]}" if is_tls else ""
    return (
        match.port_number in (0, *target_ports.get(port, (port,)))
        and match.port_name in ("", port_name)
        and match.gateway in ("", gateway)
    )


def is_virtual_host(patch: Patch, host: Any) -> bool:
    found = patch.match.route_configuration
    match = found.vhost if found is not None else None
    if match is None:
        return True
    return match.name in ("", host.name) and (
        not match.domain_name or match.domain_name in host.domains
    )


def has_route_match(patch: Patch) -> bool:
    found = patch.match.route_configuration
    waypoint = patch.match.waypoint
    return (found is not None and found.vhost is not None and found.vhost.route is not None) or (
        waypoint is not None and waypoint.route is not None
    )


def is_route(patch: Patch, route: Any) -> bool:
    if patch.match.waypoint is not None and patch.match.waypoint.route is not None:
        return patch.match.waypoint.route.name in ("", route.name)
    found = patch.match.route_configuration
    match = found.vhost.route if found is not None and found.vhost is not None else None
    if match is None:
        return True
    if match.name not in ("", route.name):
        return False
    action = route.WhichOneof("action")
    if match.action is RouteAction.ANY or action not in ("route", "redirect", "direct_response"):
        return True
    return bool(match.action == action.upper())


# -- clusters ----------------------------------------------------------------------------------


def is_cluster(patch: Patch, name: str, hosts: tuple[str, ...] = ()) -> bool:
    """`hosts`: the services that an inbound cluster is for; its name does not tell."""
    match = patch.match.cluster
    if match is None:
        return True
    if match.name:
        return match.name == name
    parts = names.parse_cluster(name) or names.ClusterParts("", 0, "", "")
    inbound = parts.direction == "inbound" and hosts
    return (
        match.subset in ("", parts.subset)
        and match.service in ("", *(hosts if inbound else (parts.host,)))
        and match.port_number in (0, parts.port)
    )
