"""A running control plane says what became of Gateway API objects and Ingresses, live."""

import json
from typing import Any

from tests.features.running_plane import RunningPlane, control_plane, run, until

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra, generation: 3}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: edge}]
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: infra}
spec: {ports: [{name: http, port: 80}], externalIPs: [192.0.2.1]}
"""


async def shown(control: RunningPlane, kind: str) -> dict[str, Any]:
    code, text = await control.page("/debug/statuses")
    assert code == 200
    found: dict[str, Any] = next(each for each in json.loads(text) if each["kind"] == kind)
    return found


def reasons(conditions: list[dict[str, Any]]) -> dict[str, str]:
    return {each["type"]: each["reason"] for each in conditions}


def test_a_gateway_is_programmed_with_its_address_once_its_service_is_there() -> None:
    async def main() -> None:
        async with control_plane(GATEWAY) as control:
            before = (await shown(control, "Gateway"))["status"]
            assert reasons(before["conditions"])["Programmed"] == "AddressNotUsable"
            assert "addresses" not in before

            control.source.write(SERVICE)

            async def is_known() -> bool:
                return not any("edge.infra" in str(each) for each in control.plane.problems)

            await until(is_known, "the service is known")

            after = (await shown(control, "Gateway"))["status"]
            assert reasons(after["conditions"])["Programmed"] == "Programmed"
            assert after["addresses"] == [{"type": "IPAddress", "value": "192.0.2.1"}]
            assert {each["observedGeneration"] for each in after["conditions"]} == {3}

    run(main)


def test_a_route_that_its_gateway_does_not_admit_is_a_problem_with_its_place() -> None:
    async def main() -> None:
        async with control_plane(GATEWAY) as control:
            found = [str(p) for p in control.plane.problems if p.resource == "HTTPRoute shop/web"]

            assert any(
                text.startswith("test.yaml:10 spec.parentRefs[0]: is not attached to Gateway")
                and text.endswith("(NotAllowedByListeners)")
                for text in found
            ), found
            parents = (await shown(control, "HTTPRoute"))["status"]["parents"]
            assert reasons(parents[0]["conditions"])["Accepted"] == "NotAllowedByListeners"

    run(main)
