"""Which namespaces the mesh takes notice of: `discoverySelectors`.

Objects of a namespace that no selector selects are as if they were not there; they are kept aside,
so that they come in when the namespace's labels or the selectors change. Objects of no namespace,
the root namespace, and the mesh's own configuration are always seen. Without selectors all is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.resource import Key, Resource
from lateen.gateway_api.permissions import selects

NAME_LABEL = "kubernetes.io/metadata.name"  # Kubernetes puts it on every namespace
NAMESPACE = "Namespace"


class Discovery:
    """Owns the labels of namespaces and what is kept aside. `Mesh` asks it before each change."""

    def __init__(self) -> None:
        self._selectors: tuple[LabelSelector, ...] = ()
        self._root = ""
        self._labels: dict[str, dict[str, str]] = {}
        self._aside: dict[str, dict[Key, Resource[Any]]] = {}

    def select(self, selectors: tuple[LabelSelector, ...], root_namespace: str) -> bool:
        """Returns whether anything may be seen differently now."""
        changed = (selectors, root_namespace) != (self._selectors, self._root)
        self._selectors, self._root = selectors, root_namespace
        return changed

    def learn(self, changes: Mapping[Key, Resource[Any] | None]) -> set[str]:
        """Takes notice of namespaces; returns those that are seen differently now."""
        flipped = set()
        for key, resource in changes.items():
            if key.kind != NAMESPACE:
                continue
            before = self.sees(key.name)
            if resource is None:
                self._labels.pop(key.name, None)
            else:
                self._labels[key.name] = resource.meta.labels
            if self.sees(key.name) != before:
                flipped.add(key.name)
        return flipped

    def sees(self, namespace: str) -> bool:
        if not self._selectors or namespace in ("", self._root):
            return True
        labels = {NAME_LABEL: namespace, **self._labels.get(namespace, {})}
        return any(selects(selector, labels) for selector in self._selectors)

    def keeps_aside(self, key: Key, resource: Resource[Any] | None) -> bool:
        """Whether the object is not for the mesh; if so it is kept, or forgotten, here."""
        there = self._aside.get(key.namespace)
        if there is not None:
            there.pop(key, None)
        if self.sees(key.namespace):
            return False
        if resource is not None:
            self._aside.setdefault(key.namespace, {})[key] = resource
        return True

    def put_aside(self, resources: Iterable[Resource[Any]]) -> None:
        for resource in resources:
            self._aside.setdefault(resource.namespace, {})[resource.key] = resource

    def brought_back(self) -> list[Resource[Any]]:
        """What was kept aside and is seen now, in the order of its keys."""
        seen = [namespace for namespace in self._aside if self.sees(namespace)]
        found = [each for namespace in seen for each in self._aside.pop(namespace).values()]
        return sorted(found, key=lambda each: each.key)
