"""What can be asked for, as the discovery server sees it: nodes of an incremental graph.

The server itself knows nothing of the mesh: `mesh_catalogue` has the real one, and tests bring
their own.
"""

from collections.abc import Hashable
from typing import Any, Protocol

from lateen.base.incremental import Graph, Node
from lateen.view.proxy import Proxy, ProxyClass
from lateen.xds.cells import Cell

Part = Hashable  # of a resource, which it can do without


class Catalogue(Protocol):
    @property
    def graph(self) -> Graph: ...

    def serves(self, type_url: str) -> bool:
        """Whether requests for this type are answered at all."""

    def is_listed(self, type_url: str) -> bool:
        """Whether a request without names asks for everything of this type."""

    def proxy(self, node: Any) -> tuple[Proxy, dict[str, Any]]:
        """Who an `envoy.config.core.v3.Node` is, and its metadata; CallRefused if it is no one."""

    def sources(self, cell: Cell) -> tuple[str, ...]:
        """The users' resources that the cell was made from, for people to read."""

    def optional(self, cell: Cell) -> tuple[Part, ...]:
        """What the cell can do without, should proxies refuse it; the last applied comes last."""

    def described(self, part: Part) -> str:
        """Where the user wrote it, for people to read; empty when it is not there any more."""

    def without(self, proxy_class: ProxyClass, parts: tuple[Part, ...]) -> ProxyClass:
        """The class of a proxy for which these are left out, and no others."""

    def classify(self, proxy_class: ProxyClass) -> Node:
        """Value: the scope the proxy belongs to at this instant, given back to `names` and `cell`.

        Hashable and equal for equal scopes. When it changes, streams move to the other scope.
        """

    def names(self, scope: Any, type_url: str) -> Node:
        """Value: the names of everything of a listed type, in order."""

    def cell(self, scope: Any, type_url: str, name: str) -> Node:
        """Value: the serialized resource, or None."""

    def absence(self, scope: Any, type_url: str, name: str) -> str:
        """Why a resource that was asked for by name is not given, for people to read."""
