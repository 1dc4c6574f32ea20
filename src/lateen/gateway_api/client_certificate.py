"""The certificate that a Gateway shows to backends whose policy asks for TLS: `tls.backend`."""

from lateen.api.gateway_api.gateway import GatewaySpec
from lateen.api.gateway_api.references import ObjectReference
from lateen.api.resource import Key, Resource
from lateen.gateway_api import classes, credentials, sources
from lateen.gateway_api.credentials import Fault
from lateen.gateway_api.sources import Sources

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"  # label of the pods made for a Gateway


def credential(mesh: Sources, namespace: str, gateway: str) -> str:
    """Its name, when it can be used; only for proxies that are made for their Gateway."""
    found = mesh.resource(Key(sources.GATEWAY, namespace, gateway))
    reference = _reference(found.spec) if found is not None else None
    if reference is None or found is None or not classes.is_managed(found.spec):
        return ""
    if credentials.client_certificate_fault(mesh, namespace, reference) is not None:
        return ""
    return f"kubernetes-gateway://{reference.namespace or namespace}/{reference.name}"


def fault(mesh: Sources, gateway: Resource[GatewaySpec]) -> Fault | None:
    reference = _reference(gateway.spec)
    if reference is None:
        return None
    return credentials.client_certificate_fault(mesh, gateway.namespace, reference)


def _reference(spec: GatewaySpec) -> ObjectReference | None:
    backend = spec.tls.backend if spec.tls is not None else None
    return backend.client_certificate_ref if backend is not None else None
