"""HTTP routes: of a VirtualService, and the one that a service has without any.

    http[]          list order; each match element is one Envoy route
      match[]       what cannot hold for this port and proxy is left out
      ...           nothing after a route that takes every request is generated

Sidecars and gateways use the same builders; `gateways` tells them apart.
"""

from typing import Any

from lateen.api.virtual_service import HTTPMatchRequest, HTTPRoute
from lateen.envoy import messages, types
from lateen.translate import metadata, names
from lateen.translate.routes import action, filter_config
from lateen.translate.routes.hash_policy import consistent_hash, hash_policy
from lateen.translate.routes.headers import apply_headers
from lateen.translate.routes.match import applies, is_catch_all, route_match
from lateen.translate.routes.on_demand import needed_filters, switch_on
from lateen.translate.routes.retry import retry_policy
from lateen.translate.routes.session import keep_session
from lateen.translate.routes.whole_segments import (
    GATEWAY,
    answer_500_without_cluster,
    semantics,
    take_whole_segments,
)
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope, find_service
from lateen.view.virtual_service import MESH, RoutedVirtualService

SIDECAR_GATEWAYS = frozenset((MESH,))
DEFAULT_ROUTE = "default"


def http_routes(
    mesh: Mesh,
    scope: OutboundScope,
    virtual_service: RoutedVirtualService,
    *,
    port: int,
    gateways: frozenset[str] = SIDECAR_GATEWAYS,
    is_tls: bool = False,
) -> list[Any]:
    """The `Route` messages of a VirtualService for one listener port; none may apply.

    `gateways` are the gateways (`namespace/name`, or `mesh`) that the routes are made for.
    """
    made: list[Any] = []
    for http in virtual_service.http:
        for match in http.match or (None,):
            if match is not None and not applies(
                match,
                port=port,
                gateways=gateways,
                namespace=scope.namespace,
                labels=scope.labels,
            ):
                continue
            built = _route(mesh, scope, virtual_service, http, match, port=port, is_tls=is_tls)
            if built is None:
                continue
            made.append(built)
            if is_catch_all(built.match):
                return made
    return made


def default_route(mesh: Mesh, scope: OutboundScope, hostname: str, port: int) -> Any:
    """Everything to the service itself, with the default retries and no timeout."""
    route = types.Route(name=DEFAULT_ROUTE)
    route.match.prefix = "/"
    route.route.cluster = names.outbound_cluster(port, "", hostname)
    action.set_timeout(route.route, None)
    service = find_service(mesh, scope, hostname)
    namespace = service.namespace if service is not None else ""
    settings = consistent_hash(mesh, scope, hostname, namespace, "", port)
    hashed = hash_policy(settings) if settings is not None else None
    if hashed is not None:
        route.route.hash_policy.append(hashed)
    policy = retry_policy(mesh.config.default_http_retry_policy, consistent_hash=hashed is not None)
    if policy is not None:
        route.route.retry_policy.CopyFrom(policy)
    switch_on(route, needed_filters(mesh, scope, hostname, "", port))
    keep_session(route, service)
    route.decorator.operation = f"{names.host_form(hostname)}:{port}/*"
    return route


def _route(
    mesh: Mesh,
    scope: OutboundScope,
    virtual_service: RoutedVirtualService,
    http: HTTPRoute,
    match: HTTPMatchRequest | None,
    *,
    port: int,
    is_tls: bool,
) -> Any | None:
    route = types.Route(name=_name(http, match))
    route.match.CopyFrom(route_match(match))
    metadata.set_config(route, virtual_service.key)
    if match is not None and match.stat_prefix:
        route.stat_prefix = match.stat_prefix
    authority = apply_headers(route, http.headers) if http.headers is not None else ""
    if http.redirect is not None:
        if not action.redirect(route, http.redirect, port=port, is_tls=is_tls):
            return None
    elif http.direct_response is not None:
        action.direct_response(route, http.direct_response)
    elif not action.forward(route, mesh, scope, http, port=port, authority=authority):
        return None
    meaning = semantics(virtual_service)
    if meaning:
        take_whole_segments(route)
    if meaning == GATEWAY:
        answer_500_without_cluster(route)
    route.decorator.operation = _operation(route, virtual_service.key.name, port)
    _set_filter_config(route, http)
    return route


def _name(http: HTTPRoute, match: HTTPMatchRequest | None) -> str:
    return f"{http.name}.{match.name}" if match is not None and match.name else http.name


def _operation(route: Any, virtual_service: str, port: int) -> str:
    """The name of the span: `<host>:<port>/<path>` of the destination, if there is only one."""
    match = route.match
    path = match.path or match.safe_regex.regex
    if not path:
        path = f"{match.prefix or match.path_separated_prefix}*"
    target = names.parse_cluster(route.route.cluster)
    if target is not None:
        return f"{names.host_form(target.host)}:{target.port}{path}"
    return f"{virtual_service}:{port}{path}"


def _set_filter_config(route: Any, http: HTTPRoute) -> None:
    per_filter = route.typed_per_filter_config
    injected = filter_config.fault(http.fault) if http.fault is not None else None
    if injected is not None:
        per_filter[filter_config.FAULT_FILTER].CopyFrom(messages.pack(injected))
    if http.cors_policy is not None:
        policy = filter_config.cors(http.cors_policy)
        per_filter[filter_config.CORS_FILTER].CopyFrom(messages.pack(policy))
