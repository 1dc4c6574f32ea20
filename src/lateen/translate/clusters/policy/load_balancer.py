"""Load balancing: the algorithm, slow start of new endpoints, and whether localities count.

How endpoints of each locality are ranked is in `translate.endpoints`; here a cluster only learns
that the weights of localities matter. Hash policies belong to routes: `consistent_hash` below says
what they hash.
"""

from typing import Any

from lateen.api.destination_rule import (
    ConsistentHashLB,
    LoadBalancerSettings,
    LocalityLoadBalancerSetting,
    SimpleLB,
    TrafficPolicy,
)
from lateen.api.duration import Duration
from lateen.catalog.service import Service
from lateen.envoy.messages import duration

DEFAULT_RING_SIZE = 1024
SLOW_START_KEY = "("  # Envoy demands a runtime key; this one can be set by nobody

# Kubernetes' trafficDistribution as labels that client and endpoint should share, best first.
SAME_ZONE = (
    "topology.istio.io/network",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
)
SAME_NODE = (*SAME_ZONE, "topology.istio.io/subzone", "kubernetes.io/hostname")
TRAFFIC_DISTRIBUTIONS = {
    "PreferClose": SAME_ZONE,
    "PreferSameZone": SAME_ZONE,
    "PreferSameNode": SAME_NODE,
}


def is_passthrough(policy: TrafficPolicy) -> bool:
    """Whether the client's own choice of an address is kept."""
    return policy.load_balancer is not None and (
        policy.load_balancer.simple is SimpleLB.PASSTHROUGH
    )


def consistent_hash(policy: TrafficPolicy) -> ConsistentHashLB | None:
    """What routes (and TCP proxies, by source address) hash to choose an endpoint."""
    return policy.load_balancer.consistent_hash if policy.load_balancer else None


def locality_setting(
    mesh: LocalityLoadBalancerSetting | None, policy: TrafficPolicy, service: Service
) -> LocalityLoadBalancerSetting | None:
    """The setting in force, None when localities do not count.

    A DestinationRule's replaces the mesh's as a whole; a Kubernetes service's trafficDistribution
    stands between them.
    """
    own = policy.load_balancer.locality_lb_setting if policy.load_balancer else None
    if own is not None:
        is_enabled = own.enabled if own.enabled is not None else _is_enabled(mesh)
        return own if is_enabled else None
    if labels := distribution_labels(service):
        return LocalityLoadBalancerSetting(failover_priority=labels, enabled=True)
    return mesh if mesh is not None and _is_enabled(mesh) else None


def distribution_labels(service: Service) -> tuple[str, ...]:
    """Labels to fail over by that the service itself asks for."""
    return TRAFFIC_DISTRIBUTIONS.get(service.traffic_distribution, ())


def fails_over(policy: TrafficPolicy, service: Service) -> bool:
    """Whether localities are ranked: only ejection makes Envoy leave a rank."""
    own = policy.load_balancer.locality_lb_setting if policy.load_balancer else None
    if own is None and distribution_labels(service):
        return True
    return policy.outlier_detection is not None


def _is_enabled(setting: LocalityLoadBalancerSetting | None) -> bool:
    return setting is None or setting.enabled is not False


def apply_load_balancer(
    cluster: Any, policy: TrafficPolicy, locality: LocalityLoadBalancerSetting | None
) -> None:
    """Sets the algorithm of a cluster whose endpoints are known (not ORIGINAL_DST)."""
    if locality is not None and _weighs_localities(locality, policy):
        cluster.common_lb_config.locality_weighted_lb_config.SetInParent()
    settings = policy.load_balancer or LoadBalancerSettings()
    if settings.consistent_hash is not None:
        _apply_consistent_hash(cluster, settings.consistent_hash)
        return
    if settings.simple is SimpleLB.RANDOM:
        cluster.lb_policy = "RANDOM"
        return
    if settings.simple is SimpleLB.ROUND_ROBIN:
        cluster.lb_policy = "ROUND_ROBIN"
        _apply_slow_start(cluster.round_robin_lb_config, settings)
        return
    cluster.lb_policy = "LEAST_REQUEST"
    _apply_slow_start(cluster.least_request_lb_config, settings)


def _weighs_localities(locality: LocalityLoadBalancerSetting, policy: TrafficPolicy) -> bool:
    """The mesh's bare `enabled: true` asks for nothing that the weights could express."""
    own = policy.load_balancer.locality_lb_setting if policy.load_balancer else None
    return own is not None or bool(
        locality.distribute or locality.failover or locality.failover_priority
    )


def _apply_consistent_hash(cluster: Any, settings: ConsistentHashLB) -> None:
    if settings.maglev is not None:
        cluster.lb_policy = "MAGLEV"
        if settings.maglev.table_size:
            cluster.maglev_lb_config.table_size.value = settings.maglev.table_size
        return
    cluster.lb_policy = "RING_HASH"
    ring = settings.ring_hash.minimum_ring_size if settings.ring_hash else 0
    cluster.ring_hash_lb_config.minimum_ring_size.value = (
        ring or settings.minimum_ring_size or DEFAULT_RING_SIZE
    )


def _apply_slow_start(config: Any, settings: LoadBalancerSettings) -> None:
    window: Duration | None = settings.warmup_duration_secs
    if settings.warmup is not None:
        window = settings.warmup.duration
    if window is None:
        return
    slow_start = config.slow_start_config
    slow_start.slow_start_window.CopyFrom(duration(window))
    if settings.warmup is None:
        return
    if settings.warmup.aggression is not None:
        slow_start.aggression.default_value = settings.warmup.aggression
        slow_start.aggression.runtime_key = SLOW_START_KEY
    if settings.warmup.minimum_percent is not None:
        slow_start.min_weight_percent.value = settings.warmup.minimum_percent
