"""A mesh from YAML, and what a sidecar of it is sent, as plain data."""

from typing import Any

from lateen.api.resource import Change
from lateen.config import documents
from lateen.envoy import messages, types
from lateen.translate.listeners import outbound
from lateen.translate.routes import configuration
from lateen.view.mesh import Mesh, Settings
from lateen.view.proxy import ProxyClass

CLIENT = ProxyClass(
    namespace="shop",
    labels=(("app", "front"), ("version", "v1")),
    service_account="front",
    dns_domain="shop.svc.cluster.local",
)


def mesh_of(*texts: str, mesh_config: str = "", settings: Settings | None = None) -> Mesh:
    mesh = Mesh(settings or Settings(mesh_config=mesh_config or None))
    for index, text in enumerate(texts):
        apply(mesh, text, f"{index}.yaml")
    return mesh


def apply(mesh: Mesh, text: str, file: str = "change.yaml") -> None:
    reading = documents.read(text, file)
    assert not reading.problems, reading.problems
    mesh.apply([Change(resource.key, resource) for resource in reading.resources])


def http_service(
    name: str, *, address: str = "10.0.0.1", port: int = 80, protocol: str = "http"
) -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop}}
spec:
  clusterIP: {address}
  selector: {{app: {name}}}
  ports: [{{name: {protocol}, port: {port}, targetPort: {port}}}]
---
"""


def listener(mesh: Mesh, name: str, client: ProxyClass = CLIENT) -> dict[str, Any]:
    made = outbound.listener(mesh, client, name)
    assert made is not None, f"no listener {name} in {outbound.listener_names(mesh, client)}"
    return messages.to_json(types.Listener.FromString(made))


def route_table(mesh: Mesh, name: str, client: ProxyClass = CLIENT) -> dict[str, Any]:
    made = configuration.route_configuration(mesh, client, name)
    assert made is not None, f"no route configuration {name}"
    return messages.to_json(types.RouteConfiguration.FromString(made))


def virtual_host(mesh: Mesh, table: str, name: str, client: ProxyClass = CLIENT) -> dict[str, Any]:
    hosts: list[dict[str, Any]] = route_table(mesh, table, client)["virtual_hosts"]
    found = [host for host in hosts if host["name"] == name]
    assert len(found) == 1, f"{name} is not one of {[host['name'] for host in hosts]}"
    return found[0]


def routes(mesh: Mesh, hostname: str = "reviews", port: int = 80) -> list[dict[str, Any]]:
    """The routes of a service of namespace shop on its port."""
    name = f"{hostname}.shop.svc.cluster.local:{port}"
    made: list[dict[str, Any]] = virtual_host(mesh, str(port), name)["routes"]
    return made
