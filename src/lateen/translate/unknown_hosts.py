"""Where a sidecar sends what is for no host of the mesh: `outboundTrafficPolicy`.

REGISTRY_ONLY            nowhere
ALLOW_ANY                where the client was going, or through `egressProxy`; a client that
                         is not captured only gave a name, so there the proxy resolves it
ALLOW_ANY_DYNAMIC_DNS    HTTP by the name in the request, resolved by the proxy; the rest as
                         ALLOW_ANY
"""

from lateen.api.sidecar import OutboundTrafficPolicy, OutboundTrafficPolicyMode
from lateen.base.incremental import derived
from lateen.catalog.service import Resolution
from lateen.translate import names
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass
from lateen.view.scope import OutboundScope, outbound_traffic_policy, services

ALLOWED = (
    OutboundTrafficPolicyMode.ALLOW_ANY,
    OutboundTrafficPolicyMode.ALLOW_ANY_DYNAMIC_DNS,
)


def is_captured(proxy_class: ProxyClass) -> bool:
    """Whether connections come with the address that the client asked for."""
    return proxy_class.interception is not Interception.NONE


def resolves(mesh: Mesh, scope: OutboundScope, *, captured: bool) -> bool:
    """Whether HTTP to unknown hosts goes to whatever address the host's name has."""
    policy = outbound_traffic_policy(mesh, scope)
    if policy.egress_proxy is not None:
        return False
    if policy.mode is OutboundTrafficPolicyMode.ALLOW_ANY_DYNAMIC_DNS:
        return True
    return policy.mode is OutboundTrafficPolicyMode.ALLOW_ANY and not captured


def http_cluster(mesh: Mesh, scope: OutboundScope, *, captured: bool) -> str:
    """Empty: refused."""
    policy = outbound_traffic_policy(mesh, scope)
    if policy.mode not in ALLOWED:
        return ""
    if resolves(mesh, scope, captured=captured):
        return names.DYNAMIC_DNS_CLUSTER
    return _passthrough(policy)


def tcp_cluster(mesh: Mesh, scope: OutboundScope) -> str:
    policy = outbound_traffic_policy(mesh, scope)
    return _passthrough(policy) if policy.mode in ALLOWED else names.BLACK_HOLE_CLUSTER


def _passthrough(policy: OutboundTrafficPolicy) -> str:
    egress = policy.egress_proxy
    if egress is None:
        return names.PASSTHROUGH_CLUSTER
    port = egress.port.number if egress.port is not None else 0
    return names.outbound_cluster(port, egress.subset, egress.host)


@derived
def needs_resolver(mesh: Mesh, scope: OutboundScope, captured: bool) -> bool:
    """Whether some HTTP request can go to a cluster that resolves the name in it."""
    return resolves(mesh, scope, captured=captured) or any(
        service.resolution is Resolution.DYNAMIC_DNS for service in services(mesh, scope)
    )
