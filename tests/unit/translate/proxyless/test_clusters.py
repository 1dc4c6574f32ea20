from typing import Any

from lateen.translate import discovery
from tests.unit.translate.proxyless.worlds import NAME, carts, istio, shown


def cluster(policy: str = "") -> dict[str, Any]:
    rule = istio("networking", "DestinationRule", f"host: carts, trafficPolicy: {{{policy}}}")
    made = shown(carts(rule) if policy else carts(), discovery.CLUSTER, NAME)
    assert made is not None
    return made


def test_endpoints_are_discovered_and_take_turns() -> None:
    made = cluster()

    assert (made["type"], made.get("lb_policy", "ROUND_ROBIN")) == ("EDS", "ROUND_ROBIN")
    assert made["eds_cluster_config"]["service_name"] == NAME


def test_mutual_tls_is_never_automatic() -> None:
    assert "transport_socket" not in cluster()
    assert "transport_socket" not in cluster("tls: {mode: SIMPLE}")
    context = cluster("tls: {mode: ISTIO_MUTUAL, subjectAltNames: [a]}")["transport_socket"]
    common = context["typed_config"]["common_tls_context"]
    validation = common["combined_validation_context"]["default_validation_context"]
    assert validation["match_subject_alt_names"] == [{"exact": "a"}]
    assert common["tls_certificate_provider_instance"]["instance_name"] == "default"


def test_consistent_hashing_is_a_ring() -> None:
    maglev = cluster("loadBalancer: {consistentHash: {httpHeaderName: a, maglev: {}}}")

    assert maglev["lb_policy"] == "RING_HASH"


def test_limits_and_ejection_are_what_grpc_has_of_them() -> None:
    made = cluster("connectionPool: {http: {http2MaxRequests: 7}}, outlierDetection: {}")

    assert made["circuit_breakers"]["thresholds"] == [{"max_requests": 7}]
    assert "outlier_detection" in made


def test_there_is_no_cluster_of_services_that_nobody_has() -> None:
    assert shown(carts(), discovery.CLUSTER, "outbound|1||carts.shop.svc.cluster.local") is None
