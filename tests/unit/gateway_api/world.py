"""A mesh with a gateway that is served by pods, for tests of the Gateway API."""

from lateen.api.resource import Change
from lateen.config import documents
from lateen.view.mesh import Mesh

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: edge}]
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: "*.example.com",
     allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: infra}
spec:
  clusterIP: 10.0.0.9
  selector: {app: edge}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}
"""
ROUTER = '{"type": "router", "namespace": "infra", "labels": {"app": "edge"}}'


def route(
    name: str, host: str, rules: str, namespace: str = "shop", kind: str = "HTTPRoute"
) -> str:
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: {kind}
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{{name: edge, namespace: infra}}]
  hostnames: ["{host}"]
  rules: {rules}
"""


def mesh(*texts: str) -> Mesh:
    made = Mesh()
    apply(made, GATEWAY, *texts)
    return made


def apply(mesh: Mesh, *texts: str) -> None:
    read = documents.read("\n---\n".join(texts), "mesh.yaml")
    assert not read.problems, read.problems
    mesh.apply(Change(each.key, each) for each in read.resources)


TO_WEB = "[{backendRefs: [{name: web, port: 80}]}]"
