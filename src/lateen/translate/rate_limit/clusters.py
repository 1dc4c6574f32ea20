"""The clusters of rate limit services: `rate-limit|8081||host`.

The same as the outbound cluster of that host and port, under a name of its own: a proxy must be
able to ask also where its Sidecar resource does not let it see the service.
"""

from collections.abc import Iterator
from dataclasses import replace

from lateen.api.rate_limit import is_global
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.clusters import outbound
from lateen.translate.endpoints import assignment
from lateen.translate.rate_limit.limits import rate_limits
from lateen.translate.rate_limit.service import CLUSTER_PREFIX, service
from lateen.translate.unknown_hosts import is_captured
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import OutboundScope, rule_scope
from lateen.view.proxy import ProxyClass
from lateen.view.selection import Labels


@derived
def cluster_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    """Of the services that the proxy's global limits ask, as far as the mesh knows them."""
    wanted = _asked(mesh, proxy_class.namespace, proxy_class.labels)
    return tuple(name for name in wanted if cluster(mesh, proxy_class, name) is not None)


def is_rate_limit(name: str) -> bool:
    return name.startswith(CLUSTER_PREFIX)


@derived
def cluster(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    scope, captured = _scope(mesh, proxy_class), is_captured(proxy_class)
    found = outbound.outbound_cluster(mesh, scope, _outbound(name), captured)
    if found is None:
        return None
    made = types.Cluster.FromString(found)
    made.name = name
    made.alt_stat_name = names.stat_name(name)
    if made.HasField("eds_cluster_config"):
        made.eds_cluster_config.service_name = name
    if made.HasField("load_assignment"):
        made.load_assignment.cluster_name = name
    return messages.serialize(made)


@derived
def endpoints(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    found = assignment(mesh, _scope(mesh, proxy_class), _outbound(name))
    if found is None:
        return None
    made = types.ClusterLoadAssignment.FromString(found)
    made.cluster_name = name
    return messages.serialize(made)


@derived
def _asked(mesh: Mesh, namespace: str, labels: Labels) -> tuple[str, ...]:
    def services() -> Iterator[str]:
        for resource in rate_limits(mesh, namespace, labels):
            if is_global(resource.spec):
                yield service(mesh, resource.spec, resource.namespace).cluster

    return tuple(dict.fromkeys(services()))


def _scope(mesh: Mesh, proxy_class: ProxyClass) -> OutboundScope:
    """The proxy's own, without what its Sidecar leaves out."""
    return replace(rule_scope(mesh, proxy_class), sidecar=None)


def _outbound(name: str) -> str:
    return f"outbound|{name.removeprefix(CLUSTER_PREFIX)}"
