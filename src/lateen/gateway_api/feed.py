"""Keeps the internal resources in step with the Gateway API objects and Ingresses of a mesh.

    one derived value for each object  ->  places that its shares go to  ->  changes of resources

`update` looks only at the objects whose value a change has put out of date, and joins again only
the VirtualServices in which one of them has a share: it costs what the change touches.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from lateen.api.resource import Change, Key, Resource
from lateen.base.incremental import Followed, Node
from lateen.gateway_api import backend_policies, external_backends, ingress, routes, sources
from lateen.gateway_api.listeners import listeners
from lateen.gateway_api.routes import Place, Share
from lateen.gateway_api.sources import Sources

LISTENING = (sources.GATEWAY, "ListenerSet")
POLICY, EXTERNAL, INGRESS = "policies", external_backends.KIND, "Ingress"
KINDS = frozenset((*LISTENING, *routes.KINDS, *backend_policies.KINDS, EXTERNAL, INGRESS))


class Feed:
    """Owns what was made from each object, and who has a share in which VirtualService."""

    def __init__(self, mesh: Sources) -> None:
        self.looks = 0  # objects looked at so far, for tests and metrics
        self._mesh = mesh
        self._followed = Followed(mesh.graph)
        self._nodes: dict[Key, Node] = {}
        self._keys: dict[Node, Key] = {}
        self._whole: dict[Key, tuple[Resource[Any], ...]] = {}
        self._shares: dict[Key, dict[Place, Any]] = {}
        self._members: dict[Place, dict[Key, None]] = {}
        self._joined: dict[Place, Key] = {}

    def update(self, changed: Iterable[Key]) -> tuple[Change, ...]:
        """What appeared, changed or went away among the internal resources."""
        for key in changed:
            if key.kind in KINDS:
                self._follow(_unit(key))
        before: dict[Key, None] = {}
        after: dict[Key, Resource[Any]] = {}
        places: dict[Place, None] = {}
        for node in self._followed.take():
            self._look(self._keys[node], node, before, after, places)
        for place in places:
            self._join(place, before, after)
        gone = [Change(key, None) for key in before if key not in after]
        return (*gone, *(Change(key, made) for key, made in after.items()))

    def _follow(self, key: Key) -> None:
        node, old = self._node(key), self._nodes.get(key)
        if old is node:
            return
        if old is not None:
            self._leave(key, old)
        self._followed.follow(node)
        self._nodes[key] = node
        self._keys[node] = key

    def _leave(self, key: Key, node: Node) -> None:
        self._followed.leave(node)
        del self._nodes[key], self._keys[node]

    def _node(self, key: Key) -> Node:
        if key.kind in LISTENING:
            return listeners.node(self._mesh, key)
        if key.kind == POLICY:
            return backend_policies.destination_rules.node(self._mesh, key.namespace)
        if key.kind == EXTERNAL:
            return external_backends.external_resources.node(self._mesh, key)
        if key.kind == INGRESS:
            return ingress.ingress_part.node(self._mesh, key)
        return routes.contribution.node(self._mesh, key)

    def _look(
        self,
        key: Key,
        node: Node,
        before: dict[Key, None],
        after: dict[Key, Resource[Any]],
        places: dict[Place, None],
    ) -> None:
        self.looks += 1
        value = node.read()
        whole = tuple(_whole(key, value))
        before.update((each.key, None) for each in self._whole.get(key, ()))
        after.update((each.key, each) for each in whole)
        shares = dict(_shares(key, value))
        self._whole[key] = whole
        old = self._shares.get(key, {})
        self._shares[key] = shares
        for place in old.keys() - shares.keys():
            self._members[place].pop(key, None)
        for place in shares:
            self._members.setdefault(place, {})[key] = None
        places.update((place, None) for place in sorted({*old, *shares}))
        if self._mesh.resource(key) is None and key.kind != POLICY:
            self._leave(key, node)
            del self._whole[key], self._shares[key]

    def _join(self, place: Place, before: dict[Key, None], after: dict[Key, Resource[Any]]) -> None:
        old = self._joined.pop(place, None)
        if old is not None:
            before[old] = None
        found = ((self._mesh.resource(key), key) for key in self._members.get(place, {}))
        parts = sorted(
            ((route, self._shares[key][place]) for route, key in found if route is not None),
            key=lambda part: (*part[0].age, part[0].kind),
        )
        if not parts:
            self._members.pop(place, None)
            return
        if place.gateway == INGRESS:
            made = ingress.virtual_service(place.host, parts, self._mesh.root_namespace)
        else:
            made = routes.virtual_service(place, parts)
        self._joined[place] = made.key
        after[made.key] = made


def _unit(key: Key) -> Key:
    """The policies of a namespace are looked at together."""
    return Key(POLICY, key.namespace, "") if key.kind in backend_policies.KINDS else key


def _whole(key: Key, value: Any) -> Iterator[Resource[Any]]:
    if key.kind in LISTENING:
        yield from (each.resource for each in value if each.resource is not None)
    elif key.kind in (POLICY, EXTERNAL):
        yield from value
    elif key.kind == INGRESS:
        if value.gateway is not None:
            yield value.gateway
    else:
        yield from value.whole


def _shares(key: Key, value: Any) -> Iterator[tuple[Place, Any]]:
    if key.kind == INGRESS:
        for host, made in value.hosts:
            yield Place(key.namespace, INGRESS, host), made
    elif key.kind in routes.KINDS:
        share: Share
        for share in value.shares:
            yield share.place, share
