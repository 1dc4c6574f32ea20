"""What one route contributes, by the places that it is attached to.

HTTPRoutes and GRPCRoutes of a namespace that share a listener and a hostname share a
VirtualService, so they give shares of one; `feed` joins them. TLSRoutes and TCPRoutes give whole
VirtualServices.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec.structs import replace

from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.api.virtual_service import (
    Destination,
    HTTPMatchRequest,
    HTTPRoute,
    PortSelector,
    RouteDestination,
    TCPRoute,
    TLSMatchAttributes,
    TLSRoute,
    VirtualService,
)
from lateen.base.incremental import derived
from lateen.gateway_api import sources
from lateen.gateway_api.attachment import MESH, Attachment, attachments
from lateen.gateway_api.backends import backend
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.http_rule import rule_routes
from lateen.gateway_api.order import in_order
from lateen.gateway_api.sources import Sources

HTTP_KINDS = ("HTTPRoute", "GRPCRoute")
STREAM_KINDS = ("TLSRoute", "TCPRoute")
KINDS = HTTP_KINDS + STREAM_KINDS
# Closes connections: there is no such host.
NOWHERE = Destination(
    host="internal.cluster.local", subset="zero-weight", port=PortSelector(number=65535)
)


class Place(NamedTuple):
    """Address of a VirtualService that several routes may share."""

    namespace: str
    gateway: str  # `namespace/name`, or `mesh`
    host: str
    export: str = ""  # namespace that alone sees it


@dataclass(frozen=True, slots=True)
class Share:
    """What a route adds to a VirtualService."""

    place: Place
    routes: tuple[HTTPRoute, ...]


@dataclass(frozen=True, slots=True)
class Contribution:
    """Everything that one route gives."""

    shares: tuple[Share, ...] = ()
    whole: tuple[Resource[VirtualService], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    fault: Fault | None = None


@derived
def contribution(mesh: Sources, key: Key) -> Contribution:
    route = mesh.resource(key)
    if route is None:
        return Contribution()
    if route.kind in HTTP_KINDS:
        return _http(mesh, route)
    return _stream(mesh, route)


def _http(mesh: Sources, route: Resource[Any]) -> Contribution:
    places = tuple(attachments(mesh, route))
    made = [rule_routes(mesh, route, rule, index) for index, rule in enumerate(route.spec.rules)]
    routes = tuple(each for rule in made for each in rule.routes)
    shares: dict[Place, tuple[HTTPRoute, ...]] = {}
    for attachment in places:
        if not attachment.accepted:
            continue
        bound = routes
        if attachment.gateway == MESH and attachment.parent.port:
            bound = tuple(_on_port(each, attachment.parent.port) for each in routes)
        export = _export(route, attachment)
        for host in attachment.hosts or route.spec.hostnames or ("*",):
            place = Place(route.namespace, attachment.gateway, host, export)
            shares[place] = (*shares.get(place, ()), *bound)
    return Contribution(
        shares=tuple(Share(place, bound) for place, bound in shares.items()),
        attachments=places,
        fault=next((rule.fault for rule in made if rule.fault is not None), None),
    )


def _on_port(route: HTTPRoute, port: int) -> HTTPRoute:
    matches = route.match or (HTTPMatchRequest(),)
    return replace(route, match=tuple(replace(match, port=port) for match in matches))


def _export(route: Resource[Any], attachment: Attachment) -> str:
    """A consumer's route, of another namespace than the service, is for that namespace alone."""
    foreign = attachment.gateway == MESH and attachment.owner_namespace != route.namespace
    return route.namespace if foreign else ""


def virtual_service(place: Place, parts: list[tuple[Resource[Any], Share]]) -> Resource[Any]:
    """The shares of all routes at a place; `parts` in age order."""
    parents = sorted(f"{route.kind}/{route.name}.{route.namespace}" for route, _ in parts)
    return _resource(
        parts[0][0],
        f"{place.gateway.replace('/', '~')}~{place.host}",
        VirtualService(
            hosts=(place.host,),
            gateways=(place.gateway,),
            export_to=(place.export,) if place.export else (),
            http=in_order(each for _, share in parts for each in share.routes),
        ),
        ",".join(parents),
    )


def _stream(mesh: Sources, route: Resource[Any]) -> Contribution:
    places = tuple(attachments(mesh, route))
    targets: list[tuple[RouteDestination, ...]] = []
    fault: Fault | None = None
    for rule in route.spec.rules:
        found = [
            (reference.weight, backend(mesh, route.kind, route.namespace, reference))
            for reference in rule.backend_refs
        ]
        fault = fault or next((each.fault for _, each in found if each.fault), None)
        targets.append(_destinations([(w, b.destination) for w, b in found if b.destination]))
    accepted = sorted((each for each in places if each.accepted), key=lambda each: each.gateway)
    whole = tuple(
        made
        for index, attachment in enumerate(accepted)
        for made in _stream_services(route, attachment, index, targets)
    )
    return Contribution(whole=whole, attachments=places, fault=fault)


def _destinations(
    weighted: list[tuple[int, Destination | None]],
) -> tuple[RouteDestination, ...]:
    usable = [(weight, target) for weight, target in weighted if weight > 0]
    if not usable:
        return (RouteDestination(destination=NOWHERE),)
    alone = len(usable) == 1
    return tuple(
        RouteDestination(destination=target, weight=0 if alone else weight)
        for weight, target in usable
    )


def _stream_services(
    route: Resource[Any],
    attachment: Attachment,
    index: int,
    targets: list[tuple[RouteDestination, ...]],
) -> Iterator[Resource[VirtualService]]:
    hosts = attachment.hosts or getattr(route.spec, "hostnames", ()) or ("*",)
    export = _export(route, attachment)
    spec = VirtualService(
        hosts=hosts, gateways=(attachment.gateway,), export_to=(export,) if export else ()
    )
    if route.kind == "TLSRoute":
        names = getattr(route.spec, "hostnames", ()) or hosts
        match = (TLSMatchAttributes(sni_hosts=names),)
        spec = replace(spec, tls=tuple(TLSRoute(match=match, route=each) for each in targets))
        protocol = "tls"
    else:
        spec = replace(spec, tcp=tuple(TCPRoute(route=each) for each in targets))
        protocol = "tcp"
    name = f"{route.name}~{protocol}~{index}~{sources.OF_KUBERNETES_GATEWAY}"
    yield _resource(route, name, spec, f"{route.kind}/{route.name}.{route.namespace}")


def _resource(
    route: Resource[Any], name: str, spec: VirtualService, parents: str
) -> Resource[VirtualService]:
    return Resource(
        kind="VirtualService",
        api_version="networking.istio.io/v1",
        meta=ObjectMeta(
            name=name,
            namespace=route.namespace,
            annotations={sources.PARENTS: parents, sources.ROUTE_SEMANTICS: "gateway"},
            creation_timestamp=route.meta.creation_timestamp,
        ),
        spec=spec,
        origin=route.origin,
    )
