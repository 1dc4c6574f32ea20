"""Backends of routes as destinations, and what is wrong with those that are none."""

from dataclasses import dataclass

from lateen.api.gateway_api.references import BackendObjectReference
from lateen.api.resource import Key
from lateen.api.virtual_service import Destination, PortSelector
from lateen.gateway_api import permissions, sources
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.sources import Sources, service_host

HOSTNAME = ("networking.istio.io", "Hostname")
SERVICE = ("", "Service")
SERVICE_ENTRY = ("networking.istio.io", "ServiceEntry")
SERVICE_IMPORT = ("multicluster.x-k8s.io", "ServiceImport")


@dataclass(frozen=True, slots=True)
class Backend:
    """`destination` None: requests for it are answered 500."""

    destination: Destination | None
    fault: Fault | None = None


def backend(mesh: Sources, kind: str, namespace: str, reference: BackendObjectReference) -> Backend:
    """What a route of a kind and namespace is sent to by a reference."""
    group_kind = ("" if reference.group == "core" else reference.group, reference.kind)
    owner = reference.namespace or namespace
    if not permissions.is_granted(
        mesh, (sources.GROUP, kind, namespace), (*group_kind, owner), reference.name
    ):
        message = (
            f"backendRef {reference.name}/{owner} not accessible to a {kind} in namespace "
            f'"{namespace}" (missing a ReferenceGrant?)'
        )
        return Backend(None, Fault("RefNotPermitted", message))
    if group_kind == HOSTNAME:
        if reference.namespace is not None:
            message = "namespace may not be set with Hostname type"
            return Backend(None, Fault("UnsupportedValue", message))
        return _at(reference.name, reference.port)
    if group_kind not in (SERVICE, SERVICE_ENTRY, SERVICE_IMPORT):
        message = f"referencing unsupported backendRef: group {_quoted(reference.group)} "
        message += f"kind {_quoted(reference.kind)}"
        return Backend(None, Fault("InvalidKind", message))
    if group_kind == SERVICE and "." in reference.name:
        message = "service name invalid; the name of the Service must be used, not the hostname."
        return Backend(None, Fault("UnsupportedValue", message))
    return _named(mesh, group_kind, reference, owner)


def _named(
    mesh: Sources, group_kind: tuple[str, str], reference: BackendObjectReference, namespace: str
) -> Backend:
    hostname = service_host(reference.name, namespace, mesh.domain)
    found = mesh.resource(Key(group_kind[1], namespace, reference.name))
    if group_kind == SERVICE_ENTRY and found is not None and found.spec.hosts:
        hostname = found.spec.hosts[0]
    ports = [each.port for each in found.spec.ports] if found and group_kind == SERVICE else []
    port = reference.port
    if port is None and len(ports) == 1:
        port = ports[0]
    if port is None:
        message = "port is required in backendRef"
        return Backend(None, Fault("UnsupportedValue", message))
    made = _at(hostname, port)
    if found is None and group_kind != SERVICE_IMPORT:
        return Backend(made.destination, Fault("BackendNotFound", f"backend({hostname}) not found"))
    return made


def _at(host: str, port: int | None) -> Backend:
    if port is None:
        return Backend(None, Fault("UnsupportedValue", "port is required in backendRef"))
    return Backend(Destination(host=host, port=PortSelector(number=port)))


def _quoted(text: str) -> str:
    return f'"{text}"'
