"""Whether the real Envoy accepts all that proxies would hold: many proxies in one run of it.

    batch = Batch()
    batch.add("sidecar of reviews", configuration(mesh, proxy_class))
    assert batch.rejections() == {}

What two proxies hold alike is shown once. Names and addresses are made different for each proxy,
as listeners of two proxies may share an address; that those of one proxy do not is compared here.
Envoy stops at the first fault: which proxies are refused is found by halving.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from lateen.envoy import messages, types
from lateen.simulate.configuration import Configuration
from tests.envoy_check import rejection

LOOPBACKS = 1 << 16  # addresses 127.1.0.0 and up, one for each address of each proxy


class Batch:
    def __init__(self) -> None:
        self._proxies: dict[str, dict[str, list[Any]]] = {}
        self._seen: set[tuple[str, bytes]] = set()
        self._addresses: dict[tuple[str, str], str] = {}
        self._collisions: dict[str, str] = {}

    def __len__(self) -> int:
        """How many resources Envoy is shown."""
        return sum(len(kind) for proxy in self._proxies.values() for kind in proxy.values())

    def add(self, label: str, held: Configuration, extensions: Iterable[Any] = ()) -> None:
        assert label not in self._proxies, label
        number = len(self._proxies)
        twice = _collision(held.listeners)
        if twice:
            self._collisions[label] = twice
        self._proxies[label] = {
            "listeners": [
                *(self._listener(number, label, each) for each in self._new(held.listeners)),
                *(_carrier(each, number, at) for at, each in enumerate(self._new(extensions))),
            ],
            "clusters": [_renamed(number, each) for each in self._new(held.clusters)],
            "routes": list(self._new(held.routes.values())),
            "endpoints": list(self._new(held.endpoints.values())),
        }

    def rejections(self) -> dict[str, str]:
        """Envoy's words, by the label of the proxy; its processes grow with the faults alone."""
        return {**dict(self._refused(list(self._proxies))), **self._collisions}

    def _refused(self, labels: list[str]) -> Iterator[tuple[str, str]]:
        complaint = self._complaint(labels)
        if complaint is None:
            return
        if len(labels) == 1:
            yield labels[0], complaint
            return
        middle = len(labels) // 2
        halves = [*self._refused(labels[:middle]), *self._refused(labels[middle:])]
        yield from halves or [(", ".join(labels), complaint)]

    def _complaint(self, labels: list[str]) -> str | None:
        kinds = ("listeners", "clusters", "routes", "endpoints")
        together = {
            kind: [each for label in labels for each in self._proxies[label][kind]]
            for kind in kinds
        }
        return rejection(**together) if any(together.values()) else None

    def _new(self, messages_: Iterable[Any]) -> Iterator[Any]:
        for message in messages_:
            key = message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True)
            if key not in self._seen:
                self._seen.add(key)
                yield message

    def _listener(self, number: int, label: str, listener: Any) -> Any:
        made = _renamed(number, listener)
        addresses = [made.address, *(each.address for each in made.additional_addresses)]
        for each in addresses:
            if each.HasField("socket_address"):
                each.socket_address.address = self._address(label, each.socket_address.address)
        return made

    def _address(self, label: str, address: str) -> str:
        number = len(self._addresses)
        assert number < LOOPBACKS
        fresh = f"127.1.{number // 256}.{number % 256}"
        return self._addresses.setdefault((label, address), fresh)


def _collision(listeners: Iterable[Any]) -> str:
    """Envoy takes no second listener at an address, whether or not it binds it."""
    taken: dict[tuple[str, int, int], str] = {}
    for listener in listeners:
        for each in (listener.address, *(more.address for more in listener.additional_addresses)):
            socket = each.socket_address
            place = socket.address, socket.port_value, socket.protocol
            if each.HasField("socket_address") and taken.setdefault(place, listener.name) != (
                listener.name
            ):
                return f"{taken[place]} and {listener.name} have one address: {place}"
    return ""


def _renamed(number: int, message: Any) -> Any:
    made = type(message)()
    made.CopyFrom(message)
    made.name = f"{number}#{message.name}"
    return made


def _carrier(extension: Any, number: int, at: int) -> Any:
    """A listener whose HTTP filter is the extension's configuration."""
    manager = types.HttpConnectionManager(stat_prefix="check")
    manager.route_config.SetInParent()
    manager.http_filters.add(name=extension.name).typed_config.CopyFrom(extension.typed_config)
    router = manager.http_filters.add(name="envoy.filters.http.router")
    router.typed_config.CopyFrom(messages.pack(types.Router()))
    listener = types.Listener(name=f"{number}#extension-{at}")
    listener.address.pipe.path = f"@{number}-{at}"
    listener.enable_reuse_port.value = False
    chain = listener.filter_chains.add()
    chain.filters.add(name="http").typed_config.CopyFrom(messages.pack(manager))
    return listener
