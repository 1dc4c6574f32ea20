"""A Gateway is programmed when the services in front of it have its ports, pods and addresses."""

from typing import Any

import pytest

from lateen.api.resource import Key
from lateen.gateway_api.programming import programming
from lateen.gateway_api.sources import GATEWAY
from tests.unit.gateway_api import world

EDGE = """
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: infra}
spec: SPEC
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: edge-1, namespace: infra, labels: {app: edge}}
spec: {containers: [{name: istio-proxy}]}
status: {podIP: 10.1.0.1, conditions: [{type: Ready, status: "READY"}]}
"""
SELECTED = "{selector: {app: edge}, clusterIP: 10.0.0.9, ports: [{port: 80, targetPort: 8080}]}"


def told(spec: str, *more: str, ports: tuple[int, ...] = (80,)) -> tuple[str, str, list[Any]]:
    mesh = world.mesh(EDGE.replace("SPEC", spec), *more)
    gateway = mesh.resource(Key(GATEWAY, "infra", "edge"))
    assert gateway is not None
    found = programming(mesh, gateway, ports)
    addresses = [each["value"] for each in found.addresses]
    return found.condition["reason"], found.condition["message"], addresses


def test_a_ready_pod_and_an_external_address_make_it_programmed() -> None:
    spec = SELECTED.replace("{selector", "{externalIPs: [192.0.2.1], selector")

    reason, _, addresses = told(spec, POD.replace("READY", "True"))

    assert (reason, addresses) == ("Programmed", ["192.0.2.1"])


@pytest.mark.parametrize("more", [(), (POD.replace("READY", "False"),)])
def test_without_a_ready_pod_it_is_not_yet(more: tuple[str, ...]) -> None:
    reason, message, _ = told(SELECTED, *more)

    assert reason == "AddressNotAssigned"
    assert message.endswith('no instances found for hostname "edge.infra.svc.cluster.local"')


def test_a_balancer_without_an_address_is_waited_for() -> None:
    reason, message, addresses = told("{type: LoadBalancer, ports: [{port: 80}]}")

    assert (reason, addresses) == ("AddressNotAssigned", [])
    assert "address pending" in message


def test_inside_the_cluster_it_is_reached_by_name() -> None:
    _, _, addresses = told("{clusterIP: 10.0.0.9, ports: [{port: 80}]}")

    assert addresses == ["edge.infra.svc.cluster.local"]


def test_a_port_of_the_pods_is_told_from_one_of_the_service() -> None:
    reason, message, _ = told("{ports: [{port: 80, targetPort: 8080}]}", ports=(8080,))

    assert reason == "AddressNotUsable"
    assert message.endswith("Did you mean one of these ports: [80]?)")


def test_a_service_of_another_namespace_is_pointed_at() -> None:
    mesh = world.mesh(world.GATEWAY.replace("value: edge", "value: web.shop.svc.cluster.local"))
    gateway = mesh.resource(Key(GATEWAY, "infra", "edge"))
    assert gateway is not None

    message = programming(mesh, gateway, (80,)).condition["message"]

    assert message.endswith('but it was found in namespace(s) "shop"')
