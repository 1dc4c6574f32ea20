"""Classes of Gateways, and what the controller of each does with a Gateway.

istio, lateen                 an ingress gateway: listeners and routes are served, it is deployed
istio-remote                  of another mesh: neither served nor deployed
istio-waypoint                a waypoint: deployed; its routes are those of the services
istio-east-west               between networks: deployed; TLS passthrough is served
istio-agentgateway[-waypoint] of a proxy that is no Envoy: its objects are made, not its traffic
"""

from dataclasses import dataclass

from lateen.api.gateway_api.gateway import GatewaySpec
from lateen.api.resource import Key, Resource
from lateen.gateway_api import sources
from lateen.gateway_api.sources import Sources

NAME_OVERRIDE = "gateway.istio.io/name-override"
SERVICE_ACCOUNT_NAME = "gateway.istio.io/service-account"


@dataclass(frozen=True, slots=True)
class GatewayClass:
    """`controller` as GatewayClasses name it; the rest is what it does with its Gateways."""

    controller: str
    is_programmed: bool = True  # listeners are judged and a status is written
    is_deployed: bool = True
    takes_listener_sets: bool = False
    has_own_name: bool = True  # else deployed as `<gateway>-<class>`
    is_captured: bool = True  # else labelled to be left alone by ambient capture
    service_type: str = "LoadBalancer"
    prefers_close: bool = False


INGRESS = GatewayClass(
    "istio.io/gateway-controller", takes_listener_sets=True, has_own_name=False, is_captured=False
)
UNMANAGED = GatewayClass("istio.io/unmanaged-gateway", is_deployed=False)
WAYPOINT = GatewayClass("istio.io/mesh-controller", service_type="ClusterIP", prefers_close=True)
EAST_WEST = GatewayClass("istio.io/eastwest-controller", prefers_close=True)
AGENT = GatewayClass("istio.io/agentgateway-controller", is_programmed=False, is_captured=False)
AGENT_WAYPOINT = GatewayClass(
    "istio.io/agentgateway-waypoint-controller", is_programmed=False, service_type="ClusterIP"
)
BY_CONTROLLER = {
    each.controller: each
    for each in (INGRESS, UNMANAGED, WAYPOINT, EAST_WEST, AGENT, AGENT_WAYPOINT)
}
BY_NAME = {
    "istio": INGRESS,
    "lateen": INGRESS,
    "istio-remote": UNMANAGED,
    "istio-waypoint": WAYPOINT,
    "istio-east-west": EAST_WEST,
    "istio-agentgateway": AGENT,
    "istio-agentgateway-waypoint": AGENT_WAYPOINT,
}


def class_of(mesh: Sources, spec: GatewaySpec) -> GatewayClass | None:
    """By its GatewayClass, else by what the name means without one; None: another controller's."""
    found = mesh.resource(Key("GatewayClass", "", spec.gateway_class_name))
    if found is not None:
        return BY_CONTROLLER.get(str(found.spec.controller_name))
    return BY_NAME.get(spec.gateway_class_name)


def is_managed(spec: GatewaySpec) -> bool:
    """Whether it is deployed for the user: no addresses, or one IP address to ask for."""
    if not spec.addresses:
        return True
    return len(spec.addresses) == 1 and spec.addresses[0].type == "IPAddress"


def deployed_name(mesh: Sources, resource: Resource[GatewaySpec]) -> str:
    """Of the Deployment and Service that a managed Gateway gets."""
    return resource.meta.annotations.get(NAME_OVERRIDE, _own_name(mesh, resource))


def account_name(mesh: Sources, resource: Resource[GatewaySpec]) -> str:
    return resource.meta.annotations.get(SERVICE_ACCOUNT_NAME, _own_name(mesh, resource))


def _own_name(mesh: Sources, resource: Resource[GatewaySpec]) -> str:
    of_class = class_of(mesh, resource.spec)
    if of_class is not None and of_class.has_own_name:
        return resource.name
    return f"{resource.name}-{resource.spec.gateway_class_name}"


def service_names(mesh: Sources, resource: Resource[GatewaySpec]) -> tuple[str, ...]:
    """Services in front of a Gateway: its own, or those that its addresses name."""
    if is_managed(resource.spec):
        own = deployed_name(mesh, resource)
        return (sources.service_host(own, resource.namespace, mesh.domain),)
    names = (each.value for each in resource.spec.addresses if each.type == "Hostname")
    return tuple(
        name if "." in name else sources.service_host(name, resource.namespace, mesh.domain)
        for name in names
    )


def ignored_addresses(spec: GatewaySpec) -> tuple[str, ...]:
    """Addresses of a type that cannot be served."""
    if is_managed(spec):
        return ()
    return tuple(each.value for each in spec.addresses if each.type != "Hostname")
