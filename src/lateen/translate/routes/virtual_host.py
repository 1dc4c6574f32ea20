"""Virtual hosts of sidecars, each a cell of its own: one host and port, with its routes.

Such a cell is a RouteConfiguration that holds nothing but this virtual host: parts join by
concatenation, so one changed VirtualService is one virtual host generated again and one join.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import unknown_hosts
from lateen.translate.routes import action
from lateen.translate.routes.http import default_route, http_routes
from lateen.translate.routes.on_demand import ANYWHERE, switch_on
from lateen.view import hosts
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope
from lateen.view.virtual_service import (
    RoutedVirtualService,
    routed,
    virtual_service_for,
    virtual_services,
)

ALLOW_ANY = "allow_any"
BLOCK_ALL = "block_all"
BAD_GATEWAY = 502


@derived
def service_host(
    mesh: Mesh,
    scope: OutboundScope,
    index: int,
    hostname: str,
    port: int,
    domains: tuple[str, ...],
) -> bytes:
    """The VirtualHost of a service: by the VirtualService that owns it, else straight to it.

    `index` is the egress listener's.
    """
    table, made = _virtual_host(scope, f"{hostname}:{port}", domains)
    routes = _routes(mesh, scope, index, hostname, port)
    made.routes.extend(routes or [default_route(mesh, scope, hostname, port)])
    return messages.serialize(table)


@derived
def asks_source_labels(
    mesh: Mesh, scope: OutboundScope, index: int, hostname: str, port: int
) -> bool:
    """Whether the routes of a host may depend on labels that `scope` was made without."""
    owner = virtual_service_for(mesh, scope, index, hostname)
    if owner is None:
        return False
    if any(match.source_labels for http in owner.http for match in http.match):
        return True
    return not http_routes(mesh, scope, owner, port=port)  # then another one may be asked


@derived
def unregistered_host(
    mesh: Mesh,
    scope: OutboundScope,
    key: Key,
    hostname: str,
    port: int,
    domains: tuple[str, ...],
) -> bytes | None:
    """The VirtualHost of a host that only a VirtualService (`key`) knows; None without routes."""
    found = routed(mesh, key)
    routes = http_routes(mesh, scope, found, port=port) if found is not None else []
    if not routes:
        return None
    table, made = _virtual_host(scope, f"{hostname}:{port}", domains)
    made.routes.extend(routes)
    return messages.serialize(table)


@derived
def catch_all_host(mesh: Mesh, scope: OutboundScope, captured: bool) -> bytes:
    """What happens to hosts that the table does not know, as the outbound traffic policy says."""
    cluster = unknown_hosts.http_cluster(mesh, scope, captured=captured)
    name = ALLOW_ANY if cluster else BLOCK_ALL
    table, made = _virtual_host(scope, name, ("*",))
    route = made.routes.add(name=name)
    route.match.prefix = "/"
    if not cluster:
        route.direct_response.status = BAD_GATEWAY
        return messages.serialize(table)
    route.route.cluster = cluster
    action.set_timeout(route.route, None)
    switch_on(route, ANYWHERE)
    return messages.serialize(table)


def _routes(mesh: Mesh, scope: OutboundScope, index: int, hostname: str, port: int) -> list[Any]:
    """Of the VirtualService that owns the host; of the next one where that has none for us."""
    owner = virtual_service_for(mesh, scope, index, hostname)
    if owner is None:
        return []
    for rule in chain((owner,), _others(mesh, scope, index, hostname, owner)):
        routes = http_routes(mesh, scope, rule, port=port)
        if routes:
            return routes
    return []


def _others(
    mesh: Mesh, scope: OutboundScope, index: int, hostname: str, owner: RoutedVirtualService
) -> Iterator[RoutedVirtualService]:
    """Further VirtualServices of the host: more specific hosts first, then by age."""

    def nearest(rule: RoutedVirtualService) -> tuple[bool, int]:
        covering = (host for host in rule.hosts if hosts.is_subset(hostname, host))
        return min(map(hosts.specificity, covering))[:2]

    found = [
        rule
        for rule in virtual_services(mesh, scope, index)
        if rule.key != owner.key and any(hosts.is_subset(hostname, host) for host in rule.hosts)
    ]
    yield from sorted(found, key=nearest)


def _virtual_host(scope: OutboundScope, name: str, domains: tuple[str, ...]) -> tuple[Any, Any]:
    """A RouteConfiguration and its only VirtualHost, to be given routes."""
    table = types.RouteConfiguration()
    made = table.virtual_hosts.add(name=name)
    made.include_request_attempt_count = not scope.traits.hides_attempts
    made.domains.extend(domains)
    return table, made
