"""A router and the Gateways that select it."""

from typing import Any

from lateen.envoy import messages, types
from lateen.translate.listeners import gateway
from lateen.translate.routes import gateway as routes
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass, ProxyKind

ROUTER = ProxyClass(
    kind=ProxyKind.ROUTER,
    namespace="istio-ingress",
    labels=(("istio", "ingressgateway"),),
    service_account="ingressgateway",
    dns_domain="istio-ingress.svc.cluster.local",
)
WEB = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}, {name: tls, port: 443}]}
"""


def gateway_of(*servers: str, name: str = "public") -> str:
    lines = "\n".join(f"  - {server}" for server in servers)
    return f"""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: istio-ingress}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
{lines}
"""


def virtual_service(
    hosts: str, routes: str, *, name: str = "web", gateway: str = "istio-ingress/public"
) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: [{hosts}]
  gateways: [{gateway}]
  {routes}
"""


def shown(mesh: Mesh, name: str, proxy: ProxyClass = ROUTER) -> dict[str, Any]:
    made = gateway.listener(mesh, proxy, name)
    assert made is not None, gateway.listener_names(mesh, proxy)
    return messages.to_json(types.Listener.FromString(made))


def table(mesh: Mesh, name: str) -> dict[str, Any]:
    made = routes.route_configuration(mesh, ROUTER, name)
    assert made is not None, f"no route configuration {name}"
    return messages.to_json(types.RouteConfiguration.FromString(made))


def config(chain: dict[str, Any]) -> dict[str, Any]:
    """Of the last network filter."""
    found: dict[str, Any] = chain["filters"][-1]["typed_config"]
    return found


def server_names(chain: dict[str, Any]) -> list[str]:
    found: list[str] = chain.get("filter_chain_match", {}).get("server_names", [])
    return found
