"""What is made for Gateways that are deployed by the mesh."""

from typing import Any

import pytest

from lateen.api.resource import Change, Key
from lateen.config import documents
from lateen.gateway_api import deployment
from lateen.gateway_api.sources import GATEWAY
from lateen.view.mesh import Mesh, Settings

EDGE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop, labels: {team: a}, annotations: {note: b}}
spec:
  gatewayClassName: CLASS
  MORE
  listeners:
  - {name: a.b, port: 80, protocol: HTTP}
  - {name: again, port: 80, protocol: HTTP, hostname: a.example}
"""
PARAMETERS = "infrastructure: {parametersRef: {group: '', kind: ConfigMap, name: own}}"
OWN = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: own, namespace: shop}
data: {deployment: "PATCH"}
"""
MINE = """
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: edge-istio, namespace: shop}
"""


def world(text: str) -> Mesh:
    mesh = Mesh(Settings(network="east"))
    read = documents.read(text, "shop.yaml")
    mesh.apply(Change(each.key, each) for each in read.resources)
    return mesh


def made(class_name: str = "istio", more: str = "", text: str = "") -> dict[str, Any]:
    whole = EDGE.replace("CLASS", class_name).replace("MORE", more) + text
    return {each["kind"]: each for each in deployment.generated(world(whole))}


def test_names_and_labels_follow_the_class() -> None:
    ingress, waypoint = made()["Service"], made("istio-waypoint")["Service"]

    assert ingress["metadata"]["name"] == "edge-istio"
    assert ingress["spec"]["type"] == "LoadBalancer"
    assert ingress["metadata"]["labels"]["istio.io/dataplane-mode"] == "none"
    assert waypoint["metadata"]["name"] == "edge"
    assert waypoint["spec"]["type"] == "ClusterIP"
    assert waypoint["metadata"]["labels"]["topology.istio.io/network"] == "east"


def test_ports_are_named_once_after_their_first_listener() -> None:
    ports = made()["Service"]["spec"]["ports"]

    assert [(each["name"], each["port"]) for each in ports] == [("status-port", 15021), ("a-b", 80)]


def test_the_gateways_labels_are_copied_unless_its_infrastructure_has_some() -> None:
    own = made()["Deployment"]["metadata"]
    other = made(more="infrastructure: {labels: {team: c}}")["Deployment"]["metadata"]

    assert (own["labels"]["team"], own["annotations"]["note"]) == ("a", "b")
    assert (other["labels"]["team"], other["annotations"]["note"]) == ("c", "b")


def test_parameters_change_the_deployment() -> None:
    found = made(more=PARAMETERS, text=OWN.replace("PATCH", "spec: {replicas: 3}"))

    assert found["Deployment"]["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "parametersRef ConfigMap shop/own does not exist"),
        (OWN.replace("PATCH", "metadata: {name: x}"), "illegal metadata change"),
    ],
)
def test_with_unlawful_parameters_nothing_is_made_and_that_is_said(text: str, why: str) -> None:
    assert made(more=PARAMETERS, text=text) == {}
    mesh = world(EDGE.replace("CLASS", "istio").replace("MORE", PARAMETERS) + text)
    gateway = mesh.resource(Key(GATEWAY, "shop", "edge"))
    assert gateway is not None
    assert deployment.deployment_fault(mesh, gateway).startswith(why)


def test_what_the_user_has_already_is_not_written_over() -> None:
    assert set(made(text=MINE)) == {"Deployment", "Service"}


@pytest.mark.parametrize("class_name", ["istio-remote", "nobodys"])
def test_other_classes_are_not_deployed(class_name: str) -> None:
    assert made(class_name) == {}
