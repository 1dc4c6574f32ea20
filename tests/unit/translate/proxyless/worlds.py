"""A gRPC client and a gRPC server without proxies, and what they are sent, as plain data."""

from dataclasses import replace
from typing import Any

from lateen.envoy import messages, types
from lateen.translate import discovery
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

GRPC = replace(CLIENT, generator="grpc")
NAME = "outbound|9000||carts.shop.svc.cluster.local"
KINDS = {
    discovery.CLUSTER: types.Cluster,
    discovery.LISTENER: types.Listener,
    discovery.ROUTE: types.RouteConfiguration,
}


def carts(*more: str) -> Mesh:
    return mesh_of(http_service("carts", port=9000, protocol="grpc"), *more)


def shown(mesh: Mesh, kind: str, name: str, client: ProxyClass = GRPC) -> dict[str, Any] | None:
    content = discovery.cell(mesh, client, kind, name).read()
    return messages.to_json(KINDS[kind].FromString(content)) if content is not None else None


def istio(group: str, kind: str, spec: str) -> str:
    return (
        f"---\napiVersion: {group}.istio.io/v1\nkind: {kind}\n"
        f"metadata: {{name: carts, namespace: shop}}\nspec: {{{spec}}}\n"
    )
