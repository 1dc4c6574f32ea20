"""Listeners of Gateways and ListenerSets, judged, and the internal Gateway of each.

A listener that refers to a certificate which is absent, malformed or of another namespace without
a grant gets no internal Gateway: nothing is served rather than something else.
"""

from dataclasses import dataclass

from lateen.api.gateway import Gateway, Port, Server
from lateen.api.gateway_api.gateway import GatewaySpec, Listener
from lateen.api.gateway_api.references import FromNamespaces
from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.base.incremental import derived
from lateen.gateway_api import classes, permissions, sources
from lateen.gateway_api.classes import GatewayClass
from lateen.gateway_api.conflicts import Slot, conflict, effective_port, slot
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.listener_tls import listener_tls
from lateen.gateway_api.sources import Sources

HTTP_ROUTES = ("HTTPRoute", "GRPCRoute")
HBONE, HBONE_PORT = "HBONE", 15008
PROTOCOLS = ("HTTP", "HTTPS", "TLS", "TCP")
NOT_WAYPOINT = f'Expected a single listener on port {HBONE_PORT} with protocol "{HBONE}"'
NOT_EAST_WEST = (
    f"East-west gateway listeners must be either port {HBONE_PORT} with protocol "
    f'"{HBONE}" and TLS.Mode == Terminate, or TLS with TLS.Mode == Passthrough'
)


@dataclass(frozen=True, slots=True)
class BoundListener:
    """A listener, and what is wrong with it."""

    owner: Key  # Gateway or ListenerSet
    parent: Key  # the Gateway
    name: str
    port: int
    protocol: str
    hostname: str
    kinds: tuple[str, ...]
    allowed: FromNamespaces | None
    internal: str  # name of the internal Gateway, in the owner's namespace
    takes_routes: bool = True
    fault: Fault | None = None  # of its TLS
    unsupported: str = ""  # protocol or shape: the message
    unexpected_kinds: bool = False  # routes that it names cannot attach
    conflict: str = ""  # reason
    resource: Resource[Gateway] | None = None  # None: nothing is served


@derived
def listeners(mesh: Sources, owner: Key) -> tuple[BoundListener, ...]:
    """Of a Gateway or a ListenerSet; none when it is not ours or not accepted."""
    resource = mesh.resource(owner)
    if resource is None:
        return ()
    if owner.kind == sources.GATEWAY:
        parent = resource
    else:
        found = parent_of(mesh, resource)
        if found is None or refusal(mesh, resource, found):
            return ()
        parent = found
    of_class = classes.class_of(mesh, parent.spec)
    if of_class is None or not (of_class.is_programmed and of_class.is_deployed):
        return ()
    if not classes.service_names(mesh, parent):
        return ()
    taken = _taken(mesh, parent, owner)
    bound = []
    for listener in resource.spec.listeners:
        occupied = slot(listener)
        reason = conflict(occupied, taken)
        if not reason:
            taken.append(occupied)
        bound.append(_bound(mesh, resource, parent, listener, of_class, reason))
    return tuple(bound)


def parent_of(mesh: Sources, listener_set: Resource[object]) -> Resource[GatewaySpec] | None:
    reference = getattr(listener_set.spec, "parent_ref", None)
    if reference is None or (reference.of_group, reference.of_kind) != (sources.GROUP, "Gateway"):
        return None
    namespace = reference.namespace or listener_set.namespace
    return mesh.resource(Key(sources.GATEWAY, namespace, reference.name))


def refusal(mesh: Sources, listener_set: Resource[object], parent: Resource[GatewaySpec]) -> str:
    """Why a Gateway does not take a ListenerSet; empty when it does."""
    of_class = classes.class_of(mesh, parent.spec)
    if of_class is not None and not of_class.takes_listener_sets:
        name = parent.spec.gateway_class_name
        return f'The "{name}" GatewayClass does not support ListenerSet'
    allowed = parent.spec.allowed_listeners
    admitted = permissions.admits(
        mesh,
        allowed.namespaces if allowed is not None else None,
        parent.namespace,
        listener_set.namespace,
        default="None",
    )
    if admitted:
        return ""
    return "The parent Gateway does not allow this reference; check the 'spec.allowedRoutes'"


@derived
def attached_sets(mesh: Sources, gateway: Key) -> tuple[Key, ...]:
    """ListenerSets that a Gateway takes, oldest first."""
    parent = mesh.resource(gateway)
    found = [
        each
        for each in mesh.all_of_kind("ListenerSet")
        if parent is not None
        and (owner := parent_of(mesh, each)) is not None
        and owner.key == gateway
        and not refusal(mesh, each, parent)
    ]
    return tuple(each.key for each in sorted(found, key=lambda each: each.age))


@derived
def credentials_of_sets(mesh: Sources, namespace: str) -> frozenset[str]:
    """Credentials of ListenerSets, which are judged already, for proxies of their Gateways.

    By the namespace of these: a set may be of another one, and its certificates with it.
    """
    found: set[str] = set()
    for each in mesh.all_of_kind("ListenerSet"):
        parent = parent_of(mesh, each)
        if parent is None or parent.namespace != namespace:
            continue
        for listener in listeners(mesh, each.key):
            for server in listener.resource.spec.servers if listener.resource is not None else ():
                if server.tls is not None:
                    tls = server.tls
                    found |= {tls.credential_name, *tls.credential_names}
                    found.add(tls.ca_cert_credential_name)
    return frozenset(found - {""})


def _taken(mesh: Sources, parent: Resource[GatewaySpec], owner: Key) -> list[Slot]:
    """What listeners occupy that come before the owner's."""
    if owner == parent.key:
        return []
    taken: list[Slot] = []
    for key in (parent.key, *attached_sets(mesh, parent.key)):
        if key == owner:
            break
        older = mesh.resource(key)
        for each in older.spec.listeners if older is not None else ():
            occupied = slot(each)
            if not conflict(occupied, taken):
                taken.append(occupied)
    return taken


def _bound(
    mesh: Sources,
    owner: Resource[object],
    parent: Resource[GatewaySpec],
    listener: Listener,
    of_class: GatewayClass,
    reason: str,
) -> BoundListener:
    tls, fault = listener_tls(mesh, owner, parent, listener)
    allowed = listener.allowed_routes.namespaces if listener.allowed_routes is not None else None
    internal = f"{owner.name}~{sources.OF_KUBERNETES_GATEWAY}~{listener.name}"
    port = effective_port(listener)
    server = Server(
        port=Port(number=port, name="default", protocol=listener.protocol),
        hosts=tuple(
            f"{namespace}/{listener.hostname or '*'}"
            for namespace in permissions.admitted_namespaces(mesh, allowed, owner.namespace)
        ),
        tls=tls,
    )
    kinds, expected = route_kinds(listener)
    takes_routes = of_class is classes.INGRESS or (
        of_class is classes.EAST_WEST and listener.port != HBONE_PORT
    )
    wrong = _unsupported_protocol(listener, of_class)
    served = takes_routes and fault is None and not reason and not wrong
    return BoundListener(
        owner=owner.key,
        parent=parent.key,
        name=listener.name,
        port=port,
        protocol=listener.protocol,
        hostname=listener.hostname,
        kinds=kinds,
        allowed=allowed,
        internal=internal,
        takes_routes=takes_routes,
        fault=fault,
        unsupported=_unexpected_shape(listener, of_class) or wrong,
        unexpected_kinds=not expected,
        conflict=reason,
        resource=_internal(mesh, owner, parent, listener, internal, server) if served else None,
    )


def _unsupported_protocol(listener: Listener, of_class: GatewayClass) -> str:
    protocol = listener.protocol
    if not effective_port(listener):
        return f"protocol {protocol} requires a port to be set"
    if protocol in PROTOCOLS:
        return ""
    if protocol == HBONE:
        if of_class in (classes.WAYPOINT, classes.EAST_WEST):
            return ""
        return f'protocol "{protocol}" is only supported for waypoint proxies'
    if protocol.upper() in (*PROTOCOLS, HBONE):
        upper = protocol.upper()
        return f'protocol "{protocol}" is unsupported. hint: "{upper}" (uppercase) may be supported'
    return f'protocol "{protocol}" is unsupported'


def _unexpected_shape(listener: Listener, of_class: GatewayClass) -> str:
    """Waypoints and gateways between networks are expected to listen in one way."""
    tunnel = (listener.port, listener.protocol) == (HBONE_PORT, HBONE)
    mode = listener.tls.mode if listener.tls is not None else ""
    if of_class is classes.WAYPOINT and not tunnel:
        return NOT_WAYPOINT
    if of_class is classes.EAST_WEST:
        passes = listener.protocol == "TLS" and mode == "Passthrough"
        if not passes and not (tunnel and mode == "Terminate"):
            return NOT_EAST_WEST
    return ""


def _internal(
    mesh: Sources,
    owner: Resource[object],
    parent: Resource[GatewaySpec],
    listener: Listener,
    name: str,
    server: Server,
) -> Resource[Gateway]:
    kind = sources.kind_of(owner)
    account = classes.account_name(mesh, parent) if classes.is_managed(parent.spec) else ""
    annotations = {
        sources.GATEWAY_SEMANTICS: "gateway",
        sources.GATEWAY_SERVICE: ",".join(classes.service_names(mesh, parent)),
        sources.PARENTS: f"{kind}/{owner.name}/{listener.name}.{owner.namespace}",
        sources.SERVICE_ACCOUNT: account,
    }
    if kind != "Gateway":
        annotations[sources.PARENT_NAMESPACE] = parent.namespace
    return Resource(
        kind="Gateway",
        api_version="networking.istio.io/v1",
        meta=ObjectMeta(
            name=name,
            namespace=owner.namespace,
            annotations=annotations,
            creation_timestamp=owner.meta.creation_timestamp,
        ),
        spec=Gateway(servers=(server,)),
        origin=owner.origin,
    )


def route_kinds(listener: Listener) -> tuple[tuple[str, ...], bool]:
    """Kinds of routes that may attach, and whether that is all that the listener names."""
    ends_tls = listener.tls is not None and listener.tls.mode == "Terminate"
    by_protocol = {
        "HTTP": HTTP_ROUTES,
        "HTTPS": HTTP_ROUTES,
        "TCP": ("TCPRoute",),
        "TLS": ("TLSRoute", "TCPRoute") if ends_tls else ("TLSRoute",),
    }
    carried = by_protocol.get(listener.protocol, ())
    wanted = listener.allowed_routes.kinds if listener.allowed_routes is not None else ()
    if not wanted:
        return carried, True
    named = [each.kind for each in wanted if each.group == sources.GROUP]
    kinds = tuple(kind for kind in carried if kind in named)
    return kinds, len(kinds) == len(wanted)
