"""HTTP filters that are off until a route leads where they are needed.

An idle filter costs every request about as much as routing it. Fault injection and CORS are
switched on by the settings that a route gives them; the others here, by their destination:

    alpn         where the request decides what is offered; see `translate.alpn`
    grpc_stats   where HTTP/2 is spoken: gRPC cannot pass over HTTP/1.1
"""

from collections.abc import Iterable
from typing import Any

from lateen.api.destination_rule import TLSmode
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import alpn
from lateen.translate.clusters.policy.connection_pool import upstream
from lateen.translate.clusters.policy.resolve import destination_policy
from lateen.translate.clusters.protocol import UpstreamProtocol
from lateen.translate.filters.http import GRPC_STATS
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyKind
from lateen.view.scope import OutboundScope, find_service

ANYWHERE = (GRPC_STATS,)  # destinations of which nothing is known
MESH_TLS = (None, TLSmode.ISTIO_MUTUAL)  # None: automatic


@derived
def needed_filters(
    mesh: Mesh, scope: OutboundScope, hostname: str, subset: str, port: int
) -> tuple[str, ...]:
    """Names of the filters that a route to this destination switches on."""
    service = find_service(mesh, scope, hostname)
    found = service.port(port) if service is not None else None
    if service is None or found is None:
        return ()
    policy = destination_policy(mesh, scope, hostname, service.namespace, subset, port)
    protocol = upstream(
        policy.connection_pool,
        port=found,
        config=mesh.config,
        sniffs=scope.kind is ProxyKind.SIDECAR,
        upgrades=True,
    ).protocol
    mode = policy.tls.mode if policy.tls is not None else None
    needed = [] if protocol is UpstreamProtocol.DEFAULT else [GRPC_STATS]
    if mode in MESH_TLS and alpn.is_by_request(found, protocol):
        needed.append(alpn.FILTER)
    return tuple(needed)


def switch_on(route: Any, filters: Iterable[str]) -> None:
    enabled = types.FilterConfig()
    enabled.config.SetInParent()
    for name in filters:
        route.typed_per_filter_config[name].CopyFrom(messages.pack(enabled))
