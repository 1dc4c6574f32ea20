"""GatewayClass, Gateway and ListenerSet: what is listened on, and who may attach to it."""

from lateen.api.gateway_api.references import FromNamespaces, ObjectReference, ParentReference
from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32


class GatewayClassSpec(OpenSpec, frozen=True):
    controller_name: str = ""
    description: str = ""
    parameters_ref: ObjectReference | None = None


class RouteGroupKind(OpenSpec, frozen=True):
    group: str = "gateway.networking.k8s.io"
    kind: str = ""


class AllowedRoutes(OpenSpec, frozen=True):
    namespaces: FromNamespaces | None = None
    kinds: tuple[RouteGroupKind, ...] = ()


class AllowedListeners(OpenSpec, frozen=True):
    namespaces: FromNamespaces | None = None


class ListenerTLSConfig(OpenSpec, frozen=True):
    mode: str = "Terminate"
    certificate_refs: tuple[ObjectReference, ...] = ()
    options: dict[str, str] = {}


class Listener(OpenSpec, frozen=True):
    name: str = ""
    hostname: str = ""
    port: Int32 = 0
    protocol: str = ""
    tls: ListenerTLSConfig | None = None
    allowed_routes: AllowedRoutes | None = None


class GatewaySpecAddress(OpenSpec, frozen=True):
    type: str = "IPAddress"
    value: str = ""


class GatewayInfrastructure(OpenSpec, frozen=True):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    parameters_ref: ObjectReference | None = None


class FrontendTLSValidation(OpenSpec, frozen=True):
    mode: str = ""
    ca_certificate_refs: tuple[ObjectReference, ...] = ()


class FrontendTLS(OpenSpec, frozen=True):
    validation: FrontendTLSValidation | None = None


class FrontendPortTLS(OpenSpec, frozen=True):
    port: Int32 = 0
    tls: FrontendTLS | None = None


class FrontendTLSConfig(OpenSpec, frozen=True):
    default: FrontendTLS | None = None
    per_port: tuple[FrontendPortTLS, ...] = ()


class GatewayBackendTLS(OpenSpec, frozen=True):
    client_certificate_ref: ObjectReference | None = None


class GatewayTLSConfig(OpenSpec, frozen=True):
    frontend: FrontendTLSConfig | None = None
    backend: GatewayBackendTLS | None = None


class GatewaySpec(OpenSpec, frozen=True):
    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] = ()
    addresses: tuple[GatewaySpecAddress, ...] = ()
    infrastructure: GatewayInfrastructure | None = None
    allowed_listeners: AllowedListeners | None = None
    tls: GatewayTLSConfig | None = None


class ListenerSetSpec(OpenSpec, frozen=True):
    parent_ref: ParentReference | None = None
    listeners: tuple[Listener, ...] = ()
