"""Where routes attach, and what they are told when they do not."""

import pytest

from lateen.api.gateway_api.references import ParentReference
from lateen.api.resource import Key
from lateen.gateway_api import routes
from lateen.gateway_api.attachment import Attachment, is_within
from tests.unit.gateway_api import world
from tests.unit.gateway_api.world import TO_WEB, route

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: two, namespace: shop}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: edge}]
  listeners:
  - {name: wide, port: 80, protocol: HTTP, hostname: "*.example.com"}
  - {name: narrow, port: 80, protocol: HTTP, hostname: "a.example.com"}
  - {name: other, port: 81, protocol: HTTP, hostname: "*.example.com"}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: shop}
spec:
  parentRefs: [PARENT]
  hostnames: [HOST]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""
MESH_ROUTE = ROUTE.replace("  hostnames: [HOST]\n", "")
FOREIGN = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: foreign}
spec: {controllerName: example.com/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: theirs, namespace: shop}
spec: {gatewayClassName: foreign, listeners: [{name: a, port: 80, protocol: HTTP}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {istio.io/use-waypoint: theirs}}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}
"""


def attached(text: str, *more: str) -> tuple[Attachment, ...]:
    mesh = world.mesh(GATEWAY, text, *more)
    return routes.contribution(mesh, Key("HTTPRoute", "shop", "r")).attachments


def of(parent: str, host: str) -> tuple[Attachment, ...]:
    return attached(ROUTE.replace("PARENT", parent).replace("HOST", host))


def test_a_route_goes_to_every_listener_that_takes_it() -> None:
    found = of("{name: two}", "a.example.com")

    assert [each.gateway.rpartition("~")[2] for each in found] == ["wide", "narrow", "other"]


@pytest.mark.parametrize(
    ("parent", "host", "reason", "message"),
    [
        ("{name: two, sectionName: x}", "a.example.com", "NoMatchingParent",
         'sectionName "x" not found'),
        ("{name: two, port: 9}", "a.example.com", "NoMatchingParent", "port 9 not found"),
        ("{name: two, port: 81}", "a.org", "NoMatchingListenerHostname",
         'no hostnames matched parent hostname "*.example.com"'),
    ],
)  # fmt: skip
def test_the_best_reason_is_told(parent: str, host: str, reason: str, message: str) -> None:
    found = of(parent, host)

    assert {each.reason for each in found} == {reason}
    assert found[0].message == message


def test_a_host_is_served_by_the_most_exact_of_listeners_that_share_a_port() -> None:
    mesh = world.mesh(
        GATEWAY, ROUTE.replace("PARENT", "{name: two}").replace("HOST", "a.example.com")
    )

    names = [each.name for each in mesh.all_of_kind("VirtualService")]
    assert [name.split("~")[3] for name in names] == ["narrow", "other"]


def test_an_absent_service_is_no_parent() -> None:
    (found,) = attached(MESH_ROUTE.replace("PARENT", '{group: "", kind: Service, name: gone}'))

    assert (found.reason, found.message) == (
        "NoMatchingParent",
        'parent service: "gone" not found',
    )


def test_routes_of_a_service_behind_a_foreign_waypoint_are_left_to_that() -> None:
    text = MESH_ROUTE.replace("PARENT", '{group: "", kind: Service, name: web}')

    assert attached(text) != ()
    assert attached(text, FOREIGN) == ()


def test_a_gateway_of_nobody_gives_no_attachment() -> None:
    mesh = world.mesh(route("a", "a.example.com", TO_WEB).replace("name: edge", "name: none"))

    assert routes.contribution(mesh, Key("HTTPRoute", "shop", "a")).attachments == ()


@pytest.mark.parametrize(
    ("host", "other", "wanted"),
    [
        ("a.b", "a.b", True),
        ("a.b", "*.b", True),
        ("*.a.b", "*.b", True),
        ("*.b", "*.a.b", False),
        ("*.b", "a.b", False),
        ("*", "*", True),
    ],
)
def test_hostnames_within_others(host: str, other: str, wanted: bool) -> None:
    assert is_within(host, other) == wanted


def test_without_a_hostname_a_listener_serves_all_but_its_neighbours() -> None:
    found = Attachment(ParentReference(name="a"), others=("*.example.com",))

    assert found.serves("a.org")
    assert not found.serves("a.example.com")
