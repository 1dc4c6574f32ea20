"""Where the proxies of the client's own service are: what zone-aware routing starts from.

Envoy keeps requests in its zone as far as the zone's share of clients and of servers allow, so it
has to know its own kind: the bootstrap has a cluster `local_cluster` when the node's metadata say
ENABLE_SELF_DISCOVERY, as in Istio. Without it `zoneAwareLbSetting` still orders regions, and
spreads requests over all zones.
"""

from lateen.base.incremental import Node, derived
from lateen.envoy import wire
from lateen.translate.endpoints.assignment import CLUSTER_NAME, joined
from lateen.translate.endpoints.assignment import cell as service_cell
from lateen.translate.endpoints.part import Selection
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.workload import instances

LOCAL_CLUSTER = "local_cluster"


def cell(mesh: Mesh, proxy_class: ProxyClass, cluster_name: str) -> Node:
    """The memo of any assignment that a proxy may ask for."""
    if cluster_name == LOCAL_CLUSTER:
        return local_assignment.node(mesh, proxy_class)
    return service_cell(mesh, proxy_class, cluster_name)


@derived
def local_assignment(mesh: Mesh, proxy_class: ProxyClass) -> bytes:
    """The endpoints of the oldest service that the workload serves, by locality."""
    served = instances(mesh, proxy_class.namespace, proxy_class.labels, proxy_class.addresses)
    if not served:
        return wire.text(CLUSTER_NAME, LOCAL_CLUSTER)
    selected = Selection(
        hostname=served[0].service.hostname,
        namespace=served[0].service.namespace,
        port_name=served[0].port.name,
        is_mutual=False,
    )
    return joined(mesh, LOCAL_CLUSTER, selected, None, False)
