"""Listeners of Gateways and ListenerSets, judged, and the internal Gateway of each.

A listener that refers to a certificate which is absent, malformed or of another namespace without
a grant gets no internal Gateway: nothing is served rather than something else.
"""

from dataclasses import dataclass

from lateen.api.gateway import Gateway, Port, Server, ServerTLSSettings, TLSmode
from lateen.api.gateway_api.gateway import (
    FrontendTLSValidation,
    GatewaySpec,
    Listener,
    ListenerTLSConfig,
)
from lateen.api.gateway_api.references import FromNamespaces
from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.base.incremental import derived
from lateen.gateway_api import permissions, sources
from lateen.gateway_api.credentials import Fault, frontend_authorities, server_certificates
from lateen.gateway_api.sources import Sources

HTTP_ROUTES = ("HTTPRoute", "GRPCRoute")
NETWORK_LABEL = "topology.istio.io/network"
GATEWAY_PORT_LABEL = "networking.istio.io/gatewayPort"
EAST_WEST_PORT = "15443"
LISTENER_PROTOCOL = "gateway.istio.io/listener-protocol"
NAME_OVERRIDE = "gateway.istio.io/name-override"
SERVICE_ACCOUNT_NAME = "gateway.istio.io/service-account"
TERMINATE_MODE = "gateway.istio.io/tls-terminate-mode"


@dataclass(frozen=True, slots=True)
class BoundListener:
    """A listener that routes may attach to."""

    owner: Key  # Gateway or ListenerSet
    parent: Key  # the Gateway
    name: str
    port: int
    protocol: str
    hostname: str
    kinds: tuple[str, ...]
    allowed: FromNamespaces | None
    internal: str  # name of the internal Gateway, in the owner's namespace
    fault: Fault | None = None
    conflict: str = ""  # reason
    resource: Resource[Gateway] | None = None  # None when it has a fault


def controller(mesh: Sources, class_name: str) -> str:
    """Of a class: what its GatewayClass says, else what the class means without one."""
    found = mesh.resource(Key("GatewayClass", "", class_name))
    if found is not None:
        return str(found.spec.controller_name)
    return sources.CLASSES.get(class_name, "")


def is_ours(mesh: Sources, spec: GatewaySpec) -> bool:
    return controller(mesh, spec.gateway_class_name) in sources.CLASSES.values()


def service_names(resource: Resource[GatewaySpec], domain: str) -> tuple[str, ...]:
    """Services in front of a Gateway: those that its addresses name, else its own."""
    named = [each.value for each in resource.spec.addresses if each.type == "Hostname"]
    if not named:
        own = deployed_name(resource)
        return (sources.service_host(own, resource.namespace, domain),)
    return tuple(
        name if "." in name else sources.service_host(name, resource.namespace, domain)
        for name in named
    )


def deployed_name(resource: Resource[GatewaySpec]) -> str:
    """Of the Deployment, Service and ServiceAccount that a Gateway without addresses gets."""
    own = f"{resource.name}-{resource.spec.gateway_class_name}"
    return resource.meta.annotations.get(NAME_OVERRIDE, own)


def account_name(resource: Resource[GatewaySpec]) -> str:
    own = f"{resource.name}-{resource.spec.gateway_class_name}"
    return resource.meta.annotations.get(SERVICE_ACCOUNT_NAME, own)


def has_known_addresses(spec: GatewaySpec) -> bool:
    return all(each.type in ("Hostname", "IPAddress") for each in spec.addresses)


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
    managed = controller(mesh, parent.spec.gateway_class_name) == sources.CONTROLLER
    if not managed or not has_known_addresses(parent.spec):
        return ()
    taken = _taken(mesh, parent, owner)
    bound = []
    for listener in resource.spec.listeners:
        conflict = _conflict(listener, taken)
        if not conflict:
            taken.append((listener.port, listener.protocol, listener.hostname))
        bound.append(_bound(mesh, resource, parent, listener, conflict))
    return tuple(bound)


def parent_of(mesh: Sources, listener_set: Resource[object]) -> Resource[GatewaySpec] | None:
    reference = getattr(listener_set.spec, "parent_ref", None)
    if reference is None or (reference.of_group, reference.of_kind) != (sources.GROUP, "Gateway"):
        return None
    namespace = reference.namespace or listener_set.namespace
    return mesh.resource(Key(sources.GATEWAY, namespace, reference.name))


def refusal(mesh: Sources, listener_set: Resource[object], parent: Resource[GatewaySpec]) -> str:
    """Why a Gateway does not take a ListenerSet; empty when it does."""
    allowed = parent.spec.allowed_listeners
    admitted = permissions.admits(
        mesh,
        allowed.namespaces if allowed is not None else None,
        parent.namespace,
        listener_set.namespace,
        default="None",
    )
    return "" if admitted else "NotAllowed"


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


def _taken(mesh: Sources, parent: Resource[GatewaySpec], owner: Key) -> list[tuple[int, str, str]]:
    """Ports, protocols and hostnames of listeners that come before the owner's."""
    if owner == parent.key:
        return []
    before = [(each.port, each.protocol, each.hostname) for each in parent.spec.listeners]
    for key in attached_sets(mesh, parent.key):
        if key == owner:
            break
        older = mesh.resource(key)
        for each in older.spec.listeners if older is not None else ():
            if not _conflict(each, before):
                before.append((each.port, each.protocol, each.hostname))
    return before


def _conflict(listener: Listener, taken: list[tuple[int, str, str]]) -> str:
    for port, protocol, hostname in taken:
        if port != listener.port:
            continue
        if protocol != listener.protocol:
            return "ProtocolConflict"
        if hostname == listener.hostname:
            return "HostnameConflict"
    return ""


def _bound(
    mesh: Sources,
    owner: Resource[object],
    parent: Resource[GatewaySpec],
    listener: Listener,
    conflict: str,
) -> BoundListener:
    tls, fault = _tls(mesh, owner, parent, listener)
    allowed = listener.allowed_routes.namespaces if listener.allowed_routes is not None else None
    internal = f"{owner.name}~{sources.OF_KUBERNETES_GATEWAY}~{listener.name}"
    server = Server(
        port=Port(number=listener.port, name="default", protocol=listener.protocol),
        hosts=tuple(
            f"{namespace}/{listener.hostname or '*'}"
            for namespace in permissions.admitted_namespaces(mesh, allowed, owner.namespace)
        ),
        tls=tls,
    )
    served = fault is None and not conflict and bool(route_kinds(listener))
    return BoundListener(
        owner=owner.key,
        parent=parent.key,
        name=listener.name,
        port=listener.port,
        protocol=listener.protocol,
        hostname=listener.hostname,
        kinds=route_kinds(listener),
        allowed=allowed,
        internal=internal,
        fault=fault,
        conflict=conflict,
        resource=_internal(mesh, owner, parent, listener, internal, server) if served else None,
    )


def _internal(
    mesh: Sources,
    owner: Resource[object],
    parent: Resource[GatewaySpec],
    listener: Listener,
    name: str,
    server: Server,
) -> Resource[Gateway]:
    kind = "Gateway" if owner.key.kind == sources.GATEWAY else owner.kind
    managed = not parent.spec.addresses
    account = account_name(parent) if managed else ""
    annotations = {
        sources.GATEWAY_SEMANTICS: "gateway",
        sources.GATEWAY_SERVICE: ",".join(service_names(parent, mesh.domain)),
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


def route_kinds(listener: Listener) -> tuple[str, ...]:
    """Kinds of routes that may attach: what the protocol carries, narrowed by the listener."""
    ends_tls = listener.tls is None or listener.tls.mode != "Passthrough"
    by_protocol = {
        "HTTP": HTTP_ROUTES,
        "HTTPS": HTTP_ROUTES,
        "TCP": ("TCPRoute",),
        "TLS": ("TCPRoute", "TLSRoute") if ends_tls else ("TLSRoute",),
    }
    carried = by_protocol.get(listener.protocol, ())
    wanted = listener.allowed_routes.kinds if listener.allowed_routes is not None else ()
    if not wanted:
        return carried
    named = [each.kind for each in wanted if each.group in ("", sources.GROUP)]
    return tuple(kind for kind in named if kind in carried)


def _tls(
    mesh: Sources, owner: Resource[object], parent: Resource[GatewaySpec], listener: Listener
) -> tuple[ServerTLSSettings | None, Fault | None]:
    if listener.tls is None or listener.protocol not in ("HTTPS", "TLS"):
        return None, None
    if listener.tls.mode == "Passthrough":
        return ServerTLSSettings(mode=_passthrough(parent, listener)), None
    if listener.tls.options.get(TERMINATE_MODE) == "ISTIO_MUTUAL":
        return ServerTLSSettings(mode=TLSmode.ISTIO_MUTUAL), None
    return _terminated(mesh, owner, parent, listener, listener.tls)


def _passthrough(parent: Resource[GatewaySpec], listener: Listener) -> TLSmode:
    """The port between networks takes connections for all services by their SNI."""
    labels = parent.meta.labels
    assert listener.tls is not None
    asked = listener.tls.options.get(LISTENER_PROTOCOL) == "auto-passthrough"
    port = labels.get(GATEWAY_PORT_LABEL, EAST_WEST_PORT)
    between = NETWORK_LABEL in labels and str(listener.port) == port
    return TLSmode.AUTO_PASSTHROUGH if asked or between else TLSmode.PASSTHROUGH


def _terminated(
    mesh: Sources,
    owner: Resource[object],
    parent: Resource[GatewaySpec],
    listener: Listener,
    tls: ListenerTLSConfig,
) -> tuple[ServerTLSSettings | None, Fault | None]:
    kind = "Gateway" if owner.key.kind == sources.GATEWAY else owner.kind
    names, fault = server_certificates(mesh, kind, owner.namespace, tls.certificate_refs)
    if fault is not None:
        return None, fault
    mode = TLSmode.MUTUAL if tls.options.get(TERMINATE_MODE) == "MUTUAL" else TLSmode.SIMPLE
    authorities = ""
    validation = _frontend(parent.spec, listener.port)
    if validation is not None and listener.protocol == "HTTPS":
        authorities, fault = frontend_authorities(mesh, parent.namespace, validation)
        if fault is not None:
            return None, fault
        insecure = validation.mode == "AllowInsecureFallback"
        mode = TLSmode.OPTIONAL_MUTUAL if insecure else TLSmode.MUTUAL
    return (
        ServerTLSSettings(
            mode=mode,
            credential_name=names[0] if len(names) == 1 else "",
            credential_names=names if len(names) > 1 else (),
            ca_cert_credential_name=authorities,
        ),
        None,
    )


def _frontend(spec: GatewaySpec, port: int) -> FrontendTLSValidation | None:
    if spec.tls is None or spec.tls.frontend is None:
        return None
    chosen = spec.tls.frontend.default
    for each in spec.tls.frontend.per_port:
        if each.port == port:
            chosen = each.tls
    return chosen.validation if chosen is not None else None
