"""The clusters of one proxy: their names in order, and the cell of each.

sidecar   services, BlackHole, Passthrough, its own ports, InboundPassthrough
gateway   services, BlackHole, and SNI-DNAT clusters when a server passes TLS through by name
"""

from lateen.api.gateway import TLSmode
from lateen.base.incremental import Node, derived
from lateen.translate import names, unknown_hosts
from lateen.translate.clusters import fixed, inbound, outbound
from lateen.translate.unknown_hosts import is_captured
from lateen.view.gateway import gateway_servers
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import rule_scope
from lateen.view.proxy import ProxyClass, ProxyKind

FIXED = {
    names.BLACK_HOLE_CLUSTER: fixed.black_hole,
    names.PASSTHROUGH_CLUSTER: fixed.passthrough,
}
OF_FAMILIES = {
    names.INBOUND_PASSTHROUGH_CLUSTER: fixed.inbound_passthrough,
    names.DYNAMIC_DNS_CLUSTER: fixed.dynamic_dns,
}


@derived
def cluster_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    scope = rule_scope(mesh, proxy_class)
    found = outbound.outbound_names(mesh, scope)
    if proxy_class.kind is not ProxyKind.SIDECAR:
        passes_through = auto_passthrough(mesh, proxy_class)
        more = outbound.server_names(mesh, scope) if passes_through else ()
        return (*found, *more, names.BLACK_HOLE_CLUSTER)
    dynamic = (names.DYNAMIC_DNS_CLUSTER,) if has_dynamic_dns(mesh, proxy_class) else ()
    return (
        *found,
        names.BLACK_HOLE_CLUSTER,
        names.PASSTHROUGH_CLUSTER,
        *dynamic,
        *inbound.inbound_names(mesh, proxy_class),
        names.INBOUND_PASSTHROUGH_CLUSTER,
    )


def cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    """The memo that holds the bytes, or None when there is no such cluster.

    Outbound cells belong to the scope, so that all its proxies share them: ask again when the
    scope of the class changes.
    """
    if name in FIXED:
        return FIXED[name].node(mesh)
    if name in OF_FAMILIES:
        return OF_FAMILIES[name].node(mesh, proxy_class.families)
    if name.startswith("inbound|"):
        return inbound.inbound_cluster.node(mesh, proxy_class, name)
    scope = rule_scope(mesh, proxy_class)
    return outbound.outbound_cluster.node(mesh, scope, name, is_captured(proxy_class))


@derived
def cluster(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    """One cluster's bytes, whichever kind it is."""
    if name in FIXED:
        return FIXED[name](mesh)
    if name in OF_FAMILIES:
        return OF_FAMILIES[name](mesh, proxy_class.families)
    if name.startswith("inbound|"):
        return inbound.inbound_cluster(mesh, proxy_class, name)
    scope = rule_scope(mesh, proxy_class)
    return outbound.outbound_cluster(mesh, scope, name, is_captured(proxy_class))


@derived
def auto_passthrough(mesh: Mesh, proxy_class: ProxyClass) -> bool:
    """Whether the gateway forwards TLS by the server name that mesh clients present."""
    return any(
        entry.server.tls is not None and entry.server.tls.mode is TLSmode.AUTO_PASSTHROUGH
        for entry in gateway_servers(mesh, proxy_class)
    )


@derived
def has_dynamic_dns(mesh: Mesh, proxy_class: ProxyClass) -> bool:
    """Whether unknown hosts are reached by name."""
    scope = rule_scope(mesh, proxy_class)
    return unknown_hosts.resolves(mesh, scope, captured=is_captured(proxy_class))
