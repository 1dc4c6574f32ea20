"""Keeps every group equal to the graph: the one place where changes of the mesh become stamps.

    settle()   graph -> changed nodes -> cells -> groups touched        (dirty groups collect)

A scope is the class of proxies that must see the same; within it a group is made for each distinct
subscription and dropped some time after its last stream has left.
"""

import logging
from collections.abc import Callable, Hashable, Iterator

from lateen.base.incremental import Node
from lateen.xds import kinds
from lateen.xds.catalogue import Catalogue
from lateen.xds.cells import Cells
from lateen.xds.groups import Group
from lateen.xds.responses import Responses
from lateen.xds.transport.status import CallRefused, Status

log = logging.getLogger(__name__)

# Values that a change has put out of use stay in the graph until so many have gathered.
GROWTH = 1.25
SLACK = 20_000

Failed = Callable[[Node, Exception], None]
Subscription = tuple[bool, frozenset[str]]


class Scope:
    """One class of proxies (whatever the catalogue calls it) and its groups, by subscription."""

    __slots__ = ("groups", "proxy_class")

    def __init__(self, proxy_class: Hashable) -> None:
        self.proxy_class = proxy_class
        self.groups: dict[str, dict[Subscription, Group]] = {}

    def of(self, type_url: str) -> Iterator[Group]:
        return iter(self.groups.get(type_url, {}).values())


class Scopes:
    """Owns scopes, groups and cells; `failed` is told of computations that raised."""

    def __init__(self, catalogue: Catalogue, failed: Failed) -> None:
        self.catalogue = catalogue
        self.cells = Cells(catalogue.graph)
        self.stamp = 0
        self.dirty: dict[Group, None] = {}
        self.moved: dict[Node, None] = {}  # classifications that changed
        self._failed = failed
        self._scopes: dict[Hashable, Scope] = {}
        self._lists: dict[Node, list[Group]] = {}
        self._watched: dict[Node, int] = {}  # other nodes that are observed, such as classes
        self._responses = Responses(self._forget_responses)
        self._names: dict[frozenset[str], frozenset[str]] = {}  # one of each, however many groups
        self._kept = 0  # values in the graph when unused ones were last dropped

    def __len__(self) -> int:
        return len(self._scopes)

    def scope(self, proxy_class: Hashable) -> Scope:
        found = self._scopes.get(proxy_class)
        if found is None:
            found = self._scopes[proxy_class] = Scope(proxy_class)
        return found

    def group(self, scope: Scope, type_url: str, listed: bool, names: frozenset[str]) -> Group:
        """The group of a subscription; made, and its cells evaluated, if it is new."""
        groups = scope.groups.setdefault(type_url, {})
        found = groups.get((listed, names))
        if found is None:
            names = self._names.setdefault(names, names)
            found = groups[listed, names] = self._new_group(scope, type_url, listed, names)
        return found

    def watch_node(self, node: Node) -> None:
        """Observes a node whose changes are collected in `moved`."""
        self._watched[node] = self._watched.get(node, 0) + 1
        self.catalogue.graph.observe(node)

    def unwatch_node(self, node: Node) -> None:
        self._watched[node] -= 1
        self.catalogue.graph.unobserve(node)
        if not self._watched[node]:
            del self._watched[node]

    def settle(self) -> None:
        """Brings cells and groups up to date with the graph. Sends nothing."""
        graph = self.catalogue.graph
        while graph.stale:
            changed = graph.settle(self._failed)
            if changed:
                self.stamp += 1
                self._responses.outdate()
            for node in changed:
                self._absorb(node)

    def sweep(self) -> None:
        """Drops groups that no stream is in, and responses that were kept for sharing."""
        cells = len(self.cells)
        for scope in list(self._scopes.values()):
            for type_url, groups in list(scope.groups.items()):
                for group in [group for group in groups.values() if not group.members]:
                    self._drop_group(group)
                if not groups:
                    del scope.groups[type_url]
            if not scope.groups:
                del self._scopes[scope.proxy_class]
        self._names = {group.names: group.names for group in self}
        self._forget_responses()
        graph = self.catalogue.graph
        if len(self.cells) < cells or len(graph) > self._kept * GROWTH + SLACK:
            graph.forget()
            self._kept = len(graph)

    def _forget_responses(self) -> None:
        self._responses.forget()
        for group in self:
            group.forget_responses()

    def __iter__(self) -> Iterator[Group]:
        for scope in self._scopes.values():
            for groups in scope.groups.values():
                yield from groups.values()

    def _new_group(self, scope: Scope, type_url: str, listed: bool, names: frozenset[str]) -> Group:
        group = Group(
            scope=scope, type_url=type_url, listed=listed, names=names, responses=self._responses
        )
        ordered = sorted(names)
        if listed:
            ordered = [*dict.fromkeys((*self._follow_list(group), *ordered))]
        for name in ordered:
            self._add_name(group, name)
        self.settle()
        for cell in group.cells.values():
            if cell.content is None:
                cell.refresh(self.stamp)  # the graph reports no change from None to None
        group.changed_at = group.removed_at = self.stamp
        return group

    def _follow_list(self, group: Group) -> tuple[str, ...]:
        """The names of a listed type. A proxy must not be told that all is gone because the list
        could not be made: it is refused, keeps what it has and comes again."""
        node = self.catalogue.names(group.scope.proxy_class, group.type_url)
        self.catalogue.graph.observe(node)
        self.settle()
        if node.value is None and node.error is not None:
            self.catalogue.graph.unobserve(node)
            short = kinds.short(group.type_url)
            raise CallRefused(Status.UNAVAILABLE, f"{short} cannot be generated; see the log")
        group.list_node = node
        self._lists.setdefault(node, []).append(group)
        names: tuple[str, ...] = node.value or ()
        return names

    def _add_name(self, group: Group, name: str) -> None:
        node = self.catalogue.cell(group.scope.proxy_class, group.type_url, name)
        group.put(name, self.cells.hold(group, node, name, stamp=self.stamp))

    def _absorb(self, node: Node) -> None:
        for cell in self.cells.of(node):
            if cell.refresh(self.stamp):
                for group in cell.groups:
                    self._touch(group, cell.name)
        for group in self._lists.get(node, ()):
            self._relist(group)
        if node in self._watched:
            self.moved[node] = None

    def _touch(self, group: Group, name: str) -> None:
        group.touch(name, self.stamp)
        self.dirty[group] = None
        if group.type_url == kinds.CLUSTER:
            self._touch_endpoints(group.scope, name)

    def _touch_endpoints(self, scope: Scope, cluster: str) -> None:
        """A changed cluster warms anew and waits for its endpoints, though they are the same."""
        for group in scope.of(kinds.ENDPOINT):
            if cluster in group.cells:
                group.touch(cluster, self.stamp)
                self.dirty[group] = None

    def _relist(self, group: Group) -> None:
        """The list of a listed type has changed."""
        assert group.list_node is not None
        listed = group.list_node.value or ()
        now = dict.fromkeys((*listed, *sorted(group.names)))
        for name in [name for name in group.cells if name not in now]:
            self.cells.release(group, group.drop(name, self.stamp))
        for name in now:
            if name not in group.cells:
                self._add_name(group, name)
                group.joined[name] = self.stamp
                if group.cells[name].field is not None:
                    self._touch(group, name)
        self.dirty[group] = None

    def _drop_group(self, group: Group) -> None:
        del group.scope.groups[group.type_url][group.listed, group.names]
        self.dirty.pop(group, None)
        for cell in group.cells.values():
            self.cells.release(group, cell)
        if group.list_node is not None:
            self._lists[group.list_node].remove(group)
            self.catalogue.graph.unobserve(group.list_node)
            if not self._lists[group.list_node]:
                del self._lists[group.list_node]
