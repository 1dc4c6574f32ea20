"""TLSRoutes and TCPRoutes: whole connections to backends, by SNI or all of a listener."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lateen.api.resource import Resource
from lateen.api.virtual_service import (
    Destination,
    L4MatchAttributes,
    PortSelector,
    RouteDestination,
    TCPRoute,
    TLSMatchAttributes,
    TLSRoute,
    VirtualService,
)
from lateen.gateway_api.attachment import MESH, Attachment, intersects
from lateen.gateway_api.backends import Referrer, backend
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.sources import Sources

# Closes connections: there is no such host.
NOWHERE = Destination(
    host="internal.cluster.local", subset="zero-weight", port=PortSelector(number=65535)
)
Rules = tuple[tuple[RouteDestination, ...], ...]


@dataclass(frozen=True, slots=True)
class Targets:
    """Where each rule sends connections; no rules when one of them makes no sense."""

    rules: Rules
    fault: Fault | None = None


def targets(mesh: Sources, route: Resource[Any], *, of_mesh: bool) -> Targets:
    referrer = Referrer(route.kind, route.namespace, of_mesh)
    fault: Fault | None = None
    rules: list[tuple[RouteDestination, ...]] = []
    for rule in route.spec.rules:
        found = [
            (reference.weight, backend(mesh, referrer, reference))
            for reference in rule.backend_refs
            if reference.weight > 0
        ]
        for _, each in found:
            fault = each.fault or fault
            if each.is_fatal:
                return Targets((), each.fault)
        rules.append(_destinations([(w, each.destination or Destination()) for w, each in found]))
    return Targets(tuple(rules), fault)


def _destinations(weighted: list[tuple[int, Destination]]) -> tuple[RouteDestination, ...]:
    if not weighted:
        return (RouteDestination(destination=NOWHERE),)
    alone = len(weighted) == 1
    return tuple(
        RouteDestination(destination=target, weight=0 if alone else weight)
        for weight, target in weighted
    )


def services(
    route: Resource[Any], attachment: Attachment, rules: Rules
) -> Iterator[tuple[str, VirtualService]]:
    """One VirtualService for each host, with the protocol that its name has."""
    if not rules:
        return
    hostnames = getattr(route.spec, "hostnames", ())
    for host in attachment.hosts or hostnames or ("*",):
        if route.kind == "TLSRoute":
            tls = tuple(_tls(each, attachment, hostnames, host) for each in rules)
            yield "tls", VirtualService(hosts=(host,), gateways=(attachment.gateway,), tls=tls)
        else:
            tcp = tuple(_tcp(each, attachment) for each in rules)
            yield "tcp", VirtualService(hosts=(host,), gateways=(attachment.gateway,), tcp=tcp)


def _tls(
    rule: tuple[RouteDestination, ...],
    attachment: Attachment,
    hostnames: tuple[str, ...],
    host: str,
) -> TLSRoute:
    """In the mesh the names are the service's, unless the route names some of them."""
    if rule[0].destination == NOWHERE:
        return TLSRoute(route=rule)
    names = hostnames or attachment.hosts or ("*",)
    port = 0
    if attachment.gateway == MESH:
        port = attachment.parent.port or 0
        if len(names) > 1:
            names = tuple(name for name in names if intersects(host, name))
    return TLSRoute(match=(TLSMatchAttributes(sni_hosts=names, port=port),), route=rule)


def _tcp(rule: tuple[RouteDestination, ...], attachment: Attachment) -> TCPRoute:
    port = attachment.parent.port if attachment.gateway == MESH else None
    match = (L4MatchAttributes(port=port),) if port else ()
    return TCPRoute(match=match, route=rule)
