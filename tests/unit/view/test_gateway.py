"""Gateways of a router, merged."""

from lateen.api.resource import Key
from lateen.view.gateway import (
    gateway_listeners,
    gateway_servers,
    gateways,
    rejected_servers,
    route_servers,
    routed_hosts,
)
from lateen.view.mesh import Mesh
from lateen.view.virtual_service import routed
from tests.unit.view.meshes import istio, mesh_of, router, service

ROUTER = router("istio-system", istio="ingressgateway", app="gw")
SELECTOR = "selector: {istio: ingressgateway}"


def gateway(name: str, *servers: str, namespace: str = "istio-system", age: str = "") -> str:
    meta = f'creationTimestamp: "{age}"' if age else ""
    return istio("Gateway", name, f"{SELECTOR}, servers: [{', '.join(servers)}]", namespace, meta)


def server(number: int, protocol: str, hosts: str = "'*'", more: str = "") -> str:
    name = f"p{number}{protocol}".lower()
    port = f"{{number: {number}, name: {name}, protocol: {protocol}}}"
    return f"{{port: {port}, hosts: [{hosts}]{more}}}"


HTTP = server(80, "HTTP")
SIMPLE = ", tls: {mode: SIMPLE, credentialName: c}"
THROUGH = ", tls: {mode: PASSTHROUGH}"


def places(mesh: Mesh) -> list[tuple[int, bool, int]]:
    return [
        (item.port, item.is_http, len(item.servers)) for item in gateway_listeners(mesh, ROUTER)
    ]


def rejected(mesh: Mesh) -> list[str]:
    return [item.server.gateway.name for item in rejected_servers(mesh, ROUTER)]


def test_selector_and_no_selector_select() -> None:
    mesh = mesh_of(
        istio("Gateway", "all", f"servers: [{HTTP}]")
        + gateway("mine", HTTP)
        + istio("Gateway", "other", f"selector: {{istio: other}}, servers: [{HTTP}]")
        + istio(
            "Gateway", "both", f"selector: {{istio: ingressgateway, app: gw}}, servers: [{HTTP}]"
        )
    )

    assert [key.name for key in gateways(mesh, ROUTER)] == ["all", "both", "mine"]


def test_plain_http_servers_of_a_port_share_a_route() -> None:
    mesh = mesh_of(gateway("a", HTTP) + gateway("b", server(80, "HTTP2"), namespace="shop"))

    assert places(mesh) == [(80, True, 2)]
    assert [item.gateway.name for item in route_servers(mesh, ROUTER, "http.80")] == ["a", "b"]


def test_tls_servers_coexist_by_name() -> None:
    mesh = mesh_of(
        gateway("a", server(443, "HTTPS", "a.com", SIMPLE), server(443, "TLS", "b.com", THROUGH))
    )

    assert places(mesh) == [(443, False, 2)]
    assert [item.route_name for item in gateway_servers(mesh, ROUTER)] == [
        "https.443.p443https.a.istio-system",
        "",
    ]


def test_oldest_gateway_keeps_a_tls_host() -> None:
    one = server(443, "HTTPS", "a.com", SIMPLE)
    mesh = mesh_of(
        gateway("a", one, age="2024-01-01T00:00:00Z")
        + gateway("b", one, age="2020-01-01T00:00:00Z")
    )

    assert rejected(mesh) == ["a"]


def test_oldest_protocol_keeps_a_port() -> None:
    http_first = mesh_of(gateway("a", HTTP) + gateway("b", server(80, "TCP")))
    tcp_first = mesh_of(gateway("a", server(80, "TCP")) + gateway("b", HTTP))

    assert rejected(http_first) == rejected(tcp_first) == ["b"]
    assert places(http_first) == [(80, True, 1)]
    assert places(tcp_first) == [(80, False, 1)]


def test_plain_server_does_not_join_tls_on_a_port() -> None:
    mesh = mesh_of(gateway("a", server(443, "HTTPS", "a.com", SIMPLE), server(443, "HTTP")))

    assert places(mesh) == [(443, False, 1)]


def test_other_bind_is_another_listener() -> None:
    local = server(80, "TCP", more=", bind: 127.0.0.1")
    mesh = mesh_of(gateway("a", HTTP) + gateway("b", local))

    assert places(mesh) == [(80, True, 1), (80, False, 1)]


def test_port_is_translated_to_the_target_of_the_gateways_service() -> None:
    mesh = mesh_of(
        gateway("a", HTTP)
        + service(
            "gw", "selector: {app: gw}, ports: [{port: 80, targetPort: 8080}]", "istio-system"
        )
    )

    (made,) = gateway_servers(mesh, ROUTER)

    assert (made.number, made.port, made.route_name) == (80, 8080, "http.8080")


def test_hosts_name_their_namespace() -> None:
    mesh = mesh_of(gateway("a", server(80, "HTTP", "a.com, ./b.com, shop/c.com, '*/d.com'")))

    (made,) = gateway_servers(mesh, ROUTER)

    assert made.hosts == ("*/a.com", "istio-system/b.com", "shop/c.com", "*/d.com")


def test_served_hosts_are_what_both_sides_name() -> None:
    mesh = mesh_of(
        gateway("a", server(80, "HTTP", "'shop/*.com', '*/x.org'"))
        + istio("VirtualService", "v", "hosts: [a.com, '*.org', b.net]", "shop")
        + istio("VirtualService", "w", "hosts: [a.com]", "other")
    )
    (made,) = gateway_servers(mesh, ROUTER)

    def hosts(namespace: str, name: str) -> tuple[str, ...]:
        rule = routed(mesh, Key("VirtualService", namespace, name))
        assert rule is not None
        return routed_hosts(made, rule)

    assert hosts("shop", "v") == ("a.com", "x.org")
    assert hosts("other", "w") == ()
