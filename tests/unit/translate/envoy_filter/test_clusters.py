"""Patches of clusters."""

from lateen.translate import discovery
from tests.unit.translate.envoy_filter.patch_world import (
    CLIENT,
    CLUSTER,
    cluster,
    found_problems,
    patch,
    patched_mesh,
    sent,
)

WEB = "{context: SIDECAR_OUTBOUND, cluster: {service: web.shop.svc.cluster.local, portNumber: 80}}"


def test_a_merge_sets_fields_of_the_cluster_that_matches() -> None:
    mesh = patched_mesh(patch("CLUSTER", "MERGE", "{connect_timeout: 0.25s}", WEB))

    assert cluster(mesh)["connect_timeout"] == "0.250s"
    assert cluster(mesh, "PassthroughCluster")["connect_timeout"] == "10s"


def test_a_removed_cluster_is_gone_and_an_added_one_comes_once() -> None:
    mesh = patched_mesh(
        patch("CLUSTER", "REMOVE", match=WEB),
        patch("CLUSTER", "ADD", "{name: mine, type: STATIC, connect_timeout: 1s}"),
    )

    assert sent(mesh, discovery.CLUSTER, CLUSTER) is None
    assert discovery.names(mesh, CLIENT, discovery.CLUSTER).count("mine") == 1
    assert cluster(mesh, "mine")["connect_timeout"] == "1s"


def test_a_transport_socket_is_merged_into_the_one_of_its_name() -> None:
    socket = (
        "{transport_socket: {name: envoy.transport_sockets.tls, typed_config: {'@type': "
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, "
        "max_session_keys: 7}}}"
    )
    made = cluster(patched_mesh(patch("CLUSTER", "MERGE", socket, WEB)))

    tls = made["transport_socket_matches"][0]["transport_socket"]["typed_config"]
    assert tls["max_session_keys"] == 7
    assert tls["common_tls_context"]
    assert "transport_socket" not in made


def test_lists_are_appended_or_replaced() -> None:
    value = (
        "{health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, "
        "healthy_threshold: 1, tcp_health_check: {}}]}"
    )
    twice = (patch("CLUSTER", "MERGE", value, WEB), patch("CLUSTER", "MERGE", value, WEB))
    replaced = (twice[0], patch("CLUSTER", "MERGE_AND_REPLACE_LIST", value, WEB))

    assert len(cluster(patched_mesh(*twice))["health_checks"]) == 2
    assert len(cluster(patched_mesh(*replaced))["health_checks"]) == 1


def test_a_result_that_envoy_would_refuse_leaves_the_cluster_unpatched() -> None:
    mesh = patched_mesh(patch("CLUSTER", "MERGE", "{connect_timeout: -1s}", WEB))

    assert cluster(mesh)["connect_timeout"] == "10s"
    (problem,) = found_problems(mesh, discovery.CLUSTER, CLUSTER)
    assert "connect_timeout: must be greater than 0" in problem.message
