"""Where an Ingress can be reached."""

import pytest

from lateen.api.resource import Change, Key
from lateen.config import documents
from lateen.gateway_api import status
from lateen.view.mesh import Mesh, Settings

INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: old, namespace: shop, annotations: {kubernetes.io/ingress.class: CLASS}}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
---
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: NAMESPACE}
spec: {type: LoadBalancer, selector: {istio: LABEL}, ports: [{port: 80}]}
STATUS
"""
GIVEN = "status: {loadBalancer: {ingress: [{ip: 192.0.2.7}, {hostname: lb.example}]}}"


def service(name: str, namespace: str, label: str = "ingressgateway", status: str = "") -> str:
    text = SERVICE.replace("NAMESPACE", namespace).replace("NAME", name)
    return text.replace("LABEL", label).replace("STATUS", status)


def told(*texts: str, class_name: str = "istio", balancer: str = "") -> object:
    mesh = Mesh(Settings(balancer_address=balancer))
    whole = INGRESS.replace("CLASS", class_name) + "---".join(texts)
    mesh.apply(Change(each.key, each) for each in documents.read(whole, "a.yaml").resources)
    found = {each.key: each.status for each in status.statuses(mesh)}
    return found.get(Key("Ingress", "shop", "old"))


@pytest.mark.parametrize(
    "text",
    [
        service("istio-ingressgateway", "istio-system", "other", GIVEN),
        service("gateway", "edge", status=GIVEN),
    ],
)
def test_it_is_where_the_gateways_service_is(text: str) -> None:
    points = [{"ip": "192.0.2.7"}, {"hostname": "lb.example"}]

    assert told(text) == {"loadBalancer": {"ingress": points}}


def test_a_balancer_without_an_address_is_where_the_mesh_offers_it() -> None:
    text = service("gateway", "edge")

    assert told(text) == {"loadBalancer": {}}
    assert told(text, balancer="127.0.0.1") == {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}


def test_an_ingress_of_another_class_has_no_status_of_ours() -> None:
    assert told(service("gateway", "edge", status=GIVEN), class_name="nginx") is None
