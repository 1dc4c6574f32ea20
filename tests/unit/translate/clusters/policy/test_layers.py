from lateen.api.destination_rule import (
    ConnectionPoolSettings,
    LoadBalancerSettings,
    OutlierDetection,
    PortTrafficPolicy,
    SimpleLB,
    Subset,
    TCPSettings,
    TrafficPolicy,
)
from lateen.api.virtual_service import PortSelector
from lateen.translate.clusters.policy.layers import effective_policy

RANDOM = LoadBalancerSettings(simple=SimpleLB.RANDOM)
ROUND_ROBIN = LoadBalancerSettings(simple=SimpleLB.ROUND_ROBIN)
SMALL = ConnectionPoolSettings(tcp=TCPSettings(max_connections=1))
LARGE = ConnectionPoolSettings(tcp=TCPSettings(max_connections=9))
OUTLIER = OutlierDetection(consecutive_5xx_errors=5)
AT_80 = PortSelector(number=80)


def test_nothing_written_is_an_empty_policy() -> None:
    assert effective_policy(None, None, port=80) == TrafficPolicy()


def test_a_port_entry_replaces_all_four_blocks() -> None:
    policy = TrafficPolicy(
        load_balancer=RANDOM,
        connection_pool=SMALL,
        port_level_settings=(PortTrafficPolicy(port=AT_80, load_balancer=ROUND_ROBIN),),
    )

    assert effective_policy(policy, None, port=80) == TrafficPolicy(load_balancer=ROUND_ROBIN)
    assert effective_policy(policy, None, port=81) == TrafficPolicy(
        load_balancer=RANDOM, connection_pool=SMALL
    )


def test_a_subset_replaces_block_by_block() -> None:
    policy = TrafficPolicy(load_balancer=RANDOM, connection_pool=SMALL)
    subset = Subset(name="v1", traffic_policy=TrafficPolicy(connection_pool=LARGE))

    assert effective_policy(policy, subset, port=80) == TrafficPolicy(
        load_balancer=RANDOM, connection_pool=LARGE
    )


def test_a_port_entry_of_the_subset_beats_everything() -> None:
    policy = TrafficPolicy(load_balancer=RANDOM, connection_pool=SMALL)
    of_port = PortTrafficPolicy(port=AT_80, connection_pool=LARGE)
    subset = Subset(name="v1", traffic_policy=TrafficPolicy(port_level_settings=(of_port,)))

    assert effective_policy(policy, subset, port=80) == TrafficPolicy(connection_pool=LARGE)


def test_the_mesh_fills_in_blocks_that_nobody_set() -> None:
    default = TrafficPolicy(connection_pool=LARGE, outlier_detection=OUTLIER)
    policy = TrafficPolicy(connection_pool=SMALL)

    assert effective_policy(policy, None, port=80, default=default) == TrafficPolicy(
        connection_pool=SMALL, outlier_detection=OUTLIER
    )
