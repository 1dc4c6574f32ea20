from tests.unit.translate.clusters.worlds import (
    REVIEWS,
    cluster,
    http_options,
    policy_cluster,
    reviews,
)

UNLIMITED = 2**32 - 1


def test_unset_limits_are_lifted() -> None:
    limits = cluster(reviews(), f"outbound|80||{REVIEWS}")["circuit_breakers"]["thresholds"][0]

    assert set(limits.values()) == {UNLIMITED}


def test_limits_and_timeouts_are_the_rule_s() -> None:
    made = policy_cluster(
        "connectionPool: {tcp: {maxConnections: 3, connectTimeout: 30ms, "
        "tcpKeepalive: {time: 10s, interval: 5s, probes: 3}}, "
        "http: {http1MaxPendingRequests: 4, http2MaxRequests: 5, maxRetries: 6}}"
    )

    assert made["circuit_breakers"]["thresholds"] == [
        {"max_connections": 3, "max_pending_requests": 4, "max_requests": 5, "max_retries": 6}
    ]
    assert made["connect_timeout"] == "0.030s"
    assert made["upstream_connection_options"]["tcp_keepalive"] == {
        "keepalive_probes": 3, "keepalive_time": 10, "keepalive_interval": 5,
    }  # fmt: skip


def test_a_rule_s_keepalive_does_not_mix_with_the_mesh_s() -> None:
    made = policy_cluster(
        "connectionPool: {tcp: {tcpKeepalive: {probes: 3}}}",
        mesh_config="tcpKeepalive: {time: 10s}",
    )

    assert made["upstream_connection_options"]["tcp_keepalive"] == {"keepalive_probes": 3}


def test_times_of_connections_are_http_options() -> None:
    made = policy_cluster(
        "connectionPool: {tcp: {maxConnectionDuration: 1h}, "
        "http: {idleTimeout: 30s, maxRequestsPerConnection: 7}}"
    )

    assert http_options(made)["common_http_protocol_options"] == {
        "idle_timeout": "30s",
        "max_connection_duration": "3600s",
        "max_requests_per_connection": 7,
    }


def test_a_rule_can_upgrade_to_http2_on_any_port() -> None:
    upgrade = "connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxConcurrentStreams: 9}}"

    for protocol in ("http", "web"):
        options = http_options(policy_cluster(upgrade, protocol=protocol))
        assert options["explicit_http_config"] == {
            "http2_protocol_options": {"max_concurrent_streams": 9}
        }


def test_the_mesh_upgrades_http_ports_unless_a_rule_objects() -> None:
    mesh_config = "h2UpgradePolicy: UPGRADE"
    name = f"outbound|80||{REVIEWS}"
    upgraded = http_options(cluster(reviews(mesh_config=mesh_config), name))
    sniffed = http_options(cluster(reviews(mesh_config=mesh_config, protocol="web"), name))
    refused = policy_cluster(
        "connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}", mesh_config=mesh_config
    )

    assert "http2_protocol_options" in upgraded["explicit_http_config"]
    assert "use_downstream_protocol_config" in sniffed
    assert http_options(refused) == {}


def test_the_client_s_protocol_can_be_kept() -> None:
    made = policy_cluster("connectionPool: {http: {useClientProtocol: true}}", protocol="grpc")

    assert "use_downstream_protocol_config" in http_options(made)


def test_a_retry_budget_has_istio_s_defaults() -> None:
    made = policy_cluster("retryBudget: {}")

    assert made["circuit_breakers"]["thresholds"][0]["retry_budget"] == {
        "budget_percent": {"value": 20.0}, "min_retry_concurrency": 3,
    }  # fmt: skip
