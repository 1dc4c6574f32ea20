"""Clusters as gRPC reads them: endpoints by discovery, round robin or a ring, mutual TLS if asked.

TLS only where a DestinationRule says ISTIO_MUTUAL: gRPC cannot choose by endpoint, so it is never
automatic.
"""

from typing import Any

from lateen.api.destination_rule import TLSmode
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate.clusters.outbound_tls import identities
from lateen.translate.clusters.policy import load_balancer
from lateen.translate.clusters.policy.outlier import apply_outlier_detection
from lateen.translate.clusters.target import Target, find_target
from lateen.translate.proxyless import tls
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import rule_scope
from lateen.view.proxy import ProxyClass


@derived
def cluster(mesh: Mesh, client: ProxyClass, name: str) -> bytes | None:
    target = find_target(mesh, rule_scope(mesh, client), name)
    return messages.serialize(_cluster(mesh, target)) if target is not None else None


def _cluster(mesh: Mesh, target: Target) -> Any:
    policy = target.policy(mesh.config)
    made = types.Cluster(name=target.name, type="EDS", lb_policy="ROUND_ROBIN")
    made.eds_cluster_config.eds_config.ads.SetInParent()
    made.eds_cluster_config.eds_config.resource_api_version = "V3"
    made.eds_cluster_config.service_name = target.name
    if load_balancer.consistent_hash(policy) is not None:
        load_balancer.apply_load_balancer(made, policy)
        if made.lb_policy == made.MAGLEV:  # gRPC knows the ring alone
            made.ClearField("maglev_lb_config")
            made.lb_policy = "RING_HASH"
    if policy.connection_pool is not None and policy.connection_pool.http is not None:
        most = policy.connection_pool.http.http2_max_requests
        if most > 0:
            made.circuit_breakers.thresholds.add().max_requests.value = most
    apply_outlier_detection(made, policy.outlier_detection)
    if policy.tls is not None and policy.tls.mode is TLSmode.ISTIO_MUTUAL:
        service = target.service
        known = identities(mesh, service.hostname, service.namespace)
        names = policy.tls.subject_alt_names or known
        made.transport_socket.CopyFrom(tls.client_socket(names))
    return made
