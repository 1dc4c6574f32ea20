import pytest

from tests.unit.translate.clusters.worlds import policy_cluster


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ("", "LEAST_REQUEST"),
        ("simple: LEAST_CONN", "LEAST_REQUEST"),
        ("simple: RANDOM", "RANDOM"),
        ("simple: ROUND_ROBIN", "ROUND_ROBIN"),
        ("simple: PASSTHROUGH", "CLUSTER_PROVIDED"),
        ("consistentHash: {httpHeaderName: x}", "RING_HASH"),
        ("consistentHash: {httpHeaderName: x, maglev: {}}", "MAGLEV"),
    ],
)
def test_algorithms(written: str, policy: str) -> None:
    made = policy_cluster(f"loadBalancer: {{{written}}}")

    assert made.get("lb_policy", "ROUND_ROBIN") == policy


def test_pass_through_gives_the_choice_of_address_to_the_client() -> None:
    made = policy_cluster("loadBalancer: {simple: PASSTHROUGH}")

    assert made["type"] == "ORIGINAL_DST"
    assert "eds_cluster_config" not in made


def test_ring_size_comes_from_the_rule_or_is_1024() -> None:
    default = policy_cluster("loadBalancer: {consistentHash: {useSourceIp: true}}")
    own = policy_cluster(
        "loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 5}}}"
    )

    assert default["ring_hash_lb_config"] == {"minimum_ring_size": "1024"}
    assert own["ring_hash_lb_config"] == {"minimum_ring_size": "5"}


@pytest.mark.parametrize(
    ("simple", "config"),
    [("LEAST_REQUEST", "least_request_lb_config"), ("ROUND_ROBIN", "round_robin_lb_config")],
)
def test_warmup_is_slow_start(simple: str, config: str) -> None:
    made = policy_cluster(
        f"loadBalancer: {{simple: {simple}, warmup: {{duration: 60s, minimumPercent: 20}}}}"
    )

    assert made[config]["slow_start_config"] == {
        "slow_start_window": "60s", "min_weight_percent": {"value": 20.0},
    }  # fmt: skip


def test_localities_weigh_only_where_somebody_asks() -> None:
    shares = "[{from: '*', to: {'*': 100}}]"
    asked = policy_cluster(f"loadBalancer: {{localityLbSetting: {{distribute: {shares}}}}}")
    refused = policy_cluster("loadBalancer: {localityLbSetting: {enabled: false}}")
    plain = policy_cluster("outlierDetection: {}")

    assert "locality_weighted_lb_config" in asked["common_lb_config"]
    assert "locality_weighted_lb_config" not in refused["common_lb_config"]
    assert "locality_weighted_lb_config" not in plain["common_lb_config"]
