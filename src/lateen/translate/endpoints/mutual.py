"""Which endpoints take mutual TLS with workload certificates."""

from lateen.catalog.service import Endpoint
from lateen.catalog.workload import MUTUAL
from lateen.view.authentication import MutualTLSMode, peer_mode
from lateen.view.mesh import Mesh


def takes_mutual(mesh: Mesh, endpoint: Endpoint) -> bool:
    """Its workload has a proxy, and no PeerAuthentication turns mutual TLS off on the port."""
    if endpoint.is_gateway:  # passes on what the workload behind it takes
        return True
    return endpoint.tls_mode == MUTUAL and (
        peer_mode(mesh, endpoint.namespace, endpoint.labels, endpoint.port)
        is not MutualTLSMode.DISABLE
    )
