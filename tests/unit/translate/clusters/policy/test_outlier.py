from tests.unit.translate.clusters.worlds import policy_cluster


def test_counts_are_enforced_and_success_rates_are_not() -> None:
    made = policy_cluster(
        "outlierDetection: {consecutive5xxErrors: 7, consecutiveGatewayErrors: 0, interval: 1s, "
        "baseEjectionTime: 15m, maxEjectionPercent: 50}"
    )

    assert made["outlier_detection"] == {
        "consecutive_5xx": 7,
        "enforcing_consecutive_5xx": 100,
        "consecutive_gateway_failure": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "900s",
        "max_ejection_percent": 50,
    }


def test_the_old_error_count_is_ignored() -> None:
    made = policy_cluster("outlierDetection: {consecutiveErrors: 7}")

    assert made["outlier_detection"] == {"enforcing_success_rate": 0}


def test_panic_needs_a_minimum_of_healthy_endpoints() -> None:
    without = policy_cluster("outlierDetection: {consecutive5xxErrors: 1}")
    given = policy_cluster("outlierDetection: {minHealthPercent: 40}")

    assert without["common_lb_config"]["healthy_panic_threshold"] == {}
    assert given["common_lb_config"]["healthy_panic_threshold"] == {"value": 40.0}
