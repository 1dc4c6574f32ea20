from dataclasses import replace

import pytest

from lateen.translate.clusters import build
from lateen.view.proxy import Interception, ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.clusters.worlds import (
    CLIENT,
    GATEWAY,
    REVIEWS,
    cluster,
    istio,
    localities,
    pod,
    reviews,
)

UNCAPTURED = replace(CLIENT, interception=Interception.NONE)
EAST_WEST = istio(
    "Gateway",
    "east-west",
    "selector: {istio: ingressgateway}, servers: [{port: {number: 15443, name: tls, "
    "protocol: TLS}, tls: {mode: AUTO_PASSTHROUGH}, hosts: ['*.local']}]",
    "istio-system",
)


def test_sidecars_have_the_fixed_clusters_in_istio_s_order() -> None:
    assert build.cluster_names(reviews(), CLIENT) == (
        f"outbound|80||{REVIEWS}",
        "BlackHoleCluster",
        "PassthroughCluster",
        "InboundPassthroughCluster",
    )


def test_gateways_pass_nothing_through() -> None:
    assert build.cluster_names(reviews(), GATEWAY) == (
        f"outbound|80||{REVIEWS}",
        "BlackHoleCluster",
    )


def test_unknown_names_are_looked_up_only_where_addresses_are_unknown() -> None:
    assert "AllowAnyDynamicDNSCluster" in build.cluster_names(reviews(), UNCAPTURED)
    closed = reviews(mesh_config="outboundTrafficPolicy: {mode: REGISTRY_ONLY}")
    assert "AllowAnyDynamicDNSCluster" not in build.cluster_names(closed, UNCAPTURED)


def test_gateways_that_forward_by_server_name_have_clusters_of_those_names() -> None:
    mesh = reviews(EAST_WEST, pod("plain", "10.1.0.9", "app: reviews"))
    name = f"outbound_.80_._.{REVIEWS}"
    made = cluster(mesh, name, GATEWAY)
    endpoints = localities(mesh, name, GATEWAY)[0]["lb_endpoints"]

    assert name in build.cluster_names(mesh, GATEWAY)
    assert not {"transport_socket", "transport_socket_matches"} & set(made)
    assert len(endpoints) == 2, "the one without a proxy is left out"


def test_cells_are_shared_by_all_proxies_of_a_scope() -> None:
    mesh = reviews()
    other = replace(CLIENT, labels=(("app", "other"),), service_account="other")
    name = f"outbound|80||{REVIEWS}"

    assert build.cell(mesh, CLIENT, name) is build.cell(mesh, other, name)


def test_an_unknown_cluster_is_no_cluster() -> None:
    assert build.cluster(reviews(), CLIENT, "outbound|80||nobody.example.com") is None
    assert build.cluster(reviews(), CLIENT, "something else") is None


@pytest.mark.envoy
@pytest.mark.parametrize("client", [CLIENT, UNCAPTURED, GATEWAY], ids=["sidecar", "none", "gw"])
def test_envoy_accepts_them_all(client: ProxyClass) -> None:
    mesh = reviews(EAST_WEST)

    assert_accepted(
        clusters=[build.cluster(mesh, client, name) for name in build.cluster_names(mesh, client)]
    )
