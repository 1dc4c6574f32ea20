"""The catalogue of a real mesh: what `translate` makes of it."""

from dataclasses import replace
from typing import Any, NamedTuple

from lateen.api.resource import Key
from lateen.base.incremental import Graph, Node, derived
from lateen.catalog.service import Locality
from lateen.translate import discovery, secrets
from lateen.translate.envoy_filter.layer import Patching, optional_patches, patching
from lateen.view.envoy_filter import patch_named
from lateen.view.mesh import Mesh
from lateen.view.proxy import PatchName, Proxy, ProxyClass
from lateen.view.proxy_class import NodeError, classify, proxy_from_node
from lateen.view.scope import OutboundScope, outbound_scope
from lateen.xds import kinds
from lateen.xds import node as node_message
from lateen.xds.cells import Cell
from lateen.xds.rejections import config_paths, read_keys
from lateen.xds.transport.status import CallRefused, Status

CAUSES = frozenset(  # kinds worth naming when a resource carries no config path
    (
        "VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "Sidecar", "EnvoyFilter",
        "WorkloadEntry", "PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy",
        "Telemetry", "WasmPlugin", "ProxyConfig",
    )
)  # fmt: skip
MOST_CAUSES = 5


class MeshCatalogue:
    """What Lateen translates from a mesh."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    @property
    def graph(self) -> Graph:
        return self._mesh.graph

    def serves(self, type_url: str) -> bool:
        return type_url in discovery.KINDS

    def is_listed(self, type_url: str) -> bool:
        kind = discovery.KINDS.get(type_url)
        return kind is not None and kind.names is not None

    def proxy(self, node: Any) -> tuple[Proxy, dict[str, Any]]:
        metadata = node_message.metadata(node)
        try:
            proxy = proxy_from_node(node.id, metadata, self._mesh, _locality(node))
        except NodeError as wrong:
            raise CallRefused(Status.INVALID_ARGUMENT, str(wrong)) from wrong
        return proxy, metadata

    def sources(self, cell: Cell) -> tuple[str, ...]:
        keys = config_paths(cell.content or b"")
        if not keys:
            read = (key for key in read_keys(cell.node) if key.kind in CAUSES)
            keys = tuple(dict.fromkeys(read))[:MOST_CAUSES]
        return tuple(self._described(key) for key in keys)

    def described(self, part: Any) -> str:
        if not isinstance(part, PatchName) or patch_named(self._mesh, part) is None:
            return ""
        return f"{self._described(part.owner)} spec.configPatches[{part.place}]"

    def _described(self, key: Key) -> str:
        origin = self._mesh.origin(key)
        return f"{key} ({origin})" if origin.file else str(key)

    def optional(self, cell: Cell) -> tuple[PatchName, ...]:
        return () if cell.type_url == discovery.EXTENSION else optional_patches(cell.node)

    def without(self, proxy_class: ProxyClass, parts: tuple[Any, ...]) -> ProxyClass:
        return replace(proxy_class, left_out=parts)

    def classify(self, proxy_class: ProxyClass) -> Node:
        return seen_from.node(self._mesh, proxy_class)

    def names(self, scope: "Place", type_url: str) -> Node:
        return discovery.names.node(self._mesh, scope.proxy_class, type_url)

    def cell(self, scope: "Place", type_url: str, name: str) -> Node:
        return discovery.cell(self._mesh, scope.proxy_class, type_url, name)

    def absence(self, scope: "Place", type_url: str, name: str) -> str:
        if type_url != kinds.SECRET:
            return "there is none"
        return secrets.absence(self._mesh, scope.proxy_class, name)


class Place(NamedTuple):
    """Where a proxy stands. Cells are found by its outbound scope and by the EnvoyFilters that
    concern it, so another of these is a move."""

    proxy_class: ProxyClass
    outbound: OutboundScope
    patching: Patching | None


@derived
def seen_from(mesh: Mesh, proxy_class: ProxyClass) -> Place:
    found = classify(mesh, proxy_class)
    return Place(found, outbound_scope(mesh, found), patching(mesh, found))


def _locality(node: Any) -> Locality | None:
    place = node_message.locality(node)
    return place if place != Locality() else None
