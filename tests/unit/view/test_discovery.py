"""Namespaces that the mesh takes notice of."""

import yaml

from lateen.api.resource import Change, Key
from lateen.config import documents
from lateen.view import scope
from lateen.view.mesh import Mesh
from tests.unit.view.meshes import apply, mesh_of, scope_of, service

SELECTORS = "discoverySelectors: [{matchLabels: {mesh: 'on'}}, {matchExpressions: [EXPRESSION]}]"
EXPRESSION = "{key: kubernetes.io/metadata.name, operator: In, values: [named]}"
WEB = service("web", "clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]", "shop")
OTHER = service("other", "clusterIP: 10.0.0.2, ports: [{name: http, port: 80}]", "named")
INGRESS = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: web}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


def namespace(name: str, labels: str = "") -> str:
    return f"""---
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {{{labels}}}}}
"""


def config(mesh: str) -> str:
    data = yaml.safe_dump({"mesh": mesh}, default_flow_style=True).strip()
    return f"""---
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data: {data}
"""


def hostnames(mesh: Mesh) -> list[str]:
    return [each.name for each in scope.services(mesh, scope_of(mesh))]


def selecting(*texts: str) -> Mesh:
    return mesh_of("".join(texts) + config(SELECTORS.replace("EXPRESSION", EXPRESSION)))


def test_services_of_other_namespaces_are_not_there() -> None:
    assert hostnames(selecting(namespace("shop"), WEB, OTHER)) == ["other"]
    assert hostnames(selecting(namespace("shop", "mesh: 'on'"), WEB, OTHER)) == ["other", "web"]


def test_a_namespace_comes_in_and_goes_with_its_labels() -> None:
    mesh = selecting(namespace("shop"), WEB, OTHER)

    apply(mesh, namespace("shop", "mesh: 'on'"))
    assert hostnames(mesh) == ["other", "web"]
    apply(mesh, namespace("shop", "mesh: 'off'"))
    assert hostnames(mesh) == ["other"]


def test_what_changes_aside_is_as_it_is_when_it_comes_in() -> None:
    mesh = selecting(namespace("shop"), WEB)

    apply(mesh, service("added", "clusterIP: 10.0.0.3, ports: [{port: 80}]", "shop"))
    mesh.apply([Change(Key("Service", "shop", "web"), None)])
    apply(mesh, namespace("shop", "mesh: 'on'"))

    assert hostnames(mesh) == ["added"]


def test_changed_selectors_hold_at_once() -> None:
    mesh = mesh_of(namespace("shop") + WEB + OTHER)

    apply(mesh, config(SELECTORS.replace("EXPRESSION", EXPRESSION)))
    assert hostnames(mesh) == ["other"]
    apply(mesh, config("{}"))
    assert hostnames(mesh) == ["other", "web"]


def test_a_batch_with_object_and_namespace_is_seen_whole() -> None:
    mesh = selecting(namespace("shop"))

    reading = documents.read(WEB + namespace("shop", "mesh: 'on'"), "batch.yaml")
    mesh.apply(Change(resource.key, resource) for resource in reading.resources)

    assert hostnames(mesh) == ["web"]


def test_what_is_generated_from_hidden_objects_goes_with_them() -> None:
    mesh = selecting(namespace("shop", "mesh: 'on'"), WEB, INGRESS)
    assert mesh.of_kind("VirtualService", "shop")

    apply(mesh, namespace("shop"))
    assert not mesh.of_kind("VirtualService", "shop")
    apply(mesh, namespace("shop", "mesh: 'on'"))
    assert mesh.of_kind("VirtualService", "shop")


def test_the_root_namespace_is_always_seen() -> None:
    mesh = selecting(service("control", "ports: [{port: 80}]", "istio-system"))

    assert hostnames(mesh) == ["control"]
