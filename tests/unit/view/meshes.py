"""Meshes from YAML, for tests."""

from typing import Any

from lateen.api.resource import Change, Key
from lateen.base.problem import Severity
from lateen.config import documents
from lateen.view.mesh import Mesh, Settings
from lateen.view.proxy import ProxyClass, ProxyKind
from lateen.view.scope import OutboundScope, outbound_scope


def mesh_of(text: str = "", **settings: Any) -> Mesh:
    mesh = Mesh(Settings(**settings))
    apply(mesh, text)
    return mesh


def apply(mesh: Mesh, text: str) -> None:
    reading = documents.read(text, "mesh.yaml")
    errors = [problem for problem in reading.problems if problem.severity is Severity.ERROR]
    assert not errors, errors
    mesh.apply(Change(resource.key, resource) for resource in reading.resources)


def delete(mesh: Mesh, kind: str, namespace: str, name: str) -> None:
    key = Key(kind, namespace, name)
    assert mesh.resource(key) is not None
    mesh.apply([Change(key, None)])


def sidecar(namespace: str = "default", **labels: str) -> ProxyClass:
    return ProxyClass(namespace=namespace, labels=tuple(sorted(labels.items())))


def router(namespace: str = "istio-system", **labels: str) -> ProxyClass:
    chosen = labels or {"istio": "ingressgateway"}
    return ProxyClass(
        kind=ProxyKind.ROUTER, namespace=namespace, labels=tuple(sorted(chosen.items()))
    )


def scope_of(mesh: Mesh, namespace: str = "default", **labels: str) -> OutboundScope:
    return outbound_scope(mesh, sidecar(namespace, **labels))


def istio(kind: str, name: str, spec: str, namespace: str = "default", meta: str = "") -> str:
    """One Istio document; `spec` and `meta` are flow YAML without the outer braces."""
    group = "security" if kind == "PeerAuthentication" else "networking"
    more = f", {meta}" if meta else ""
    return (
        f"---\napiVersion: {group}.istio.io/v1\nkind: {kind}\n"
        f"metadata: {{name: {name}, namespace: {namespace}{more}}}\n"
        f"spec: {{{spec}}}\n"
    )


def service(name: str, spec: str, namespace: str = "default", meta: str = "") -> str:
    more = f", {meta}" if meta else ""
    return (
        "---\napiVersion: v1\nkind: Service\n"
        f"metadata: {{name: {name}, namespace: {namespace}{more}}}\nspec: {{{spec}}}\n"
    )


def pod(
    name: str,
    address: str,
    labels: str,
    *,
    namespace: str = "default",
    ready: bool = True,
    ports: str = "",
    account: str = "default",
    annotations: str = "",
    node: str = "",
) -> str:
    condition = "True" if ready else "False"
    return f"""---
apiVersion: v1
kind: Pod
metadata:
  {{name: {name}, namespace: {namespace}, labels: {{{labels}}}, annotations: {{{annotations}}}}}
spec:
  serviceAccountName: {account}
  nodeName: "{node}"
  containers: [{{name: app, image: app, ports: [{ports}]}}]
status:
  phase: Running
  podIP: {address}
  conditions: [{{type: Ready, status: "{condition}"}}]
"""
