"""Session persistence by labels of a service."""

from typing import Any

import pytest

from lateen.envoy import messages, types
from lateen.translate import endpoints
from lateen.translate.clusters import build as clusters
from lateen.translate.filters import http
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import CLIENT, apply, http_service, mesh_of, route_table

RULE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - route:
    - {destination: {host: carts}, weight: 1}
    - {destination: {host: reviews}, weight: 1}
"""


def labelled(name: str, label: str) -> str:
    text = http_service(name, address="10.0.0.7")
    return text.replace("namespace: shop}", f"namespace: shop, labels: {{{label}}}}}")


def session(table: dict[str, Any], host: str) -> dict[str, Any]:
    found = next(each for each in table["virtual_hosts"] if each["name"].startswith(host))
    config = found["routes"][0].get("typed_per_filter_config", {}).get(http.STATEFUL_SESSION, {})
    state: dict[str, Any] = config.get("stateful_session", {}).get("session_state", {})
    return state


@pytest.mark.parametrize(
    ("label", "path"),
    [("user-cart", "/"), ("user-cart:/shop", "/shop")],
    ids=["whole site", "path"],
)
def test_a_cookie_keeps_the_endpoint(label: str, path: str) -> None:
    # A label's value cannot hold a colon in Kubernetes; a ServiceEntry in a file can.
    mesh = mesh_of(labelled("carts", f"istio.io/persistent-session: '{label}'"))

    state = session(route_table(mesh, "80"), "carts")

    assert state["name"] == "envoy.http.stateful_session.cookie"
    assert state["typed_config"]["cookie"] == {"name": "user-cart", "path": path}


def test_a_header_keeps_the_endpoint() -> None:
    mesh = mesh_of(labelled("carts", "istio.io/persistent-session-header: x-session"))

    assert session(route_table(mesh, "80"), "carts")["typed_config"]["name"] == "x-session"


def test_a_route_of_a_virtual_service_keeps_to_the_first_service_that_asks() -> None:
    cookie = labelled("carts", "istio.io/persistent-session: one")
    header = labelled("reviews", "istio.io/persistent-session-header: two").replace("0.7", "0.8")

    state = session(route_table(mesh_of(cookie, header, RULE), "80"), "reviews")

    assert state["typed_config"]["cookie"]["name"] == "one"


def test_services_without_the_label_keep_none() -> None:
    mesh = mesh_of(http_service("carts"))

    assert session(route_table(mesh, "80"), "carts") == {}


@pytest.mark.envoy
def test_endpoints_that_end_keep_their_sessions() -> None:
    mesh = mesh_of(labelled("carts", "istio.io/persistent-session: one"))
    apply(mesh, ENDING)
    name = "outbound|80||carts.shop.svc.cluster.local"
    cluster = types.Cluster.FromString(clusters.cluster(mesh, CLIENT, name) or b"")
    assignment = types.ClusterLoadAssignment.FromString(endpoints.endpoints(mesh, CLIENT, name))
    made = messages.to_json(assignment)

    assert made["endpoints"][0]["lb_endpoints"][0]["health_status"] == "DRAINING"
    assert "DRAINING" in messages.to_json(cluster.common_lb_config.override_host_status)["statuses"]
    assert_accepted(clusters=[cluster], endpoints=[assignment])


ENDING = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: carts-1, namespace: shop, labels: {kubernetes.io/service-name: carts}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [10.1.0.1], conditions: {ready: false, serving: true, terminating: true}}]
"""
