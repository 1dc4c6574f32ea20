"""Which destinations leave the ALPN offer to the request; see `translate.alpn`."""

from lateen.api.destination_rule import TLSmode
from lateen.base.incremental import derived
from lateen.translate import alpn
from lateen.translate.clusters.policy.connection_pool import upstream
from lateen.translate.clusters.policy.resolve import destination_policy
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyKind
from lateen.view.scope import OutboundScope, find_service

MESH_TLS = (None, TLSmode.ISTIO_MUTUAL)  # None: automatic


@derived
def is_by_request(mesh: Mesh, scope: OutboundScope, hostname: str, subset: str, port: int) -> bool:
    service = find_service(mesh, scope, hostname)
    found = service.port(port) if service is not None else None
    if service is None or found is None:
        return False
    policy = destination_policy(mesh, scope, hostname, service.namespace, subset, port)
    if (policy.tls.mode if policy.tls is not None else None) not in MESH_TLS:
        return False
    http = upstream(
        policy.connection_pool,
        port=found,
        config=mesh.config,
        sniffs=scope.kind is ProxyKind.SIDECAR,
        upgrades=True,
    )
    return alpn.is_by_request(found, http.protocol)
