"""XBackends: hosts outside the mesh, as a ServiceEntry and the TLS that is spoken on their port.

    XBackend  ->  ServiceEntry, seen by the namespaces of Gateways whose routes lead there
              ->  DestinationRule, when it asks for TLS

A route that needs a grant and has none opens nothing.
"""

from typing import Any

from lateen.api.destination_rule import DestinationRule, PortTrafficPolicy, TrafficPolicy
from lateen.api.gateway_api.backend import XBackendSpec
from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.api.service_entry import Location, Resolution, ServiceEntry, ServicePort
from lateen.api.virtual_service import PortSelector
from lateen.base.incremental import derived
from lateen.gateway_api import permissions, sources
from lateen.gateway_api.attachment import SERVICES
from lateen.gateway_api.backend_tls import backend_tls
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.sources import Sources

KIND = "XBackend"
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")
PROTOCOLS = {
    "HTTP": "HTTP", "HTTP1": "HTTP", "HTTP11": "HTTP", "HTTP2": "HTTP2", "H2C": "HTTP2",
    "GRPC": "GRPC", "TCP": "TCP",
}  # fmt: skip
EVERYWHERE = "*"
CLIENT_CERTIFICATE = (
    "unsupported ClientAndServer TLS mode: Istio does not support client certificates on backend"
)
Clients = tuple[tuple[Key, tuple[str, ...]], ...]  # namespaces, by XBackend


def external_fault(spec: XBackendSpec) -> Fault | None:
    if spec.tls is not None and spec.tls.mode == "ClientAndServer":
        return Fault("Invalid", CLIENT_CERTIFICATE)
    if spec.type != "ExternalHostname":
        return Fault("Invalid", f'unsupported XBackend type "{spec.type}"')
    if spec.protocol and spec.protocol not in PROTOCOLS:
        return Fault("Invalid", f'unsupported XBackend protocol "{spec.protocol}"')
    return None


@derived
def external_resources(mesh: Sources, key: Key) -> tuple[Resource[Any], ...]:
    """What stands for one XBackend; nothing for one that is refused."""
    found = mesh.resource(key)
    if found is None or found.spec.external_hostname is None or found.spec.port is None:
        return ()
    if external_fault(found.spec) is not None:
        return ()
    host, port = found.spec.external_hostname.hostname, found.spec.port
    entry = ServiceEntry(
        hosts=(host,),
        ports=(
            ServicePort(
                number=port.port,
                name=port.name or "xbackend",
                protocol=PROTOCOLS.get(found.spec.protocol, "HTTP"),
            ),
        ),
        location=Location.MESH_EXTERNAL,
        resolution=Resolution.DNS,
        export_to=_exports(mesh, key),
    )
    made = [_resource("ServiceEntry", found, host, entry)]
    tls = found.spec.tls
    if tls is not None and tls.mode not in ("", "None"):
        settings = backend_tls(mesh, key.namespace, tls.validation, host).settings
        of_port = PortTrafficPolicy(port=PortSelector(number=port.port), tls=settings)
        policy = TrafficPolicy(port_level_settings=(of_port,))
        rule = DestinationRule(host=host, traffic_policy=policy)
        made.append(_resource("DestinationRule", found, host, rule))
    return tuple(made)


def _exports(mesh: Sources, key: Key) -> tuple[str, ...]:
    namespaces = dict(external_clients(mesh)).get(key, ())
    return (EVERYWHERE,) if EVERYWHERE in namespaces else (".", *namespaces)


def _resource(
    kind: str, found: Resource[XBackendSpec], host: str, spec: ServiceEntry | DestinationRule
) -> Resource[Any]:
    return Resource(
        kind=kind,
        api_version="networking.istio.io/v1",
        meta=ObjectMeta(
            name=f"{found.name}~{host.replace('.', '-')}~{sources.OF_KUBERNETES_GATEWAY}",
            namespace=found.namespace,
            annotations={sources.PARENTS: f"{KIND}/{found.namespace}.{found.name}"},
            creation_timestamp=found.meta.creation_timestamp,
        ),
        spec=spec,
        origin=found.origin,
    )


@derived
def external_clients(mesh: Sources) -> Clients:
    """Where the proxies are that routes send there. Read only while there are XBackends."""
    found: dict[Key, set[str]] = {}
    for kind in ROUTES:
        for route in mesh.all_of_kind(kind):
            for key, namespaces in clients_of_route(mesh, route.key):
                found.setdefault(key, set()).update(namespaces)
    return tuple((key, tuple(sorted(names))) for key, names in sorted(found.items()))


@derived
def clients_of_route(mesh: Sources, key: Key) -> Clients:
    route = mesh.resource(key)
    if route is None:
        return ()
    backends = {
        Key(KIND, reference.namespace or route.namespace, reference.name)
        for rule in route.spec.rules
        for reference in rule.backend_refs
        if (reference.group, reference.kind) == (sources.EXPERIMENTAL_GROUP, KIND)
    }
    clients = tuple(
        sorted(
            EVERYWHERE
            if (parent.of_group, parent.of_kind) in SERVICES
            else parent.namespace or route.namespace
            for parent in route.spec.parent_refs
        )
    )
    origin = (sources.GROUP, route.kind, route.namespace)
    return tuple(
        (backend, clients)
        for backend in sorted(backends)
        if permissions.is_granted(
            mesh, origin, (sources.EXPERIMENTAL_GROUP, KIND, backend.namespace), backend.name
        )
    )
