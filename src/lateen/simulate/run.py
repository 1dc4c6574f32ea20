"""Where a call goes, evaluated on what a proxy is really sent.

    listener -> filter chain -> TLS -> virtual host -> route -> clusters

The answer is that of Envoy's own rules applied to the generated messages; nothing here looks at
the user's resources.
"""

from dataclasses import replace
from typing import Any

from lateen.simulate import listener as listeners
from lateen.simulate import route as routes
from lateen.simulate.call import Action, Call, Failure, Outcome, Security
from lateen.simulate.configuration import CONNECTION_MANAGER, Configuration

TCP_PROXY = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def run(configuration: Configuration, call: Call, *, mesh_secret: str = "default") -> Outcome:
    """Follows the call until it is forwarded, answered or fails."""
    listener = listeners.find_listener(configuration.listeners, call)
    if listener is None:
        return Outcome(failure=Failure.NO_LISTENER)
    outcome = Outcome(listener=listener.name)
    chain = listeners.find_filter_chain(listener, call)
    if isinstance(chain, Failure):
        return replace(outcome, failure=chain)
    outcome = replace(outcome, filter_chain=chain.name)
    refused = _handshake(chain, call, mesh_secret)
    if refused:
        return replace(outcome, failure=refused)
    manager = listeners.find_network_filter(chain, CONNECTION_MANAGER)
    if manager is not None:
        return _http(configuration, chain, manager, call, outcome)
    return _tcp(chain, outcome)


def _handshake(chain: Any, call: Call, mesh_secret: str) -> Failure | None:
    if not chain.HasField("transport_socket"):
        return None
    if not call.is_encrypted:
        return Failure.TLS_EXPECTED
    mutual = listeners.requires_mesh_certificate(chain, secret=mesh_secret)
    if mutual != (call.security is Security.MUTUAL):
        return Failure.MUTUAL_TLS_MISMATCH
    return None


def _tcp(chain: Any, outcome: Outcome) -> Outcome:
    proxy = listeners.find_network_filter(chain, TCP_PROXY)
    if proxy is None:
        return outcome
    clusters: tuple[tuple[str, int], ...] = ((proxy.cluster, 1),) if proxy.cluster else ()
    if proxy.WhichOneof("cluster_specifier") == "weighted_clusters":
        clusters = routes.weighted(proxy.weighted_clusters.clusters)
    return replace(outcome, action=Action.FORWARD, clusters=clusters)


def _http(
    configuration: Configuration, chain: Any, manager: Any, call: Call, outcome: Outcome
) -> Outcome:
    if not call.application.is_http:
        return replace(outcome, failure=Failure.PROTOCOL)
    if call.is_encrypted and not chain.HasField("transport_socket"):
        return replace(outcome, failure=Failure.PROTOCOL)
    table = manager.route_config
    if not manager.HasField("route_config"):
        name = manager.rds.route_config_name
        outcome = replace(outcome, route_configuration=name)
        table = configuration.routes.get(name)
    host = table and routes.find_virtual_host(table, call.host)
    if not host:
        return replace(outcome, failure=Failure.NO_VIRTUAL_HOST)
    outcome = replace(outcome, virtual_host=host.name)
    if host.require_tls == host.ALL and not call.is_encrypted:
        return replace(outcome, failure=Failure.TLS_REDIRECT)
    return _route(host, call, outcome)


def _route(host: Any, call: Call, outcome: Outcome) -> Outcome:
    found = routes.find_route(host, call)
    if found is None:
        return replace(outcome, failure=Failure.NO_ROUTE)
    action, clusters, status = routes.action(found)
    return replace(
        outcome,
        route=found.name,
        action=action,
        clusters=clusters,
        status=status,
        source=_source(found),
    )


def _source(route: Any) -> str:
    fields = route.metadata.filter_metadata
    return fields["istio"].fields["config"].string_value if "istio" in fields else ""
