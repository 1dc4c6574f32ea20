"""Which DestinationRule governs a host, seen from one scope.

    client namespace  ->  service namespace  ->  root namespace      first match wins

At each step the most specific host wins. Rules of one host and namespace merge in age order.
How a policy is layered (top level, port level, subset) is for `translate`.
"""

from dataclasses import dataclass

from lateen.api.destination_rule import Subset, TrafficPolicy
from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope


@dataclass(frozen=True, slots=True)
class DestinationPolicy:
    """One or several DestinationRules, merged."""

    host: str  # as written, short name resolved
    namespace: str
    traffic_policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    sources: tuple[Key, ...] = ()  # oldest first
    has_workload_selector: bool = False

    def subset(self, name: str) -> Subset | None:
        return next((subset for subset in self.subsets if subset.name == name), None)


@derived
def destination_rule(
    mesh: Mesh, scope: OutboundScope, hostname: str, service_namespace: str
) -> DestinationPolicy | None:
    raise NotImplementedError


@derived
def inbound_destination_rule(
    mesh: Mesh, namespace: str, hostname: str, service_namespace: str
) -> DestinationPolicy | None:
    """The same for the server side, which knows no workloadSelector."""
    raise NotImplementedError
