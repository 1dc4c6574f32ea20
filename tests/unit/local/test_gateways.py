"""Which ports of gateways the machine offers."""

from textwrap import dedent

from lateen.config.documents import read
from lateen.local.gateways import GatewayPort, ports
from lateen.local.plan import plan
from lateen.local.settings import Settings

GATEWAY = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: gateway}
    spec:
      template:
        metadata: {labels: {istio: ingressgateway}}
        spec:
          containers:
          - {name: istio-proxy, image: auto, ports: [{name: web, containerPort: 8080}]}
    ---
"""
CONTROLLER = ("Deployment", "shop", "gateway")


def found(text: str) -> tuple[GatewayPort, ...]:
    resources = read(dedent(GATEWAY) + dedent(text), "g.yaml", namespace="shop").resources
    return ports(plan(resources, Settings()).pods, resources, Settings())


def test_ports_are_those_of_the_service_that_selects_the_gateway() -> None:
    made = found("""
        apiVersion: v1
        kind: Service
        metadata: {name: gateway}
        spec:
          selector: {istio: ingressgateway}
          ports:
          - {name: status, port: 15021}
          - {name: http, port: 80, targetPort: web}
          - {name: https, port: 443, targetPort: 8443}
          - {name: dns, port: 53, protocol: UDP}
    """)

    assert made == (GatewayPort(CONTROLLER, 80, 8080), GatewayPort(CONTROLLER, 443, 8443))


def test_gateway_without_a_service_has_the_ports_of_its_gateways() -> None:
    made = found("""
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: public}
        spec:
          selector: {istio: ingressgateway}
          servers: [{port: {number: 8081, name: http, protocol: HTTP}, hosts: ["*"]}]
    """)

    assert made == (GatewayPort(CONTROLLER, 8081, 8081),)
