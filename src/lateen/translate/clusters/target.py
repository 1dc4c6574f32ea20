"""What one cluster name means to one scope: the service, its port, and the rule that governs it.

Scopes for which it means the same share everything made from it: the memo behind a cluster is keyed
by the target itself, not by the scope.
"""

from dataclasses import dataclass, replace

from lateen.api.destination_rule import Subset, TrafficPolicy
from lateen.api.mesh_config import MeshConfig
from lateen.base.incremental import derived
from lateen.catalog.service import Port, Protocol, Resolution, Service
from lateen.translate import names
from lateen.translate.clusters.policy.layers import effective_policy
from lateen.view.destination_rule import DestinationPolicy, destination_rule
from lateen.view.mesh import Mesh
from lateen.view.proxy import Families, ProxyKind
from lateen.view.proxy_settings import CertificateFiles
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
    preserves_case: bool = False  # of HTTP/1.1 header names
    families: Families = Families.IPV4  # of addresses that names are looked up for
    files: CertificateFiles | None = None  # the client's, in place of the mesh's certificate
    client_certificate: str = ""  # credential of the client's Gateway; empty: none

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
    known = targets(mesh, scope, parsed.host)
    if not names.is_server_name(name):
        return known.get(name)
    found = known.get(names.outbound_cluster(parsed.port, parsed.subset, parsed.host))
    return replace(found, name=name) if found else None


@derived
def targets(mesh: Mesh, scope: OutboundScope, hostname: str) -> dict[str, Target]:
    """All of one host, by name: for each port the whole service, then its subsets."""
    service = find_service(mesh, scope, hostname)
    if service is None or service.resolution is Resolution.ALIAS:
        return {}
    rule = destination_rule(mesh, scope, hostname, service.namespace)
    is_sidecar = scope.kind is ProxyKind.SIDECAR
    found: dict[str, Target] = {}
    for port in service.ports:
        if port.protocol is Protocol.UDP:
            continue
        for subset in (None, *(rule.subsets if rule else ())):
            name = names.outbound_cluster(port.number, subset.name if subset else "", hostname)
            found[name] = Target(
                name, service, port, subset, rule, is_sidecar,
                preserves_case=scope.traits.preserves_case,
                families=scope.traits.families, files=scope.traits.files,
                client_certificate=scope.traits.client_certificate,
            )  # fmt: skip
    return found
