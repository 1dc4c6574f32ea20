"""A small mesh for some fields, and all that comes of it.

    base.yaml + TOPIC.yaml  ->  Mesh  ->  what its proxies are sent, how its pods are started

The first document of a topic may name the proxies to look at, each as `lateen render --proxy` takes
it; else they are those of the base.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lateen.api.resource import Change, Key, Resource
from lateen.config import documents
from lateen.envoy import types
from lateen.simulate import configuration
from lateen.translate import discovery
from lateen.view import proxy_class as classes
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.fields import started

WORLDS = Path(__file__).parent / "worlds"
BASE = WORLDS / "base.yaml"
Document = dict[str, Any]
Sent = Mapping[tuple[str, str, str], bytes]  # proxy, type and name: the resource
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def worlds() -> list[Path]:
    """The topics, in order of their names."""
    return sorted(path for path in WORLDS.glob("*.yaml") if path != BASE)


@dataclass
class World:
    """Owns a mesh; `documents` are the topic's, as data."""

    name: str
    documents: tuple[Document, ...]
    proxies: tuple[Document, ...]
    mesh: Mesh = field(default_factory=Mesh)
    resources: dict[Key, Resource[Any]] = field(default_factory=dict)

    def apply(self, document: Document) -> bool:
        """False when it could not be read: then the object is absent."""
        (read,) = documents.documents(json.dumps(document), f"{self.name}.yaml")
        if read.resource is not None:
            self._put(read.resource.key, read.resource)
        elif read.key in self.resources:
            self._put(read.key, None)
        return read.resource is not None

    def outcome(self) -> Sent:
        """Everything that comes of the mesh as it is."""
        found: dict[tuple[str, str, str], bytes] = {}
        for index, proxy in enumerate(self.proxies):
            for kind, name, content in self._sent_to(proxy):
                found[(str(index), kind, name)] = content
        for name, content in started.pods(self.resources.values()):
            found[("", "start", name)] = content
        return found

    def _put(self, key: Key, resource: Resource[Any] | None) -> None:
        if resource is None:
            del self.resources[key]
        else:
            self.resources[key] = resource
        self.mesh.apply([Change(key, resource)])

    def _sent_to(self, description: Document) -> Iterator[tuple[str, str, bytes]]:
        proxy = classes.proxy_from_description(description, self.mesh)
        of_class = classes.classify(self.mesh, proxy.proxy_class)
        yield "proxy", "class", repr(of_class.locality).encode()
        asked: dict[str, tuple[str, ...]] = {}
        for kind in discovery.KINDS:
            names = discovery.names(self.mesh, of_class, kind)
            yield "names", kind, "\n".join(names).encode()
            for name in names:
                content = self._cell(of_class, kind, name)
                yield kind, name, content
                for other, named in references(kind, content).items():
                    asked[other] = (*asked.get(other, ()), *named)
        for kind, wanted in asked.items():
            for name in dict.fromkeys(wanted):
                yield kind, name, self._cell(of_class, kind, name)

    def _cell(self, of_class: ProxyClass, kind: str, name: str) -> bytes:
        content = discovery.cell(self.mesh, of_class, kind, name).read()
        assert content is None or isinstance(content, bytes)
        return content or b""


def load(path: Path) -> World:
    base, topic = _read(BASE), _read(path)
    proxies = _proxies(topic) or _proxies(base)
    own = tuple(each for each in topic if "proxies" not in each)
    world = World(path.stem, own, proxies)
    for document in (*base, *own):
        if "proxies" not in document:
            assert world.apply(document), f"{path.name}: {document} cannot be read"
    return world


def by_proxy(sent: Sent) -> dict[str, dict[tuple[str, str], bytes]]:
    """The resources of each proxy, by type and name."""
    found: dict[str, dict[tuple[str, str], bytes]] = {}
    for (proxy, kind, name), content in sent.items():
        if proxy and kind not in ("names", "proxy"):
            found.setdefault(proxy, {})[kind, name] = content
    return found


@cache
def references(kind: str, content: bytes) -> Mapping[str, tuple[str, ...]]:
    """What a resource makes its proxy ask for by name."""
    if kind == discovery.LISTENER:
        listeners = (types.Listener.FromString(content),)
        return {
            discovery.ROUTE: tuple(configuration.route_names(listeners)),
            discovery.SECRET: tuple(configuration.server_secrets(listeners)),
        }
    if kind == discovery.CLUSTER:
        clusters = (types.Cluster.FromString(content),)
        return {
            discovery.ENDPOINT: tuple(configuration.endpoint_names(clusters)),
            discovery.SECRET: tuple(configuration.client_secrets(clusters)),
        }
    return {}


def _read(path: Path) -> list[Document]:
    return [each for each in yaml.load_all(path.read_text(), Loader=Loader) if each]


def _proxies(read: list[Document]) -> tuple[Document, ...]:
    return tuple(proxy for each in read for proxy in each.get("proxies", ()))
