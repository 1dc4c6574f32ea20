"""Backends of routes as destinations, and what is wrong with those that are none.

A reference that cannot be followed is answered 500 in its share of the requests. One that makes no
sense at all (a hostname as the name of a Service) takes the whole route out of service: `is_fatal`.
"""

from dataclasses import dataclass, replace

from lateen.api.gateway_api.references import BackendObjectReference
from lateen.api.resource import Key
from lateen.api.virtual_service import Destination, PortSelector
from lateen.gateway_api import inference_pool, permissions, sources
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.sources import Sources, service_host

HOSTNAME = ("networking.istio.io", "Hostname")
SERVICE = ("", "Service")
SERVICE_ENTRY = ("networking.istio.io", "ServiceEntry")
SERVICE_IMPORT = ("multicluster.x-k8s.io", "ServiceImport")
INFERENCE_POOL = (inference_pool.GROUP, inference_pool.KIND)
EXTERNAL = (sources.EXPERIMENTAL_GROUP, "XBackend")
NO_PORT = Fault("InvalidDestination", "port is required in backendRef")
NOT_HOSTNAME = "service name invalid; the name of the Service must be used, not the hostname."


@dataclass(frozen=True, slots=True)
class Backend:
    """`destination` None: requests for it are answered 500."""

    destination: Destination | None
    fault: Fault | None = None
    is_fatal: bool = False


@dataclass(frozen=True, slots=True)
class Referrer:
    """Who refers to a backend: routes of the mesh, unlike those of gateways, need no grants."""

    kind: str
    namespace: str
    of_mesh: bool = False


def group_kind(reference: BackendObjectReference) -> tuple[str, str]:
    return ("" if reference.group == "core" else reference.group, reference.kind)


def backend(mesh: Sources, referrer: Referrer, reference: BackendObjectReference) -> Backend:
    target = group_kind(reference)
    owner = reference.namespace or referrer.namespace
    origin = (sources.GROUP, referrer.kind, referrer.namespace)
    if not referrer.of_mesh and not permissions.is_granted(
        mesh, origin, (*target, owner), reference.name
    ):
        message = (
            f"backendRef {reference.name}/{owner} not accessible to a {referrer.kind} in "
            f'namespace "{referrer.namespace}" (missing a ReferenceGrant?)'
        )
        return Backend(None, Fault("RefNotPermitted", message))
    if target == HOSTNAME:
        return _by_hostname(mesh, reference, owner)
    if target == INFERENCE_POOL:
        return _pool(mesh, reference, owner)
    if target == EXTERNAL:
        return _external(mesh, reference, owner)
    if target in (SERVICE, SERVICE_ENTRY, SERVICE_IMPORT):
        return _named(mesh, target, reference, owner)
    message = f'referencing unsupported backendRef: group "{reference.group}" '
    message += f'kind "{reference.kind}"'
    return Backend(None, Fault("InvalidKind", message))


def _by_hostname(mesh: Sources, reference: BackendObjectReference, namespace: str) -> Backend:
    if reference.namespace is not None:
        message = "namespace may not be set with Hostname type"
        return Backend(None, Fault("InvalidDestination", message), is_fatal=True)
    made = _at(reference.name, reference.port)
    if made.fault is None and not sources.definitions(mesh, reference.name):
        return replace(made, fault=_not_found(reference.name))
    return made


def _named(
    mesh: Sources, target: tuple[str, str], reference: BackendObjectReference, namespace: str
) -> Backend:
    if target == SERVICE and "." in reference.name:
        return Backend(None, Fault("InvalidDestination", NOT_HOSTNAME), is_fatal=True)
    hostname = service_host(reference.name, namespace, mesh.domain)
    kind = "Service" if target == SERVICE_IMPORT else target[1]
    found = mesh.resource(Key(kind, namespace, reference.name))
    if target == SERVICE_ENTRY and found is not None and found.spec.hosts:
        hostname = found.spec.hosts[0]
    made = _at(hostname, reference.port)
    return replace(made, fault=made.fault or _not_found(hostname)) if found is None else made


def _pool(mesh: Sources, reference: BackendObjectReference, namespace: str) -> Backend:
    """Reached through the Service that is generated for the pool, on the first of its ports."""
    if "." in reference.name:
        message = "InferencePool.Name invalid; the name of the InferencePool must be used, "
        message += "not the hostname."
        return Backend(None, Fault("InvalidDestination", message), is_fatal=True)
    if mesh.resource(Key(inference_pool.KIND, namespace, reference.name)) is None:
        return Backend(None, _not_found(reference.name))
    name = inference_pool.service_name(reference.name)
    hostname = service_host(name, namespace, mesh.domain)
    found = mesh.resource(Key("Service", namespace, name))
    if found is None or not found.spec.ports:
        return Backend(None, _not_found(hostname))
    return _at(hostname, found.spec.ports[0].port)


def _external(mesh: Sources, reference: BackendObjectReference, namespace: str) -> Backend:
    found = mesh.resource(Key("XBackend", namespace, reference.name))
    if found is None or found.spec.external_hostname is None or found.spec.port is None:
        return Backend(None, _not_found(reference.name))
    port = found.spec.port.port
    if reference.port not in (None, port):
        message = f"backend({reference.name}) does not expose port {reference.port}, "
        return Backend(None, Fault("BackendNotFound", f"{message}expected {port}"))
    return _at(found.spec.external_hostname.hostname, port)


def _not_found(name: str) -> Fault:
    return Fault("BackendNotFound", f"backend({name}) not found")


def _at(host: str, port: int | None) -> Backend:
    if port is None:
        return Backend(None, NO_PORT, is_fatal=True)
    return Backend(Destination(host=host, port=PortSelector(number=port)))
