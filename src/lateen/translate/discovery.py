"""The one table of what a proxy can ask for: resource types, and who makes each.

    names(mesh, proxy_class, type_url)          what a wildcard subscription holds, in order
    cell(mesh, proxy_class, type_url, name)     the memoised bytes of one resource

A cell's value is the serialized message, or None when there is no such resource. Cells of proxies
that must be sent the same are the same cell: the function that makes them narrows the class to its
outbound scope where it can, so ask again when the scope of a class, or its `patching`, changes.
EnvoyFilters are a layer over the cells of those proxies that they concern.
"""

from collections.abc import Callable
from typing import NamedTuple

from lateen.base import name_table as name_table_message
from lateen.base.incremental import Node, derived
from lateen.identity import trust_bundle as trust_bundle_message
from lateen.translate import endpoints, name_table, secrets, trust_bundle
from lateen.translate.clusters import build as clusters
from lateen.translate.envoy_filter import layer
from lateen.translate.listeners import gateway, inbound, outbound
from lateen.translate.proxyless import clusters as proxyless_clusters
from lateen.translate.proxyless import listeners as proxyless_listeners
from lateen.translate.proxyless import routes as proxyless_routes
from lateen.translate.rate_limit import clusters as rate_limit
from lateen.translate.routes import configuration as sidecar_routes
from lateen.translate.routes import gateway as gateway_routes
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass, ProxyKind

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
ROUTE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
EXTENSION = layer.EXTENSION
NAME_TABLE = name_table_message.TYPE_URL
TRUST_BUNDLE = trust_bundle_message.TYPE_URL


class Kind(NamedTuple):
    """One resource type: its wildcard names (None: asked for by name only) and its cells."""

    names: Callable[[Mesh, ProxyClass], tuple[str, ...]] | None
    cell: Callable[[Mesh, ProxyClass, str], Node]


@derived
def names(mesh: Mesh, proxy_class: ProxyClass, type_url: str) -> tuple[str, ...]:
    """Every resource of a wildcard type; nothing for types that are asked for by name."""
    kind = KINDS.get(type_url)
    if kind is None or kind.names is None or proxy_class.is_proxyless:
        return ()
    return layer.patched_names(mesh, proxy_class, type_url, kind.names(mesh, proxy_class))


def cell(mesh: Mesh, proxy_class: ProxyClass, type_url: str, name: str) -> Node:
    """The node that holds `bytes | None`. Unknown types have cells too; they hold None."""
    kind = KINDS.get(type_url)
    if kind is None:
        return nothing.node(mesh)
    if proxy_class.is_proxyless and type_url in PROXYLESS:
        return PROXYLESS[type_url](mesh, proxy_class, name)
    unpatched = kind.cell(mesh, proxy_class, name)
    return layer.patched_cell(mesh, proxy_class, type_url, name, unpatched)


@derived
def nothing(mesh: Mesh) -> None:
    return None


def listener_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    if proxy_class.kind is ProxyKind.ROUTER:
        return gateway.listener_names(mesh, proxy_class)
    if proxy_class.kind is ProxyKind.WAYPOINT:
        return ()
    outward = outbound.listener_names(mesh, proxy_class)
    taken = set(outward)
    inward = inbound.listener_names(mesh, proxy_class)
    return outward + tuple(name for name in inward if name not in taken)


def _listener_cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    if proxy_class.kind is ProxyKind.ROUTER:
        return gateway.listener.node(mesh, proxy_class, name)
    if name == inbound.VIRTUAL_INBOUND:
        return inbound.listener.node(mesh, proxy_class, name)
    if proxy_class.interception is Interception.NONE:
        return bound_listener.node(mesh, proxy_class, name)
    return outbound.cell(mesh, proxy_class, name)


@derived
def bound_listener(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    """Without capture both directions bind `<address>_<port>`, and only their lists tell which."""
    if name in outbound.listener_names(mesh, proxy_class):
        return outbound.listener(mesh, proxy_class, name)
    return inbound.listener(mesh, proxy_class, name)


def _route_cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    if proxy_class.kind is ProxyKind.ROUTER:
        return gateway_routes.route_configuration.node(mesh, proxy_class, name)
    return sidecar_routes.cell(mesh, proxy_class, name)


def _cluster_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    found = clusters.cluster_names(mesh, proxy_class)
    return found + rate_limit.cluster_names(mesh, proxy_class)


def _cluster_cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    if rate_limit.is_rate_limit(name):
        return rate_limit.cluster.node(mesh, proxy_class, name)
    return clusters.cell(mesh, proxy_class, name)


def _endpoint_cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    if rate_limit.is_rate_limit(name):
        return rate_limit.endpoints.node(mesh, proxy_class, name)
    return endpoints.cell(mesh, proxy_class, name)


def _name_table_cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    return name_table.name_table.node(mesh, proxy_class)


def _trust_bundle_cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    return trust_bundle.trust_bundle.node(mesh)


def _extension_cell(mesh: Mesh, proxy_class: ProxyClass, name: str) -> Node:
    """Only patches make these."""
    return nothing.node(mesh)


# What gRPC clients and servers without an Envoy are sent instead; they ask for it by name.
PROXYLESS: dict[str, Callable[[Mesh, ProxyClass, str], Node]] = {
    CLUSTER: proxyless_clusters.cluster.node,
    LISTENER: proxyless_listeners.listener.node,
    ROUTE: proxyless_routes.route_configuration.node,
}
KINDS = {
    CLUSTER: Kind(_cluster_names, _cluster_cell),
    ENDPOINT: Kind(None, _endpoint_cell),
    LISTENER: Kind(listener_names, _listener_cell),
    ROUTE: Kind(None, _route_cell),
    SECRET: Kind(None, secrets.secret.node),
    EXTENSION: Kind(None, _extension_cell),
    NAME_TABLE: Kind(lambda mesh, proxy_class: ("",), _name_table_cell),
    TRUST_BUNDLE: Kind(lambda mesh, proxy_class: ("",), _trust_bundle_cell),
}
