"""A mesh of ready bytes: what the discovery server needs of one, without any translation."""

from typing import Any

from lateen.base.incremental import Graph, Node, Table, derived
from lateen.view.proxy import Proxy, ProxyClass, ProxyKind
from lateen.xds import kinds, node
from lateen.xds.cells import Cell

Name = tuple[str, str]  # type URL, resource name


class PlainMesh:
    """A `Catalogue` whose resources are put in by hand. Labels of a proxy make its class."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.contents: Table[Name, bytes] = Table(self.graph, "contents")
        self.lists: Table[str, tuple[str, ...]] = Table(self.graph, "lists")
        self.classes: Table[str, str] = Table(self.graph, "classes")

    def put(self, type_url: str, name: str, content: bytes) -> None:
        self.contents.put((type_url, name), content)
        listed = self.lists.peek(type_url) or ()
        if name not in listed:
            self.lists.put(type_url, (*listed, name))

    def remove(self, type_url: str, name: str) -> None:
        self.contents.discard((type_url, name))
        listed = self.lists.peek(type_url) or ()
        self.lists.put(type_url, tuple(other for other in listed if other != name))

    def serves(self, type_url: str) -> bool:
        return type_url in kinds.SHORT

    def is_listed(self, type_url: str) -> bool:
        return type_url in (kinds.CLUSTER, kinds.LISTENER, kinds.NAME_TABLE)

    def proxy(self, message: Any) -> tuple[Proxy, dict[str, Any]]:
        metadata = node.metadata(message)
        proxy_class = ProxyClass(namespace=str(metadata.get("NAMESPACE", "default")))
        return Proxy(message.id, ProxyKind.SIDECAR, (), proxy_class), metadata

    def sources(self, cell: Cell) -> tuple[str, ...]:
        return (f"source of {cell.name}",)

    def absence(self, scope: ProxyClass, type_url: str, name: str) -> str:
        return f"no {name}"

    def optional(self, cell: Cell) -> tuple[str, ...]:
        return ()

    def described(self, part: Any) -> str:
        return str(part)

    def without(self, proxy_class: ProxyClass, parts: tuple[Any, ...]) -> ProxyClass:
        return proxy_class

    def classify(self, proxy_class: ProxyClass) -> Node:
        return effective_class.node(self, proxy_class)

    def names(self, proxy_class: ProxyClass, type_url: str) -> Node:
        return listed_names.node(self, proxy_class, type_url)

    def cell(self, proxy_class: ProxyClass, type_url: str, name: str) -> Node:
        return content.node(self, type_url, name)


@derived
def effective_class(mesh: PlainMesh, proxy_class: ProxyClass) -> ProxyClass:
    moved = mesh.classes.get(proxy_class.namespace)
    return proxy_class if moved is None else ProxyClass(namespace=moved)


@derived
def listed_names(mesh: PlainMesh, proxy_class: ProxyClass, type_url: str) -> tuple[str, ...]:
    names = mesh.lists.get(type_url) or ()
    if names == ("raise",):
        raise ValueError(f"the list of {type_url} cannot be made")
    if proxy_class.namespace == "narrow":
        return names[:1]
    return names


@derived
def content(mesh: PlainMesh, type_url: str, name: str) -> bytes | None:
    found = mesh.contents.get((type_url, name))
    if found == b"raise":
        raise ValueError(f"{name} cannot be made")
    return found
