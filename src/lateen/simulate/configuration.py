"""All that one proxy would hold once everything it asks for has been sent to it.

listeners, clusters    what a wildcard subscription gives
routes                 those that the listeners fetch by name
endpoints              those of the clusters that fetch them
secrets                names alone: of listeners and clusters
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lateen.envoy import messages, types
from lateen.translate import discovery
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass

CONNECTION_MANAGER = (
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
DOWNSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


@dataclass(frozen=True)
class Configuration:
    """The messages of one proxy; routes and endpoints by name. Compared by nobody."""

    listeners: tuple[Any, ...] = ()
    routes: Mapping[str, Any] = field(default_factory=dict)
    clusters: tuple[Any, ...] = ()
    endpoints: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def configuration(mesh: Mesh, proxy_class: ProxyClass) -> Configuration:
    """Everything, computed now."""
    listeners = _all(mesh, proxy_class, discovery.LISTENER, types.Listener)
    clusters = _all(mesh, proxy_class, discovery.CLUSTER, types.Cluster)
    routes = _named(
        mesh, proxy_class, discovery.ROUTE, types.RouteConfiguration, route_names(listeners)
    )
    endpoints = _named(
        mesh, proxy_class, discovery.ENDPOINT, types.ClusterLoadAssignment,
        endpoint_names(clusters),
    )  # fmt: skip
    secrets = tuple(dict.fromkeys((*server_secrets(listeners), *client_secrets(clusters))))
    return Configuration(listeners, routes, clusters, endpoints, secrets)


def _all(mesh: Mesh, proxy_class: ProxyClass, type_url: str, made: Any) -> tuple[Any, ...]:
    names = discovery.names(mesh, proxy_class, type_url)
    return tuple(_named(mesh, proxy_class, type_url, made, names).values())


def _named(
    mesh: Mesh, proxy_class: ProxyClass, type_url: str, made: Any, names: Iterable[str]
) -> dict[str, Any]:
    found = {}
    for name in names:
        serialized = discovery.cell(mesh, proxy_class, type_url, name).read()
        if serialized is not None:
            found[name] = made.FromString(serialized)
    return found


def route_names(listeners: Iterable[Any]) -> list[str]:
    managers = (
        messages.unpack(each.typed_config)
        for chain in _chains(listeners)
        for each in chain.filters
        if each.typed_config.type_url.endswith(CONNECTION_MANAGER)
    )
    names = (each.rds.route_config_name for each in managers if each.HasField("rds"))
    return sorted(set(names), key=_natural)


def _natural(name: str) -> tuple[bool, int, str]:
    """Ports by number, then names."""
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


def _chains(listeners: Iterable[Any]) -> Iterator[Any]:
    for listener in listeners:
        yield from listener.filter_chains
        if listener.HasField("default_filter_chain"):
            yield listener.default_filter_chain


def endpoint_names(clusters: Iterable[Any]) -> list[str]:
    return [
        each.eds_cluster_config.service_name or each.name
        for each in clusters
        if each.WhichOneof("cluster_discovery_type") == "type" and each.type == each.EDS
    ]


def server_secrets(listeners: Iterable[Any]) -> Iterator[str]:
    for chain in _chains(listeners):
        yield from _secrets(chain.transport_socket, DOWNSTREAM_TLS)


def client_secrets(clusters: Iterable[Any]) -> Iterator[str]:
    for cluster in clusters:
        yield from _secrets(cluster.transport_socket, UPSTREAM_TLS)
        for match in cluster.transport_socket_matches:
            yield from _secrets(match.transport_socket, UPSTREAM_TLS)


def _secrets(socket: Any, context: str) -> Iterator[str]:
    if not socket.typed_config.type_url.endswith(context):
        return
    common = messages.unpack(socket.typed_config).common_tls_context
    yield from (each.name for each in common.tls_certificate_sds_secret_configs)
    combined = common.combined_validation_context.validation_context_sds_secret_config
    for each in (combined, common.validation_context_sds_secret_config):
        if each.name:
            yield each.name
