"""Listeners are judged one by one; what cannot be served is not, and says so."""

from typing import Any

import pytest

from lateen.api.resource import Key
from lateen.gateway_api import status
from lateen.gateway_api.sources import GATEWAY
from lateen.view.mesh import Mesh
from tests.unit.gateway_api import world

EDGE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: own, namespace: infra}
spec:
  gatewayClassName: CLASS
  addresses: [{type: Hostname, value: edge}]
  listeners: [LISTENER]
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: NAME, namespace: infra}
stringData: {tls.crt: "-----BEGIN CERTIFICATE-----", tls.key: "-----BEGIN KEY-----"}
"""


def judged(listener: str, class_name: str = "istio", *more: str) -> tuple[dict[str, Any], Mesh]:
    text = EDGE.replace("CLASS", class_name).replace("LISTENER", listener)
    mesh = world.mesh(text, *more)
    found = {each.key: each.status for each in status.statuses(mesh)}
    (only,) = found[Key(GATEWAY, "infra", "own")]["listeners"]
    reasons = {each["type"]: each["reason"] for each in only["conditions"]}
    return {**reasons, "kinds": [each["kind"] for each in only["supportedKinds"]]}, mesh


def is_served(mesh: Mesh) -> bool:
    return any(each.name.startswith("own~") for each in mesh.of_kind("Gateway", "infra"))


@pytest.mark.parametrize(
    ("listener", "class_name", "accepted", "served"),
    [
        ("{name: a, port: 80, protocol: HTTP}", "istio", "Accepted", True),
        ("{name: a, port: 80, protocol: http}", "istio", "UnsupportedProtocol", False),
        ("{name: a, port: 53, protocol: UDP}", "istio", "UnsupportedProtocol", False),
        ("{name: a, port: 15008, protocol: HBONE}", "istio", "UnsupportedProtocol", False),
        ("{name: a, port: 15008, protocol: HBONE}", "istio-waypoint", "Accepted", False),
        ("{name: a, port: 80, protocol: HTTP}", "istio-waypoint", "UnsupportedProtocol", False),
        ("{name: a, port: 443, protocol: TLS, tls: {mode: Passthrough}}", "istio-east-west",
         "Accepted", True),
    ],
)  # fmt: skip
def test_protocols_by_class(listener: str, class_name: str, accepted: str, served: bool) -> None:
    found, mesh = judged(listener, class_name)

    assert found["Accepted"] == accepted
    assert is_served(mesh) == served


def test_kinds_that_the_protocol_does_not_carry_are_told() -> None:
    listener = "{name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}"

    found, mesh = judged(listener)

    assert found["ResolvedRefs"] == "InvalidRouteKinds"
    assert found["kinds"] == []
    assert is_served(mesh)


def https(*names: str) -> str:
    references = ", ".join(f"{{name: {name}}}" for name in names)
    return f"{{name: a, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{references}]}}}}"


def test_one_good_certificate_of_two_is_enough() -> None:
    found, mesh = judged(https("good", "gone"), "istio", SECRET.replace("NAME", "good"))

    assert (found["ResolvedRefs"], found["Programmed"]) == ("ResolvedRefs", "Programmed")
    (server,) = mesh.of_kind("Gateway", "infra")[-1].spec.servers
    assert server.tls.credential_name == "kubernetes-gateway://infra/good"


def test_without_a_good_certificate_nothing_is_served() -> None:
    found, mesh = judged(https("gone"))

    assert (found["ResolvedRefs"], found["Programmed"]) == ("InvalidCertificateRef", "Invalid")
    assert not is_served(mesh)


def test_authorities_that_may_not_be_used_refuse_the_listener() -> None:
    authorities = "[{kind: ConfigMap, name: ca, namespace: others}]"
    validation = f"{{default: {{validation: {{caCertificateRefs: {authorities}}}}}}}"
    gateway = EDGE.replace("CLASS", "istio").replace("LISTENER", https("good"))
    text = f"{gateway}  tls: {{frontend: {validation}}}\n"
    mesh = world.mesh(text, SECRET.replace("NAME", "good"))

    (only,) = status_of(mesh, Key(GATEWAY, "infra", "own"))["listeners"]

    reasons = {each["type"]: each["reason"] for each in only["conditions"]}
    assert (reasons["ResolvedRefs"], reasons["Accepted"]) == (
        "RefNotPermitted",
        "NoValidCACertificate",
    )


def test_a_listener_set_without_a_good_certificate_is_refused() -> None:
    gateway = EDGE.replace("CLASS", "istio").replace(
        "[LISTENER]",
        "[{name: a, port: 80, protocol: HTTP}]\n  allowedListeners: {namespaces: {from: Same}}",
    )
    mesh = world.mesh(gateway, SET)

    found = status_of(mesh, Key("ListenerSet", "infra", "more"))

    assert [each["reason"] for each in found["conditions"]] == ["ListenersNotValid"] * 2


SET = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: more, namespace: infra}}
spec:
  parentRef: {{name: own}}
  listeners: [{https("gone")}]
"""


def status_of(mesh: Mesh, key: Key) -> dict[str, Any]:
    return {each.key: each.status for each in status.statuses(mesh)}[key]
