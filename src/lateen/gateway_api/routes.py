"""What one route contributes, by the places that it is attached to.

HTTPRoutes and GRPCRoutes of a namespace that share a listener and a hostname share a
VirtualService, so they give shares of one; `feed` joins them. TLSRoutes and TCPRoutes
(`stream_routes`) give whole VirtualServices.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec.structs import replace

from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.api.virtual_service import HTTPMatchRequest, HTTPRoute, VirtualService
from lateen.base.incremental import derived
from lateen.gateway_api import sources, stream_routes
from lateen.gateway_api.attachment import MESH, Attachment, attachments
from lateen.gateway_api.backends import Referrer
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.http_rule import rule_routes
from lateen.gateway_api.order import in_order
from lateen.gateway_api.sources import Sources

HTTP_KINDS = ("HTTPRoute", "GRPCRoute")
STREAM_KINDS = ("TLSRoute", "TCPRoute")
KINDS = HTTP_KINDS + STREAM_KINDS
NO_TARGETS = stream_routes.Targets(())


class Place(NamedTuple):
    """Address of a VirtualService that several routes may share."""

    namespace: str
    gateway: str  # `namespace/name`, or `mesh`
    host: str
    port: int = 0  # of the mesh; 0: all


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
    fault: Fault | None = None  # of its rules on gateways
    mesh_fault: Fault | None = None


@derived
def contribution(mesh: Sources, key: Key) -> Contribution:
    route = mesh.resource(key)
    if route is None:
        return Contribution()
    places = tuple(attachments(mesh, route))
    of_gateway = any(each.gateway != MESH for each in places)
    of_mesh = any(each.gateway == MESH for each in places)
    if route.kind in HTTP_KINDS:
        return _http(mesh, route, places, of_gateway=of_gateway, of_mesh=of_mesh)
    return _stream(mesh, route, places, of_gateway=of_gateway, of_mesh=of_mesh)


def _stream(
    mesh: Sources,
    route: Resource[Any],
    places: tuple[Attachment, ...],
    *,
    of_gateway: bool,
    of_mesh: bool,
) -> Contribution:
    on_gateways = stream_routes.targets(mesh, route, of_mesh=False) if of_gateway else NO_TARGETS
    on_mesh = stream_routes.targets(mesh, route, of_mesh=True) if of_mesh else NO_TARGETS
    accepted = sorted((each for each in places if each.accepted), key=lambda each: each.gateway)
    made = [
        each
        for attachment in accepted
        for each in stream_routes.services(
            route, attachment, (on_mesh if attachment.gateway == MESH else on_gateways).rules
        )
    ]
    return Contribution(
        whole=tuple(
            _resource(
                route,
                f"{route.name}~{protocol}~{index}~{sources.OF_KUBERNETES_GATEWAY}",
                spec,
                f"{route.kind}/{route.name}.{route.namespace}",
            )
            for index, (protocol, spec) in enumerate(made)
        ),
        attachments=places,
        fault=on_gateways.fault,
        mesh_fault=on_mesh.fault,
    )


def _http(
    mesh: Sources,
    route: Resource[Any],
    places: tuple[Attachment, ...],
    *,
    of_gateway: bool,
    of_mesh: bool,
) -> Contribution:
    on_gateways, fault = _rules(mesh, route, of_mesh=False) if of_gateway else ((), None)
    on_mesh, mesh_fault = _rules(mesh, route, of_mesh=True) if of_mesh else ((), None)
    shares: dict[Place, tuple[HTTPRoute, ...]] = {}
    for attachment in places:
        if not attachment.accepted:
            continue
        port = (attachment.parent.port or 0) if attachment.gateway == MESH else 0
        bound = on_mesh if attachment.gateway == MESH else on_gateways
        if port:
            bound = tuple(_on_port(each, port) for each in bound)
        for host in attachment.hosts or route.spec.hostnames or ("*",):
            if bound and attachment.serves(host):
                place = Place(route.namespace, attachment.gateway, host, port)
                shares[place] = (*shares.get(place, ()), *bound)
    return Contribution(
        shares=tuple(Share(place, bound) for place, bound in shares.items()),
        attachments=places,
        fault=fault,
        mesh_fault=mesh_fault,
    )


def _rules(
    mesh: Sources, route: Resource[Any], *, of_mesh: bool
) -> tuple[tuple[HTTPRoute, ...], Fault | None]:
    """Routes of all rules and what is wrong with the last that is not right."""
    referrer = Referrer(route.kind, route.namespace, of_mesh)
    fault: Fault | None = None
    routes: list[HTTPRoute] = []
    for index, rule in enumerate(route.spec.rules):
        made = rule_routes(mesh, referrer, route, rule, index)
        fault = made.fault or fault
        if made.routes is None:
            return (), fault
        routes.extend(made.routes)
    return tuple(routes), fault


def _on_port(route: HTTPRoute, port: int) -> HTTPRoute:
    matches = route.match or (HTTPMatchRequest(),)
    return replace(route, match=tuple(replace(match, port=port) for match in matches))


def virtual_service(place: Place, parts: list[tuple[Resource[Any], Share]]) -> Resource[Any]:
    """The shares of all routes at a place; `parts` in age order.

    Whose calls a VirtualService of the mesh governs follows from its host: see `view`.
    """
    parents = (f"{route.kind}/{route.name}.{route.namespace}" for route, _ in parts)
    owner = place.namespace if place.gateway == MESH else place.gateway.replace("/", "~")
    port = f"~{place.port}" if place.port else ""
    return _resource(
        parts[0][0],
        f"{owner}{port}~{place.host}",
        VirtualService(
            hosts=(place.host,),
            gateways=(place.gateway,),
            http=in_order(each for _, share in parts for each in share.routes),
        ),
        ",".join(parents),
    )


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
