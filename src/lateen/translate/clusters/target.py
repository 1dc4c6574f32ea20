"""What one cluster name means to one scope: the service, its port, and the rule that governs it.

Scopes for which it means the same share everything made from it: the memo behind a cluster is keyed
by the target itself, not by the scope.
"""

from dataclasses import dataclass

from lateen.api.destination_rule import Subset, TrafficPolicy
from lateen.api.mesh_config import MeshConfig
from lateen.catalog.service import Port, Protocol, Resolution, Service
from lateen.translate import names
from lateen.translate.clusters.policy.layers import effective_policy
from lateen.view.destination_rule import DestinationPolicy, destination_rule
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyKind
from lateen.view.scope import OutboundScope, find_service


@dataclass(frozen=True, slots=True)
class Target:
    """Equal by content, so that a changed rule or service is another target."""

    name: str
    service: Service
    port: Port
    subset: Subset | None
    rule: DestinationPolicy | None
    is_sidecar: bool

    def __hash__(self) -> int:
        """Rules hold maps and cannot be hashed; their names do well enough."""
        sources = self.rule.sources if self.rule else ()
        return hash((self.name, self.service.namespace, self.is_sidecar, sources))

    @property
    def subset_name(self) -> str:
        return self.subset.name if self.subset else ""

    def policy(self, config: MeshConfig) -> TrafficPolicy:
        return effective_policy(
            self.rule.traffic_policy if self.rule else None,
            self.subset,
            port=self.port.number,
            default=config.default_traffic_policy,
        )


def find_target(mesh: Mesh, scope: OutboundScope, name: str) -> Target | None:
    """None when the scope has no such cluster."""
    parsed = names.parse_cluster(name)
    if parsed is None or parsed.direction != "outbound":
        return None
    service = find_service(mesh, scope, parsed.host)
    if service is None or service.resolution is Resolution.ALIAS:
        return None
    port = service.port(parsed.port)
    if port is None or port.protocol is Protocol.UDP:
        return None
    rule = destination_rule(mesh, scope, service.hostname, service.namespace)
    subset = rule.subset(parsed.subset) if rule and parsed.subset else None
    if parsed.subset and subset is None:
        return None
    return Target(name, service, port, subset, rule, scope.kind is ProxyKind.SIDECAR)
