"""Statuses of policies: for the mesh, and for each Gateway that leads to what they target."""

from typing import Any

from lateen.api.resource import Key
from lateen.gateway_api import status
from tests.unit.gateway_api import world

GIVEN = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{name: https, port: 443}, {name: other, port: 8443}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 443}]}]}
"""
POLICY = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: NAME, namespace: shop, creationTimestamp: "2026-01-0DAYT00:00:00Z"}
spec:
  targetRefs: [{group: "", kind: Service, name: web SECTION}]
  validation: {wellKnownCACertificates: System, hostname: NAME.example}
"""


def policy(name: str, day: int, section: str = "") -> str:
    text = POLICY.replace("NAME", name).replace("DAY", str(day))
    return text.replace("SECTION", f", sectionName: {section}" if section else "")


def accepted_under_gateway(name: str, *policies: str) -> dict[str, Any]:
    mesh = world.mesh(GIVEN, *policies)
    found = {each.key: each.status for each in status.statuses(mesh)}
    (under,) = (
        each
        for each in found[Key("BackendTLSPolicy", "shop", name)]["ancestors"]
        if each["ancestorRef"]["kind"] == "Gateway"
    )
    return next(each for each in under["conditions"] if each["type"] == "Accepted")


def test_of_two_policies_for_one_service_the_newer_is_in_conflict() -> None:
    policies = policy("newer", 2), policy("older", 1)

    assert accepted_under_gateway("older", *policies)["status"] == "True"
    found = accepted_under_gateway("newer", *policies)
    assert (found["status"], found["reason"]) == ("False", "Conflicted")
    assert "shop/older" in found["message"]


def test_policies_of_a_service_and_of_one_of_its_ports_do_not_conflict() -> None:
    policies = policy("whole", 1), policy("one", 2, "https"), policy("late", 3, "https")

    assert accepted_under_gateway("whole", *policies)["reason"] == "Accepted"
    assert accepted_under_gateway("one", *policies)["reason"] == "Accepted"
    assert accepted_under_gateway("late", *policies)["reason"] == "Conflicted"
