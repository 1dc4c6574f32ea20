"""GatewayClasses, Gateways and ListenerSets, as the rules of their definitions check them."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found

HTTP = "{name: http, port: 80, protocol: HTTP}"
SECRET = "certificateRefs: [{name: a}]"
GOOD = [
    HTTP,
    f"{{name: https, port: 443, protocol: HTTPS, tls: {{{SECRET}}}}}",
    "{name: pass, port: 443, protocol: TLS, hostname: '*.a', tls: {mode: Passthrough}}",
    "{name: tcp, port: 1, protocol: TCP}",
    "{name: own, port: 1, protocol: example.com/own}",
    f"{HTTP}, {{name: other, port: 80, protocol: HTTP, hostname: a.b}}",
]
BAD = [
    ("{name: A, port: 80, protocol: HTTP}", "[0].name"),
    ("{name: a, port: 0, protocol: HTTP}", "[0].port"),
    ("{name: a, port: 80, protocol: 'H T'}", "[0].protocol"),
    ("{name: a, port: 80, protocol: TCP, hostname: a.b}", "[0].hostname"),
    ("{name: a, port: 80, protocol: HTTP, hostname: 'a_b'}", "[0].hostname"),
    (f"{{name: a, port: 80, protocol: HTTP, tls: {{{SECRET}}}}}", "[0].tls"),
    ("{name: a, port: 443, protocol: TLS}", "[0].tls"),
    ("{name: a, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}", "[0].tls.mode"),
    ("{name: a, port: 443, protocol: HTTPS, tls: {}}", "[0].tls.certificateRefs"),
    ("{name: a, port: 443, protocol: HTTPS, tls: {mode: End}}", "[0].tls.mode"),
    (f"{HTTP}, {{name: http, port: 81, protocol: HTTP}}", "[1].name"),
    (f"{HTTP}, {{name: again, port: 80, protocol: HTTP}}", "[1]"),
    ("{name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Some}}}",
     "[0].allowedRoutes.namespaces.from"),
    ("{name: a, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector}}}",
     "[0].allowedRoutes.namespaces.selector"),
]  # fmt: skip


def of(listeners: str, more: str = "") -> list[str]:
    return found("Gateway", f"{{gatewayClassName: istio, listeners: [{listeners}]{more}}}")


@pytest.mark.parametrize("listeners", GOOD)
def test_good_listeners_are_accepted(listeners: str) -> None:
    assert of(listeners) == []


@pytest.mark.parametrize(("listeners", "path"), BAD)
def test_bad_listeners_are_refused_at_their_path(listeners: str, path: str) -> None:
    assert of(listeners) == [f"error spec.listeners{path}"]


@pytest.mark.parametrize(
    ("addresses", "paths"),
    [
        ("[{type: Hostname, value: a.b}, {value: 1.2.3.4}]", []),
        ("[{value: a.b}]", ["[0].value"]),
        ("[{type: Hostname, value: 1.2.3.4}]", ["[0].value"]),
        ("[{value: 1.2.3.4}, {value: 1.2.3.4}]", ["[1].value"]),
    ],
)
def test_addresses(addresses: str, paths: list[str]) -> None:
    wanted = [f"error spec.addresses{path}" for path in paths]

    assert of(HTTP, f", addresses: {addresses}") == wanted


def test_a_gateway_without_listeners_is_doubtful_and_a_listener_set_is_refused() -> None:
    assert found("Gateway", "{gatewayClassName: istio}") == ["warning spec.listeners"]
    assert found("ListenerSet", "{parentRef: {name: a}}") == ["error spec.listeners"]


def test_a_certificate_towards_backends_is_of_proxies_made_for_the_gateway() -> None:
    tls = ", tls: {backend: {clientCertificateRef: {name: a}}}"
    addresses = ", addresses: [{type: Hostname, value: edge}]"

    assert of(HTTP, tls) == []
    assert of(HTTP, tls + addresses) == ["warning spec.tls.backend"]


def test_a_listener_set_needs_a_parent_and_no_port() -> None:
    listener = "listeners: [{name: a, protocol: HTTP}]"

    assert found("ListenerSet", f"{{parentRef: {{name: a}}, {listener}}}") == []
    assert found("ListenerSet", f"{{{listener}}}") == ["error spec.parentRef"]


def test_a_controller_is_a_domain_and_a_path() -> None:
    assert found("GatewayClass", "{controllerName: istio.io/gateway-controller}") == []
    assert found("GatewayClass", "{controllerName: istio}") == ["error spec.controllerName"]
