"""Manifests of the small mesh that these tests run: a gateway, `front` and `back`."""

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
"""

GATEWAY = """\
apiVersion: v1
kind: Service
metadata: {name: gateway, namespace: shop}
spec: {selector: {istio: ingressgateway}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: shop}
spec:
  template:
    metadata:
      labels: {istio: ingressgateway}
      annotations: {inject.istio.io/templates: gateway}
    spec: {containers: [{name: istio-proxy, image: auto}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gateway, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: gateway, namespace: shop}
spec:
  hosts: ["*"]
  gateways: [gateway]
  http: [{route: [{destination: {host: front, port: {number: 8080}}}]}]
---
"""


def application(name: str, *, version: str = "v1", extra: str = "", replicas: int = 1) -> str:
    """A Service and a Deployment of `lateen echo`; `extra` are more lines of the container."""
    lines = "".join(f"\n        {line}" for line in extra.splitlines())
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 8080}}, {{name: tcp, port: 9000}}]}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: shop}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  replicas: {replicas}
  template:
    metadata: {{labels: {{app: {name}, version: {version}}}}}
    spec:
      serviceAccountName: {name}
      containers:
      - name: main
        image: example/{name}:{version}
        command: [lateen, echo, --http=8080, --tcp=9000]
        readinessProbe: {{httpGet: {{path: /readyz, port: 8080}}, periodSeconds: 1}}{lines}
---
"""


SMALL = NAMESPACE + GATEWAY + application("front") + application("back")
