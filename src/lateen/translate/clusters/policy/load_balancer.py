"""Load balancing: the algorithm, and slow start of new endpoints.

Localities are in `locality`. Hash policies belong to routes: `consistent_hash` below says what they
hash.
"""

from typing import Any

from lateen.api.destination_rule import (
    ConsistentHashLB,
    LoadBalancerSettings,
    SimpleLB,
    TrafficPolicy,
)
from lateen.api.duration import Duration
from lateen.envoy.messages import duration

DEFAULT_RING_SIZE = 1024
SLOW_START_KEY = "("  # Envoy demands a runtime key; this one can be set by nobody


def is_passthrough(policy: TrafficPolicy) -> bool:
    """Whether the client's own choice of an address is kept."""
    return policy.load_balancer is not None and (
        policy.load_balancer.simple is SimpleLB.PASSTHROUGH
    )


def consistent_hash(policy: TrafficPolicy) -> ConsistentHashLB | None:
    """What routes (and TCP proxies, by source address) hash to choose an endpoint."""
    return policy.load_balancer.consistent_hash if policy.load_balancer else None


def apply_load_balancer(cluster: Any, policy: TrafficPolicy) -> None:
    """Sets the algorithm of a cluster whose endpoints are known (not ORIGINAL_DST)."""
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
