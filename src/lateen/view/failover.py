"""Labels of clients by which endpoints are ranked: `failoverPriority` of locality load balancing.

Only these become part of a client's place, so that proxies which differ in no other label are sent
the same endpoints.
"""

from collections.abc import Iterable, Iterator

from lateen.api.destination_rule import (
    DestinationRule,
    LoadBalancerSettings,
    LocalityLoadBalancerSetting,
    TrafficPolicy,
    ZoneAwareLoadBalancerSetting,
)
from lateen.api.mesh_config import MeshConfig

Setting = LocalityLoadBalancerSetting | ZoneAwareLoadBalancerSetting | None

HOSTNAME = "kubernetes.io/hostname"  # the node
# Known of every client without its labels.
PLACE_LABELS = frozenset(
    (
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "topology.istio.io/subzone",
        "topology.istio.io/network",
        "topology.istio.io/cluster",
        HOSTNAME,
    )
)


def labels_of_rule(rule: DestinationRule) -> set[str]:
    """Those of clients that a DestinationRule compares."""
    return priorities_of_rule(rule) - PLACE_LABELS


def priorities_of_rule(rule: DestinationRule) -> set[str]:
    """All that its policies compare with the client's."""
    policies = (rule.traffic_policy, *(subset.traffic_policy for subset in rule.subsets))
    return {
        label
        for policy in policies
        if policy is not None
        for balancer in _balancers(policy)
        for label in _of_balancer(balancer)
    }


def labels_of_mesh(config: MeshConfig) -> set[str]:
    """Of the settings for all services."""
    return priorities_of_mesh(config) - PLACE_LABELS


def priorities_of_mesh(config: MeshConfig) -> set[str]:
    return {*_asked(config.locality_lb_setting), *_asked(config.zone_aware_lb_setting)}


def _balancers(policy: TrafficPolicy) -> Iterator[LoadBalancerSettings | None]:
    yield policy.load_balancer
    for entry in policy.port_level_settings:
        yield entry.load_balancer


def _of_balancer(balancer: LoadBalancerSettings | None) -> Iterable[str]:
    if balancer is None:
        return ()
    return (*_asked(balancer.locality_lb_setting), *_asked(balancer.zone_aware_lb_setting))


def _asked(setting: Setting) -> Iterator[str]:
    """`key=value` compares endpoints with a value of its own, whatever the client's is."""
    for written in setting.failover_priority if setting is not None else ():
        if "=" not in written:
            yield written
