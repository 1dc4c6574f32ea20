"""How traffic is spread over localities: which setting is in force.

    DestinationRule zone-aware  >  DestinationRule locality  >  the service's trafficDistribution
        >  mesh zone-aware  >  mesh locality

The first that is written counts as a whole, also where it only says that nothing is to be done.
How endpoints are then ranked or weighed is in `translate.endpoints.ranking`.
"""

from dataclasses import dataclass
from typing import Any

from lateen.api.destination_rule import (
    LocalityLoadBalancerSetting,
    TrafficPolicy,
    ZoneAwareLoadBalancerSetting,
)
from lateen.api.mesh_config import MeshConfig
from lateen.catalog.service import Service

# Kubernetes' trafficDistribution as labels that client and endpoint should share, best first.
SAME_NETWORK = ("topology.istio.io/network",)
SAME_ZONE = (
    *SAME_NETWORK,
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
)
SAME_NODE = (*SAME_ZONE, "topology.istio.io/subzone", "kubernetes.io/hostname")
TRAFFIC_DISTRIBUTIONS = {
    "PreferClose": SAME_ZONE,
    "PreferSameZone": SAME_ZONE,
    "PreferSameNode": SAME_NODE,
    "PreferSameNetwork": SAME_NETWORK,
}


@dataclass(frozen=True, slots=True)
class Spread:
    """`setting` None: localities do not count."""

    setting: LocalityLoadBalancerSetting | None = None
    ranks: bool = False  # priorities are given; Envoy leaves one only when its endpoints fail
    weighs: bool = False  # the weights of localities count
    keeps_zone: bool = False  # Envoy itself prefers its own zone within a priority


NOTHING = Spread()


def spread(config: MeshConfig, policy: TrafficPolicy, service: Service) -> Spread:
    balancer = policy.load_balancer
    ejects = policy.outlier_detection is not None
    if balancer is not None and balancer.zone_aware_lb_setting is not None:
        return _zone_aware(balancer.zone_aware_lb_setting)
    if balancer is not None and balancer.locality_lb_setting is not None:
        return _locality(balancer.locality_lb_setting, ranks=ejects)
    if labels := TRAFFIC_DISTRIBUTIONS.get(service.traffic_distribution, ()):
        asked = LocalityLoadBalancerSetting(failover_priority=labels, enabled=True)
        return Spread(asked, ranks=True, weighs=True)
    if config.zone_aware_lb_setting is not None:
        return _zone_aware(config.zone_aware_lb_setting)
    if config.locality_lb_setting is None:
        return NOTHING
    return _locality(config.locality_lb_setting, ranks=ejects)


def _locality(setting: LocalityLoadBalancerSetting, *, ranks: bool) -> Spread:
    """Weights of localities would disturb the algorithm where nothing is asked of them."""
    if setting.enabled is False:
        return NOTHING
    is_ordered = bool(setting.failover or setting.failover_priority)
    return Spread(setting, ranks=ranks, weighs=bool(setting.distribute) or (ranks and is_ordered))


def _zone_aware(setting: ZoneAwareLoadBalancerSetting) -> Spread:
    if setting.enabled is False:
        return NOTHING
    order = LocalityLoadBalancerSetting(
        failover=setting.failover, failover_priority=setting.failover_priority, enabled=True
    )
    return Spread(order, ranks=True, keeps_zone=True)


def apply_spread(cluster: Any, found: Spread) -> None:
    if found.keeps_zone:
        cluster.common_lb_config.zone_aware_lb_config.SetInParent()
    elif found.weighs:
        cluster.common_lb_config.locality_weighted_lb_config.SetInParent()
