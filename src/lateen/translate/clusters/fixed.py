"""Clusters that every proxy has, whatever the mesh holds.

BlackHoleCluster             nowhere: what REGISTRY_ONLY and self-calls are sent to
PassthroughCluster           where the client was going: addresses unknown to the mesh
InboundPassthroughCluster    the workload's ports that no service names
AllowAnyDynamicDNSCluster    the name in the request: proxies without captured traffic
"""

from typing import Any

from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.clusters import dns
from lateen.translate.clusters.policy.connection_pool import apply_connection_pool
from lateen.translate.clusters.protocol import (
    PASSTHROUGH_IDLE,
    Upstream,
    UpstreamProtocol,
    apply_upstream,
)
from lateen.translate.families import DNS, bind_inbound_source
from lateen.view.mesh import Mesh
from lateen.view.proxy import Families

_FOLLOW_CLIENT = Upstream(protocol=UpstreamProtocol.CLIENT, idle_timeout=PASSTHROUGH_IDLE)


@derived
def black_hole(mesh: Mesh) -> bytes:
    cluster = _cluster(mesh, names.BLACK_HOLE_CLUSTER, "STATIC")
    return messages.serialize(cluster)


@derived
def passthrough(mesh: Mesh) -> bytes:
    return messages.serialize(_passthrough(mesh, names.PASSTHROUGH_CLUSTER))


@derived
def inbound_passthrough(mesh: Mesh, families: Families) -> bytes:
    cluster = _passthrough(mesh, names.INBOUND_PASSTHROUGH_CLUSTER)
    cluster.alt_stat_name = names.stat_name(names.PASSTHROUGH_CLUSTER)
    bind_inbound_source(cluster, families)
    return messages.serialize(cluster)


@derived
def dynamic_dns(mesh: Mesh, families: Families) -> bytes:
    cluster = types.Cluster(
        name=names.DYNAMIC_DNS_CLUSTER, alt_stat_name=names.stat_name(names.DYNAMIC_DNS_CLUSTER)
    )
    apply_connection_pool(cluster, None, mesh.config)
    dns.apply_dynamic(cluster, checks_names=False, family=DNS[families])
    apply_upstream(cluster, _FOLLOW_CLIENT)
    return messages.serialize(cluster)


def _passthrough(mesh: Mesh, name: str) -> Any:
    cluster = _cluster(mesh, name, "ORIGINAL_DST")
    cluster.lb_policy = "CLUSTER_PROVIDED"
    apply_connection_pool(cluster, None, mesh.config)
    apply_upstream(cluster, _FOLLOW_CLIENT)
    return cluster


def _cluster(mesh: Mesh, name: str, kind: str) -> Any:
    cluster = types.Cluster(name=name, alt_stat_name=names.stat_name(name), type=kind)
    if (timeout := mesh.config.connect_timeout) is not None:
        cluster.connect_timeout.CopyFrom(messages.duration(timeout))
    return cluster
