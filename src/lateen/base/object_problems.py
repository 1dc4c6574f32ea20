"""What is wrong with each of many objects, kept up to date at the price of what changed."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from lateen.base.incremental import Followed, Graph, Node
from lateen.base.problem import Problem

K = TypeVar("K", bound=Any)  # keys of one kind, which can be sorted


class ObjectProblems(Generic[K]):
    """Owns what is known of each object. `node` derives the problems of one.

    `concerns` tells which keys are of interest, `exists` whether there is an object at present.
    """

    def __init__(
        self,
        graph: Graph,
        node: Callable[[K], Node],
        *,
        concerns: Callable[[K], bool],
        exists: Callable[[K], bool],
    ) -> None:
        self._node, self._concerns, self._exists = node, concerns, exists
        self._followed = Followed(graph)
        self._keys: dict[Node, K] = {}
        self._nodes: dict[K, Node] = {}
        self._found: dict[K, tuple[Problem, ...]] = {}

    def update(self, changed: Iterable[K]) -> tuple[Problem, ...]:
        """All that is wrong after a change, by object."""
        for key in changed:
            if self._concerns(key) and key not in self._nodes:
                node = self._nodes[key] = self._node(key)
                self._keys[node] = key
                self._followed.follow(node)
        for node in self._followed.take():
            self._look(self._keys[node], node)
        return tuple(each for key in sorted(self._found) for each in self._found[key])

    def _look(self, key: K, node: Node) -> None:
        found = node.read()
        if found:
            self._found[key] = found
        else:
            self._found.pop(key, None)
        if not self._exists(key):
            self._followed.leave(node)
            del self._nodes[key], self._keys[node]
