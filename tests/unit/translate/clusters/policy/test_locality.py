"""Which setting is in force, by the table of the reference."""

import pytest

from lateen.api.destination_rule import (
    Distribute,
    Failover,
    LoadBalancerSettings,
    LocalityLoadBalancerSetting,
    OutlierDetection,
    TrafficPolicy,
    ZoneAwareLoadBalancerSetting,
)
from lateen.api.mesh_config import MeshConfig
from lateen.catalog.service import Registry, Resolution, Service
from lateen.translate.clusters.policy.locality import SAME_NODE, SAME_ZONE, spread

LOCALITY = LocalityLoadBalancerSetting
ZONE = ZoneAwareLoadBalancerSetting
SHARES = (Distribute(from_="a", to={"a": 100}),)
FAILOVER = (Failover(from_="a", to="b"),)


def service(distribution: str = "") -> Service:
    return Service(
        hostname="a.example", namespace="n", name="a", registry=Registry.KUBERNETES,
        resolution=Resolution.CLIENT_SIDE, traffic_distribution=distribution,
    )  # fmt: skip


def policy(
    locality: LOCALITY | None = None, zone: ZONE | None = None, *, ejects: bool = False
) -> TrafficPolicy:
    balancer = LoadBalancerSettings(locality_lb_setting=locality, zone_aware_lb_setting=zone)
    return TrafficPolicy(
        load_balancer=balancer, outlier_detection=OutlierDetection() if ejects else None
    )


def test_the_rule_beats_the_service_and_the_mesh() -> None:
    mesh = MeshConfig(locality_lb_setting=LOCALITY(enabled=True))
    own = LOCALITY(failover=FAILOVER)

    assert spread(mesh, policy(own), service("PreferClose")).setting == own
    assert spread(mesh, policy(LOCALITY(enabled=False)), service("PreferClose")).setting is None


def test_a_rule_counts_whatever_the_mesh_says() -> None:
    off = MeshConfig(locality_lb_setting=LOCALITY(enabled=False))
    own = LOCALITY(failover=FAILOVER)

    assert spread(off, policy(own), service()).setting == own
    assert spread(MeshConfig(), policy(LOCALITY()), service()).setting == LOCALITY()


def test_localities_are_weighed_only_where_an_order_or_shares_are_written() -> None:
    mesh = MeshConfig()

    assert not spread(mesh, policy(LOCALITY(enabled=True), ejects=True), service()).weighs
    assert not spread(mesh, policy(LOCALITY(failover=FAILOVER)), service()).weighs
    assert spread(mesh, policy(LOCALITY(failover=FAILOVER), ejects=True), service()).weighs
    assert spread(mesh, policy(LOCALITY(distribute=SHARES)), service()).weighs


@pytest.mark.parametrize(
    ("written", "labels"), [("PreferClose", SAME_ZONE), ("PreferSameNode", SAME_NODE)]
)
def test_a_service_s_wish_needs_no_outlier_detection(written: str, labels: tuple[str, ...]) -> None:
    found = spread(MeshConfig(locality_lb_setting=LOCALITY()), TrafficPolicy(), service(written))

    assert found.setting is not None
    assert found.setting.failover_priority == labels
    assert found.ranks


def test_zone_awareness_beats_locality_at_each_level() -> None:
    mesh = MeshConfig(
        locality_lb_setting=LOCALITY(enabled=True), zone_aware_lb_setting=ZONE(enabled=False)
    )

    assert spread(mesh, TrafficPolicy(), service()).setting is None
    assert spread(mesh, policy(zone=ZONE(failover=FAILOVER)), service("PreferClose")).keeps_zone
    assert not spread(mesh, policy(LOCALITY(enabled=True)), service()).keeps_zone


def test_priorities_need_ejection_unless_they_are_asked_for() -> None:
    mesh = MeshConfig(locality_lb_setting=LOCALITY(enabled=True))

    assert not spread(mesh, policy(), service()).ranks
    assert spread(mesh, policy(ejects=True), service()).ranks
    assert spread(mesh, policy(zone=ZONE()), service()).ranks
