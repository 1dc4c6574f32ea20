"""What a route does with a request: forward it (one cluster or several), redirect it, answer it.

A destination without a port means the only port of its service, else the listener's. A destination
that nobody knows still names a cluster: requests then fail, and the name says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lateen.api.duration import Duration
from lateen.api.virtual_service import (
    Destination,
    HTTPDirectResponse,
    HTTPRedirect,
    HTTPRewrite,
    HTTPRoute,
    HTTPRouteDestination,
    Percent,
    RedirectPortSelection,
)
from lateen.catalog.service import Resolution, Service
from lateen.envoy import messages
from lateen.translate import names
from lateen.translate.routes.filter_config import fractional_percent
from lateen.translate.routes.hash_policy import consistent_hash, hash_policy
from lateen.translate.routes.headers import apply_headers
from lateen.translate.routes.on_demand import needed_filters, switch_on
from lateen.translate.routes.retry import retry_policy
from lateen.translate.routes.session import keep_session
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope, find_service

REDIRECT_CODES = {0: 0, 301: 0, 302: 1, 303: 2, 307: 3, 308: 4}  # HTTP status: Envoy's enum
DEFAULT_PORTS = {"http": 80, "https": 443}
ALL_REQUESTS = Percent(value=100)


@dataclass(frozen=True, slots=True)
class Target:
    """A destination of a route, found in the mesh."""

    item: HTTPRouteDestination
    cluster: names.ClusterName
    hashed: Any | None  # the HashPolicy of its DestinationRule
    needs: tuple[str, ...]  # filters to switch on
    service: Service | None  # None: nobody knows the host


def forward(
    route: Any,
    mesh: Mesh,
    scope: OutboundScope,
    http: HTTPRoute,
    *,
    port: int,
    authority: str,
) -> bool:
    """Makes `route` forward to the destinations of `http`; False when there is none to forward to.

    `authority` is what the route's own headers ask the Host to become.
    """
    targets = [
        _target(mesh, scope, item, item.destination, port)
        for item in _weighted(http)
        if item.destination is not None
    ]
    if not targets:
        return False
    action = route.route
    set_timeout(action, http.timeout)
    if http.rewrite is not None:
        _set_rewrite(action, http.rewrite)
        authority = http.rewrite.authority or authority
    if authority:
        action.host_rewrite_literal = authority
    _add_mirrors(action, mesh, scope, http, port)
    if len(targets) == 1:
        _forward_to_one(route, targets[0])
    else:
        for target in targets:
            _add_weight(action, target)
    for target in targets:
        switch_on(route, target.needs)
        keep_session(route, target.service)
    action.append_x_forwarded_host = scope.traits.tells_host
    _set_hash_and_retries(action, mesh, http, targets)
    return True


def found_destination(
    mesh: Mesh, scope: OutboundScope, destination: Destination, listener_port: int
) -> tuple[str, str, int]:
    """Hostname, namespace ("": unknown) and port that a destination means.

    An ExternalName service means the host that it stands for.
    """
    service = find_service(mesh, scope, destination.host)
    if destination.port is not None and destination.port.number:
        port = destination.port.number
    elif service is not None and len(service.ports) == 1:
        port = service.ports[0].number
    else:
        port = listener_port
    if service is None:
        return destination.host, "", port
    if service.resolution is not Resolution.ALIAS:
        return service.hostname, service.namespace, port
    target = find_service(mesh, scope, service.external_name)
    return service.external_name, target.namespace if target is not None else "", port


def destination_cluster(
    mesh: Mesh, scope: OutboundScope, destination: Destination, listener_port: int
) -> names.ClusterName:
    hostname, _, port = found_destination(mesh, scope, destination, listener_port)
    return names.outbound_cluster(port, destination.subset, hostname)


def set_timeout(action: Any, timeout: Duration | None) -> None:
    """Unset is no limit, not Envoy's 15 seconds."""
    action.timeout.CopyFrom(messages.duration(timeout or 0))
    action.max_grpc_timeout.CopyFrom(messages.duration(timeout or 0))


def redirect(route: Any, wanted: HTTPRedirect, *, port: int, is_tls: bool) -> bool:
    """False when Envoy knows no such status code."""
    code = REDIRECT_CODES.get(wanted.redirect_code)
    if code is None:
        return False
    action = route.redirect
    action.SetInParent()
    action.response_code = code
    action.host_redirect = wanted.authority
    if wanted.prefix_rewrite:
        action.prefix_rewrite = wanted.prefix_rewrite
    elif wanted.uri:
        action.path_redirect = wanted.uri
    if wanted.scheme:
        action.scheme_redirect = wanted.scheme
    target = wanted.port or 0
    if wanted.derive_port is RedirectPortSelection.FROM_REQUEST_PORT:
        target = port  # configuration is made for one port, so it is known
    scheme = wanted.scheme or ("https" if is_tls else "http")
    if DEFAULT_PORTS.get(scheme) != target:
        action.port_redirect = target
    return True


def direct_response(route: Any, wanted: HTTPDirectResponse) -> None:
    action = route.direct_response
    action.status = wanted.status
    if wanted.body is None:
        return
    if wanted.body.string is not None:
        action.body.inline_string = wanted.body.string
    elif wanted.body.bytes is not None:
        action.body.inline_bytes = wanted.body.bytes


def _weighted(http: HTTPRoute) -> list[HTTPRouteDestination]:
    """One destination takes everything whatever its weight; of several, those with a weight."""
    known = [item for item in http.route if item.destination is not None]
    if len(known) <= 1:
        return known
    return [item for item in known if item.weight > 0]


def _set_rewrite(action: Any, rewrite: HTTPRewrite) -> None:
    pattern = rewrite.uri_regex_rewrite
    if pattern is not None:
        action.regex_rewrite.pattern.regex = pattern.match
        action.regex_rewrite.substitution = pattern.rewrite
    elif rewrite.uri:
        action.prefix_rewrite = rewrite.uri


def _add_mirrors(action: Any, mesh: Mesh, scope: OutboundScope, http: HTTPRoute, port: int) -> None:
    copies: list[tuple[Destination | None, Percent]] = []
    if http.mirror is not None:
        copies.append((http.mirror, _mirror_percent(http)))
    copies.extend((item.destination, item.percentage or ALL_REQUESTS) for item in http.mirrors)
    for destination, percent in copies:
        if destination is None or percent.value <= 0:
            continue
        made = action.request_mirror_policies.add()
        made.cluster = destination_cluster(mesh, scope, destination, port)
        made.runtime_fraction.default_value.CopyFrom(fractional_percent(percent))
        made.trace_sampled.value = False
        made.disable_shadow_host_suffix_append = True


def _mirror_percent(http: HTTPRoute) -> Percent:
    if http.mirror_percentage is not None:
        return http.mirror_percentage
    if http.mirror_percent is not None:
        return Percent(value=http.mirror_percent)
    return ALL_REQUESTS


def _target(
    mesh: Mesh,
    scope: OutboundScope,
    item: HTTPRouteDestination,
    destination: Destination,
    listener_port: int,
) -> Target:
    hostname, namespace, port = found_destination(mesh, scope, destination, listener_port)
    settings = consistent_hash(mesh, scope, hostname, namespace, destination.subset, port)
    return Target(
        item,
        names.outbound_cluster(port, destination.subset, hostname),
        hash_policy(settings) if settings is not None else None,
        needed_filters(mesh, scope, hostname, destination.subset, port),
        find_service(mesh, scope, hostname),
    )


def _forward_to_one(route: Any, target: Target) -> None:
    route.route.cluster = target.cluster
    if target.item.headers is None:
        return
    authority = apply_headers(route, target.item.headers)
    if authority and not route.route.host_rewrite_literal:
        route.route.host_rewrite_literal = authority


def _add_weight(action: Any, target: Target) -> None:
    weight = action.weighted_clusters.clusters.add(name=target.cluster)
    weight.weight.value = target.item.weight
    if target.item.headers is None:
        return
    authority = apply_headers(weight, target.item.headers)
    if authority and not action.host_rewrite_literal:
        weight.host_rewrite_literal = authority


def _set_hash_and_retries(
    action: Any, mesh: Mesh, http: HTTPRoute, targets: Sequence[Target]
) -> None:
    for target in targets:
        if target.hashed is not None and target.hashed not in action.hash_policy:
            action.hash_policy.append(target.hashed)
    retries = http.retries or mesh.config.default_http_retry_policy
    policy = retry_policy(retries, consistent_hash=bool(action.hash_policy))
    if policy is not None:
        action.retry_policy.CopyFrom(policy)
