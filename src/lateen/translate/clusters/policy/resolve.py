"""The traffic policy that one proxy applies to one port of a service or subset."""

from lateen.api.destination_rule import TrafficPolicy
from lateen.base.incremental import derived
from lateen.translate.clusters.policy.layers import effective_policy
from lateen.view.destination_rule import destination_rule
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope


@derived
def destination_policy(
    mesh: Mesh,
    scope: OutboundScope,
    hostname: str,
    service_namespace: str,
    subset: str,
    port: int,
) -> TrafficPolicy:
    """All layers merged; without port level settings. An unknown subset has the service's."""
    found = destination_rule(mesh, scope, hostname, service_namespace)
    return effective_policy(
        found.traffic_policy if found else None,
        found.subset(subset) if found and subset else None,
        port=port,
        default=mesh.config.default_traffic_policy,
    )
