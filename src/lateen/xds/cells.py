"""Cells as the discovery server keeps them: the bytes of one resource, ready to be joined.

A cell is shared by every group whose names lead to the same node of the graph, so a change is
serialized once however many scopes contain it.
"""

from typing import TYPE_CHECKING

from lateen.base.incremental import CLEAN, Graph, Node
from lateen.xds import kinds, wire

if TYPE_CHECKING:
    from lateen.xds.groups import Group


class Cell:
    """`content` is the resource, None when there is none; `field` its place in a delta response.

    `changed_at` is the stamp since which it has its `version`; `before` and `before_at` are those
    of the content before, which a proxy may still hold.
    """

    __slots__ = (
        "before", "before_at", "changed_at", "content", "field", "groups", "name", "node",
        "type_url", "version",
    )  # fmt: skip

    def __init__(self, node: Node, type_url: str, name: str) -> None:
        self.node = node
        self.type_url = type_url
        self.name = name
        self.content: bytes | None = None
        self.field: bytes | None = None
        self.version = self.before = ""
        self.changed_at = self.before_at = 0
        self.groups: dict[Group, None] = {}

    @property
    def is_unknown(self) -> bool:
        """Its first evaluation failed: nothing may be told of it, not even that it is absent."""
        return self.content is None and self.node.error is not None

    @property
    def is_gone(self) -> bool:
        """Whether there is no such resource, whatever is told of it."""
        return self.node.value is None and self.node.error is None

    @property
    def needs_endpoints(self) -> bool:
        """Of a cluster: whether it serves nothing before it was told its endpoints."""
        return self.content is not None and wire.needs_endpoints(self.content)

    def refresh(self, stamp: int) -> bool:
        """Takes over the node's value; says whether that changed anything.

        Endpoints of a cluster that goes away stay as they are: the cluster is removed after the
        routes that lead to it, and serves until then. Whoever asks for endpoints that never were
        is told that there are none, as the cluster would wait for them.
        """
        content: bytes | None = self.node.value
        if self.type_url == kinds.ENDPOINT and self.is_gone:
            content = self.content or wire.empty_assignment(self.name)
        if content == self.content:
            return False
        self.before, self.before_at, self.changed_at = self.version, self.changed_at, stamp
        self.content = content
        if content is None:
            self.field, self.version = None, ""
            return True
        self.version = wire.version(content)
        self.field = wire.delta_resource(
            type_url=self.type_url, name=self.name, version=self.version, content=content
        )
        return True

    def version_at(self, stamp: int) -> str | None:
        """What it was at a stamp; None if that is longer ago than is remembered."""
        if self.changed_at <= stamp:
            return self.version
        return self.before if self.before_at <= stamp else None


class Cells:
    """All cells that some group holds. Observes their nodes, so that `settle` keeps them fresh."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._by_node: dict[tuple[Node, str], Cell] = {}
        self._of_node: dict[Node, list[Cell]] = {}

    def __len__(self) -> int:
        return len(self._by_node)

    def of(self, node: Node) -> list[Cell]:
        """The cells that take their content from this node: one, but for shared empty nodes."""
        return self._of_node.get(node, [])

    def hold(self, group: "Group", node: Node, name: str, *, stamp: int) -> Cell:
        cell = self._by_node.get((node, name))
        if cell is None:
            cell = self._by_node[node, name] = Cell(node, group.type_url, name)
            self._of_node.setdefault(node, []).append(cell)
            self._graph.observe(node)
            if node.state == CLEAN:
                cell.refresh(stamp)
        cell.groups[group] = None
        return cell

    def release(self, group: "Group", cell: Cell) -> None:
        cell.groups.pop(group, None)
        if cell.groups:
            return
        self._by_node.pop((cell.node, cell.name), None)
        siblings = self._of_node.get(cell.node, [])
        if cell in siblings:
            siblings.remove(cell)
            self._graph.unobserve(cell.node)
        if not siblings:
            self._of_node.pop(cell.node, None)
