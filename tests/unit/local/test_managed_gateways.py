"""Gateways without addresses get a proxy on this machine, as a cluster would deploy one."""

from pathlib import Path
from typing import Any

from lateen.config import documents
from lateen.local import managed_gateways
from lateen.local.injection import ProxyRole
from lateen.local.plan import plan
from lateen.local.settings import Settings

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: CLASS
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: other, port: 8080, protocol: HTTP}
"""
OWN_SERVICE = """
---
apiVersion: v1
kind: Service
metadata: {name: edge-istio, namespace: shop}
spec: {selector: {a: b}, ports: [{port: 80}]}
"""


def made(text: str) -> managed_gateways.Managed:
    return managed_gateways.managed(documents.read(text, "shop.yaml").resources)


def service(found: managed_gateways.Managed) -> Any:
    return next(each for each in found.resources if each.kind == "Service")


def test_a_gateway_gets_account_deployment_and_service_of_its_own() -> None:
    found = made(GATEWAY.replace("CLASS", "istio"))

    names = [(each.kind, each.name) for each in found.resources]
    assert names == [
        ("ServiceAccount", "edge-istio"),
        ("Deployment", "edge-istio"),
        ("Service", "edge-istio"),
    ]
    assert {each.origin.file for each in found.resources} == {"shop.yaml"}


def test_its_pod_is_planned_as_a_gateway() -> None:
    found = made(GATEWAY.replace("CLASS", "lateen"))

    (pod,) = plan(found.resources, Settings()).pods

    assert pod.proxy is ProxyRole.GATEWAY
    assert pod.service_account == "edge-lateen"


def test_low_ports_are_served_at_free_higher_ones() -> None:
    ports = service(made(GATEWAY.replace("CLASS", "istio"))).spec.ports

    targets = {each.port: each.target_port for each in ports}
    assert targets[8080] == 8080
    assert targets[80] == 10080


def test_its_service_is_offered_on_loopback() -> None:
    status = service(made(GATEWAY.replace("CLASS", "istio"))).status

    assert [each.ip for each in status.load_balancer.ingress] == ["127.0.0.1"]


def test_what_the_manifests_have_themselves_is_not_made() -> None:
    found = made(GATEWAY.replace("CLASS", "istio") + OWN_SERVICE)

    assert "Service" not in {each.kind for each in found.resources}


def test_a_gateway_whose_address_names_a_service_is_served_by_that() -> None:
    text = GATEWAY.replace("CLASS", "istio").replace(
        "  gatewayClassName", "  addresses: [{type: Hostname, value: edge}]\n  gatewayClassName"
    )

    assert made(text) == managed_gateways.Managed()


def test_a_waypoint_is_not_run_and_that_is_said_with_its_place() -> None:
    found = made(GATEWAY.replace("CLASS", "istio-waypoint"))

    assert found.resources == ()
    (problem,) = found.problems
    assert str(problem).startswith("shop.yaml:2 spec.gatewayClassName: a Gateway of class")


def test_the_control_plane_reads_what_is_published(tmp_path: Path) -> None:
    found = made(GATEWAY.replace("CLASS", "istio"))

    managed_gateways.publish(found, tmp_path)
    read = documents.read((tmp_path / managed_gateways.FILE).read_text(), "runtime.yaml")
    assert [each.key for each in read.resources] == [each.key for each in found.resources]

    managed_gateways.publish(managed_gateways.Managed(), tmp_path)
    assert documents.read((tmp_path / managed_gateways.FILE).read_text(), "").resources == ()


def test_http3_has_the_target_of_its_https_port() -> None:
    text = """
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: quic, namespace: shop}
spec: {environmentVariables: {ISTIO_META_QUIC_LISTENERS: "true"}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: istio
  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}]
"""

    ports = service(made(text)).spec.ports

    https = [(each.protocol, each.target_port) for each in ports if each.port == 443]
    assert https == [("TCP", 8443), ("UDP", 8443)]
