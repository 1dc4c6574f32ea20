"""Memoised computations that know what they read, so that a change costs what it touches.

    Table rows  ->  derived functions  ->  derived functions  ->  observed nodes (cells)
       set()          @derived                                      settle()

A derived function is called like any other. While it runs, each table row and each other derived
value that it reads is recorded. Setting a row marks what read it (dirty) and what read that (to be
checked); `Graph.settle` recomputes the marked nodes that somebody observes, in dependency order. A
node whose new value equals its old one stops the change there.

The functions must be pure: the graph is the only state they read. One thread owns a graph.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
P = ParamSpec("P")
R = TypeVar("R")

CLEAN, CHECK, DIRTY = 0, 1, 2


class Node:
    """A value and what it was made from. Made by tables and derived functions, not by hand."""

    __slots__ = (
        "compute", "dependents", "deps", "error", "graph", "label", "marks", "observers", "state",
        "value",
    )  # fmt: skip

    def __init__(self, graph: "Graph", label: tuple[Any, ...], compute: Callable[[], Any] | None):
        self.graph = graph
        self.label = label
        self.compute = compute
        self.value: Any = None
        self.error: Exception | None = None  # `value` is then the last good
        self.state = CLEAN if compute is None else DIRTY
        self.deps: dict[Node, None] = {}
        self.dependents: dict[Node, None] = {}
        self.observers = 0
        self.marks: dict[Node, None] | None = None  # of who follows it: see `Followed`

    def __repr__(self) -> str:
        return f"Node{self.label!r}"

    def read(self) -> Any:
        """The current value; recorded as a dependency of the computation that is running."""
        running = self.graph.running
        if running is not None:
            running[self] = None
        if self.state:
            _refresh(self)
        if self.error is not None:
            raise self.error
        return self.value


class Graph:
    """Owns the nodes: which are stale, and how much was computed (for tests and metrics)."""

    def __init__(self) -> None:
        self.running: dict[Node, None] | None = None
        self.evaluations = 0
        self._memo: dict[tuple[Any, ...], Node] = {}
        self._stale: dict[Node, Any] = {}  # observed: their values before they were marked

    def node(self, function: Callable[..., Any], owner: Any, args: tuple[Any, ...]) -> Node:
        key = (function, *args)
        found = self._memo.get(key)
        if found is None:
            label = (getattr(function, "__qualname__", str(function)), *args)
            found = self._memo[key] = Node(self, label, lambda: function(owner, *args))
        return found

    def observe(self, node: Node) -> None:
        """From now on `settle` keeps the node fresh and reports its changes."""
        node.observers += 1
        if node.state:
            self._stale.setdefault(node, node.value)

    def unobserve(self, node: Node) -> None:
        node.observers -= 1
        if not node.observers:
            self._stale.pop(node, None)

    @property
    def stale(self) -> bool:
        """Whether `settle` has something to look at."""
        return bool(self._stale)

    def settle(self, failed: Callable[[Node, Exception], None] | None = None) -> list[Node]:
        """Refreshes every marked observed node; returns those whose value changed since the mark,
        also when somebody else has read, and so refreshed, them meanwhile.

        A computation that raises keeps its node's old value and is given to `failed`; without
        `failed` it is raised. What it had read stays recorded, so the next change tries it again.
        """
        changed = []
        while self._stale:
            node, before = self._stale.popitem()
            _refresh(node)
            if node.error is not None:
                if failed is None:
                    raise node.error
                failed(node, node.error)
            elif node.value is not before and node.value != before:
                changed.append(node)
        return changed

    def __len__(self) -> int:
        """How many derived values are kept, used or not."""
        return len(self._memo)

    def forget(self) -> int:
        """Drops derived nodes that nothing observed depends on; returns how many."""
        keep: set[Node] = set()
        todo = [node for node in self._memo.values() if node.observers]
        while todo:
            node = todo.pop()
            if node not in keep:
                keep.add(node)
                todo.extend(node.deps)
        gone = [key for key, node in self._memo.items() if node not in keep]
        for key in gone:
            node = self._memo.pop(key)
            for dep in node.deps:
                dep.dependents.pop(node, None)
            node.deps = {}
        return len(gone)


class Followed:
    """Nodes of one owner, and which of them a change has put out of date since it last asked.

    For owners that bring something of their own up to date in the midst of a change, before
    `Graph.settle` is called for the rest. A node has one owner at most.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._marked: dict[Node, None] = {}

    def follow(self, node: Node) -> None:
        """The node counts as marked until it is first taken."""
        assert node.marks is None, "one owner"
        node.marks = self._marked
        self._graph.observe(node)
        self._marked[node] = None

    def leave(self, node: Node) -> None:
        node.marks = None
        self._marked.pop(node, None)
        self._graph.unobserve(node)

    def take(self) -> tuple[Node, ...]:
        """Those that were marked, which are now no longer; whoever takes them reads them."""
        found = tuple(self._marked)
        self._marked.clear()
        return found


class Table(Generic[K, V]):
    """Rows that derived functions read one at a time: reading one row depends on that row alone.

    Absent rows can be read too (they give None) and are depended on just the same. `keys` depends
    on which rows exist, not on what they hold. Only the table's owner calls `put` and `discard`.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self._graph = graph
        self._name = name
        self._rows: dict[K, V] = {}
        self._nodes: dict[K, Node] = {}
        self._keys = Node(graph, (name, "*"), None)
        self._keys.value = 0

    def get(self, key: K) -> V | None:
        running = self._graph.running
        if running is not None:
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = Node(self._graph, (self._name, key), None)
            running[node] = None
        return self._rows.get(key)

    def __getitem__(self, key: K) -> V:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __len__(self) -> int:
        self._keys.read()
        return len(self._rows)

    def keys(self) -> Iterator[K]:
        """In the order in which the rows were first put; sort before it can reach an output."""
        self._keys.read()
        return iter(tuple(self._rows))

    def peek(self, key: K) -> V | None:
        """The row without a dependency: for the table's owner only."""
        return self._rows.get(key)

    def put(self, key: K, value: V) -> bool:
        """Sets a row; says whether that changed anything."""
        old = self._rows.get(key)
        if old is not None and (old is value or old == value):
            return False
        self._rows[key] = value
        if old is None:
            self._touch_keys()
        self._touch(key)
        return True

    def discard(self, key: K) -> bool:
        if self._rows.pop(key, None) is None:
            return False
        self._touch_keys()
        self._touch(key)
        return True

    def _touch(self, key: K) -> None:
        node = self._nodes.get(key)
        if node is None:
            return
        if node.dependents:
            _mark(node.dependents)
        elif key not in self._rows:
            del self._nodes[key]

    def _touch_keys(self) -> None:
        self._keys.value += 1
        if self._keys.dependents:
            _mark(self._keys.dependents)


class Owner(Protocol):
    @property
    def graph(self) -> Graph: ...


O = TypeVar("O", bound=Owner)  # noqa: E741 - the owner, as in PEP 612's examples of one letter


class Derived(Generic[O, P, R]):
    """What `derived` returns: call it for the value, `node` for the memo behind it."""

    def __init__(self, function: Callable[Concatenate[O, P], R]) -> None:
        self.function = function
        update_wrapper(self, function)

    def __call__(self, owner: O, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            raise TypeError(f"{self.function.__qualname__} takes positional arguments only")
        return cast(R, owner.graph.node(self.function, owner, args).read())

    def node(self, owner: O, /, *args: P.args, **kwargs: P.kwargs) -> Node:
        return owner.graph.node(self.function, owner, args)


def derived(function: Callable[Concatenate[O, P], R]) -> Derived[O, P, R]:
    """Memoises `function(owner, *args)` in `owner.graph`; `args` positional and hashable.

    Return values that compare by value (bytes, tuples, frozen dataclasses, structs): equality is
    what stops a change from going further.
    """
    return Derived(function)


def _mark(nodes: Iterable[Node]) -> None:
    """Marks what read a changed value as dirty, and all that depends on it as to be checked."""
    todo: list[Node] = []
    for node in nodes:
        was, node.state = node.state, DIRTY
        if was == CLEAN:
            _queue(node)
            todo.append(node)
    while todo:
        for node in todo.pop().dependents:
            if node.state == CLEAN:
                node.state = CHECK
                _queue(node)
                todo.append(node)


def _queue(node: Node) -> None:
    if node.marks is not None:
        node.marks[node] = None
    if node.observers:
        node.graph._stale.setdefault(node, node.value)


def _refresh(node: Node) -> None:
    if node.state == CHECK:
        for dep in node.deps:
            if dep.state:
                _refresh(dep)
                if node.state == DIRTY:
                    break
        else:
            node.state = CLEAN
            return
    if node.state == DIRTY:
        _recompute(node)


def _recompute(node: Node) -> None:
    graph = node.graph
    assert node.compute is not None, "table rows are never dirty"
    outer, graph.running = graph.running, {}
    failed_before, node.error = node.error is not None, None
    value = node.value
    try:
        value = node.compute()
    except Exception as trouble:  # kept for whoever reads the node, and given to settle's caller
        node.error = trouble
    finally:
        deps, graph.running = graph.running, outer
        _link(node, deps)
    graph.evaluations += 1
    changed = value is not node.value and value != node.value
    node.value = value
    node.state = CLEAN
    if changed or failed_before or node.error is not None:
        for dependent in node.dependents:
            dependent.state = DIRTY


def _link(node: Node, deps: dict[Node, None]) -> None:
    old, node.deps = node.deps, deps
    for dep in deps:
        if dep not in old:
            dep.dependents[node] = None
    for dep in old:
        if dep not in deps:
            dep.dependents.pop(node, None)
