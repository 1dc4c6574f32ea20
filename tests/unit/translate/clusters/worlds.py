"""Meshes whose clusters and endpoints tests look at."""

from typing import Any

from lateen.envoy import messages, types
from lateen.translate import endpoints
from lateen.translate.clusters import build
from lateen.view.mesh import Mesh, Settings
from lateen.view.proxy import ProxyClass, ProxyKind
from tests.unit.view.meshes import apply, istio, mesh_of, pod, service

REVIEWS = "reviews.default.svc.cluster.local"
CLIENT = ProxyClass(namespace="default", labels=(("app", "front"),))
GATEWAY = ProxyClass(
    kind=ProxyKind.ROUTER, namespace="istio-system", labels=(("istio", "ingressgateway"),)
)


def reviews(*more: str, protocol: str = "http", mesh_config: str = "") -> Mesh:
    """Service reviews with a pod of each version, both with a proxy."""
    text = service(
        "reviews",
        "clusterIP: 10.96.0.1, selector: {app: reviews}, "
        f"ports: [{{name: {protocol}, port: 80, targetPort: 8080}}]",
    )
    for number, version in enumerate(("v1", "v2"), start=1):
        text += pod(
            f"reviews-{version}",
            f"10.1.0.{number}",
            f"app: reviews, version: {version}, security.istio.io/tlsMode: istio",
            account="reviews",
        )
    mesh = Mesh(Settings(mesh_config=mesh_config or None))
    apply(mesh, text + "".join(more))
    return mesh


def rule(spec: str, host: str = "reviews") -> str:
    return istio(
        "DestinationRule", host.split(".")[0].replace("*", "any"), f"host: '{host}', {spec}"
    )


def entry(host: str, spec: str) -> str:
    name = host.replace("*.", "any-").replace(".", "-")
    return istio("ServiceEntry", name, f"hosts: ['{host}'], {spec}")


def cluster(mesh: Mesh, name: str, client: ProxyClass = CLIENT) -> dict[str, Any]:
    made = build.cluster(mesh, client, name)
    assert made is not None, f"no cluster {name} in {build.cluster_names(mesh, client)}"
    return messages.to_json(types.Cluster.FromString(made))


def policy_cluster(policy: str, *, protocol: str = "http", **more: Any) -> dict[str, Any]:
    """The cluster of reviews under a trafficPolicy."""
    mesh = reviews(rule(f"trafficPolicy: {{{policy}}}"), protocol=protocol, **more)
    return cluster(mesh, f"outbound|80||{REVIEWS}")


def http_options(cluster: dict[str, Any]) -> dict[str, Any]:
    options = cluster.get("typed_extension_protocol_options", {})
    found: dict[str, Any] = next(iter(options.values()), {})
    return found


def tls_context(cluster: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cluster["transport_socket"]["typed_config"]
    return found


def localities(mesh: Mesh, name: str, client: ProxyClass = CLIENT) -> list[dict[str, Any]]:
    made = endpoints.endpoints(mesh, client, name)
    if made is None:
        return []
    shown = messages.to_json(types.ClusterLoadAssignment.FromString(made))
    assert shown["cluster_name"] == name
    found: list[dict[str, Any]] = shown.get("endpoints", [])
    return found


def addresses(mesh: Mesh, name: str, client: ProxyClass = CLIENT) -> list[str]:
    return [
        endpoint["endpoint"]["address"]["socket_address"]["address"]
        for place in localities(mesh, name, client)
        for endpoint in place["lb_endpoints"]
    ]


__all__ = ["apply", "istio", "mesh_of", "pod", "service"]
