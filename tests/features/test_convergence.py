"""Whatever happens in whatever order, a proxy ends with exactly what the mesh holds for it.

The client here is a model of Envoy: it applies responses, acknowledges some of them late, changes
its subscriptions and reconnects with what it has. Its flow control window opens and closes.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lateen.base.metrics import Registry
from lateen.xds import kinds
from lateen.xds.responses import Response
from lateen.xds.server import DiscoveryServer
from lateen.xds.stream import Stream
from tests.unit.xds.ads_client import DELTA_REQUEST, DELTA_RESPONSE, WHOLE_REQUEST, WHOLE_RESPONSE
from tests.unit.xds.plain_mesh import PlainMesh

NAMES = ("a", "b", "c", "d")
LISTED = (kinds.CLUSTER, kinds.LISTENER)
NAMED = (kinds.ENDPOINT, kinds.ROUTE)


class ModelCall:
    """A call whose messages go to the model client, in order, when it reads."""

    secure = False
    peer = "model"
    id = 1
    certificate = None

    def __init__(self) -> None:
        self.writable = True
        self.sent: list[Response] = []

    def send(self, response: Response) -> None:
        self.sent.append(response)

    def finish(self, status: int, text: str = "") -> None:
        raise AssertionError(f"the server ended the stream: {text}")


class DeltaProxy:
    """Delta ADS as Envoy speaks it."""

    def __init__(self, server: DiscoveryServer) -> None:
        self.server = server
        self.held: dict[str, dict[str, tuple[str, bytes]]] = {url: {} for url in kinds.SHORT}
        self.wanted: dict[str, set[str]] = {url: set() for url in NAMED}
        self.started: list[str] = []
        self.unacknowledged: list[Any] = []
        self.warming: set[str] = set()
        self.connect()

    def connect(self) -> None:
        self.call = ModelCall()
        self.stream: Stream = self.open(self.call)
        self.first = True
        self.unacknowledged = []
        again, self.started = self.started, []
        for type_url in again:
            self.start(type_url)

    def open(self, call: Any) -> Stream:
        return self.server._open_delta(call)

    def reconnect(self) -> None:
        self.stream.on_close()
        self.connect()

    def request(self, type_url: str, **fields: Any) -> None:
        message = DELTA_REQUEST(type_url=type_url)
        message.resource_names_subscribe.extend(sorted(fields.get("add", ())))
        message.resource_names_unsubscribe.extend(sorted(fields.get("drop", ())))
        message.response_nonce = fields.get("nonce", "")
        if self.first:
            message.node.id = "sidecar~1.1.1.1~p.default~default.svc.cluster.local"
            self.first = False
        if type_url not in self.started:
            self.started.append(type_url)
            for name, (version, _) in self.held[type_url].items():
                message.initial_resource_versions[name] = version
        self.stream.on_message(message.SerializeToString())

    def start(self, type_url: str) -> None:
        if type_url not in self.started:
            self.request(type_url, add=self.wanted.get(type_url, ()))

    def want(self, type_url: str, names: set[str]) -> None:
        if type_url not in self.started:
            if names:
                self.wanted[type_url] = names
                self.start(type_url)
            return
        add, drop = names - self.wanted[type_url], self.wanted[type_url] - names
        self.wanted[type_url] = names
        for name in drop:
            self.held[type_url].pop(name, None)
        if add or drop:
            self.request(type_url, add=add, drop=drop)

    def read(self) -> None:
        for response in self.call.sent:
            self.apply(response)
        self.call.sent.clear()

    def apply(self, response: Response) -> None:
        message = DELTA_RESPONSE.FromString(response.body)
        held = self.held[message.type_url]
        for resource in message.resources:
            if message.type_url in LISTED or resource.name in self.wanted[message.type_url]:
                held[resource.name] = (resource.version, resource.resource.value)
            self.note_warming(message.type_url, resource.name)
        for name in message.removed_resources:
            held.pop(name, None)
            self.warming.discard(name)
        self.unacknowledged.append(message)

    def note_warming(self, type_url: str, name: str) -> None:
        if type_url == kinds.CLUSTER and name in self.wanted[kinds.ENDPOINT]:
            self.warming.add(name)
        elif type_url == kinds.ENDPOINT:
            self.warming.discard(name)

    def acknowledge(self, count: int) -> None:
        for message in self.unacknowledged[:count]:
            self.request(message.type_url, nonce=message.nonce)
        del self.unacknowledged[:count]

    def settle(self) -> None:
        self.call.writable = True
        self.stream.on_writable()
        self.stream.routes_never_came()
        for _ in range(20):
            self.read()
            self.acknowledge(len(self.unacknowledged))
            if not self.call.sent:
                return
        raise AssertionError("the server never stops sending")


class WholeProxy(DeltaProxy):
    """The state of the world: every request names all, every response is the truth of its type."""

    def open(self, call: Any) -> Stream:
        self.nonces: dict[str, str] = {}
        return self.server._open_whole(call)

    def request(self, type_url: str, **fields: Any) -> None:
        message = WHOLE_REQUEST(type_url=type_url)
        message.resource_names.extend(sorted(self.wanted.get(type_url, ())))
        message.response_nonce = self.nonces.get(type_url, "")
        if self.first:
            message.node.id = "sidecar~1.1.1.1~p.default~default.svc.cluster.local"
            self.first = False
        if type_url not in self.started:
            self.started.append(type_url)
        self.stream.on_message(message.SerializeToString())

    def want(self, type_url: str, names: set[str]) -> None:
        """Only when nothing is under way: a name given up and wanted again between two answers
        looks to the server as if nothing had happened, by the protocol."""
        self.settle()
        super().want(type_url, names)

    def apply(self, response: Response) -> None:
        message = WHOLE_RESPONSE.FromString(response.body)
        contents = [resource.value for resource in message.resources]
        named = {content[:1].decode(): content for content in contents}
        for content in contents:
            if content[:1] == b"\x0a":  # an empty assignment
                del named["\n"]
                break
        named |= {c[2:].decode(): c for c in contents if c[:1] == b"\x0a"}
        before = self.held[message.type_url]
        if message.type_url in LISTED:
            self.held[message.type_url] = {}
        for name, content in named.items():
            if message.type_url in LISTED or name in self.wanted[message.type_url]:
                self.held[message.type_url][name] = ("", content)
            if before.get(name) != ("", content) or message.type_url == kinds.ENDPOINT:
                self.note_warming(message.type_url, name)
        self.nonces[message.type_url] = message.nonce
        self.unacknowledged.append(message)


names = st.sampled_from(NAMES)
kind = st.sampled_from((*LISTED, *NAMED))
step = st.one_of(
    st.tuples(st.just("put"), kind, names, st.integers(0, 5)),
    st.tuples(st.just("remove"), kind, names),
    st.tuples(st.just("push")),
    st.tuples(st.just("read")),
    st.tuples(st.just("acknowledge"), st.integers(1, 3)),
    st.tuples(st.just("start"), st.sampled_from(LISTED)),
    st.tuples(st.just("want"), st.sampled_from(NAMED), st.sets(names)),
    st.tuples(st.just("writable"), st.booleans()),
    st.tuples(st.just("reconnect")),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("class"), st.booleans()),
)


def perform(
    mesh: PlainMesh, server: DiscoveryServer, proxy: DeltaProxy, what: tuple[Any, ...]
) -> None:
    match what:
        case ("put", type_url, name, value):
            mesh.put(type_url, name, f"{name} {value}".encode())
        case ("remove", type_url, name):
            mesh.remove(type_url, name)
        case ("push",):
            server.push()
        case ("read",):
            proxy.read()
        case ("acknowledge", count):
            proxy.acknowledge(count)
        case ("start", type_url):
            proxy.start(type_url)
        case ("want", type_url, wanted):
            proxy.want(type_url, set(wanted))
        case ("writable", value):
            proxy.call.writable = value
            if value:
                proxy.stream.on_writable()
        case ("reconnect",):
            proxy.reconnect()
        case ("sweep",):
            server.scopes.sweep()
        case ("class", moved):
            if moved:
                mesh.classes.put("default", "narrow")
            else:
                mesh.classes.discard("default")


def expected(mesh: PlainMesh, proxy: DeltaProxy, type_url: str) -> dict[str, bytes]:
    if type_url in LISTED:
        listed = mesh.lists.peek(type_url) or ()
        narrow = mesh.classes.peek("default") == "narrow"
        wanted = set(listed[:1] if narrow else listed)
    else:
        wanted = proxy.wanted[type_url]
    found = {name: mesh.contents.peek((type_url, name)) for name in wanted}
    return {name: content for name, content in found.items() if content is not None}


def holds(mesh: PlainMesh, proxy: DeltaProxy, type_url: str, held: dict[str, bytes]) -> bool:
    """Of endpoints of a cluster that is gone it keeps what it had, or was told that none are."""
    if type_url != kinds.ENDPOINT:
        return held == expected(mesh, proxy, type_url)
    there = expected(mesh, proxy, type_url)
    return held.keys() == proxy.wanted[type_url] and there.items() <= held.items()


COMPLETE = (  # as after a while: everything asked for and acknowledged
    *(("put", type_url, name, 0) for type_url in (*LISTED, *NAMED) for name in "ab"),
    *(("start", type_url) for type_url in LISTED),
    *(("want", type_url, {"a", "b"}) for type_url in NAMED),
    ("read",),
    ("acknowledge", 10),
    ("read",),
    ("acknowledge", 10),
)
CHANGED = tuple(("put", kinds.CLUSTER, name, 8) for name in NAMES)
REMOVED = tuple(("remove", type_url, "a") for type_url in (*LISTED, *NAMED))
AGAIN = (("put", kinds.CLUSTER, "a", 8), ("put", kinds.LISTENER, "a", 9))


@settings(max_examples=800, deadline=None)
@given(st.one_of(st.just(()), st.just(COMPLETE)), st.lists(step, max_size=40))
def test_a_proxy_ends_with_exactly_what_the_mesh_holds_for_it(
    before: tuple[Any, ...], steps: list[tuple[Any, ...]]
) -> None:
    mesh, server = new_server()
    proxy = DeltaProxy(server)
    for stage in ((*before, *steps), CHANGED, REMOVED, AGAIN):
        for what in stage:
            perform(mesh, server, proxy, what)
        server.push()
        proxy.settle()
        check(mesh, proxy)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.just(()), st.just(COMPLETE)), st.lists(step, max_size=40))
def test_the_same_holds_for_the_state_of_the_world(
    before: tuple[Any, ...], steps: list[tuple[Any, ...]]
) -> None:
    mesh, server = new_server()
    proxy = WholeProxy(server)
    for stage in ((*before, *steps), CHANGED, AGAIN):
        for what in stage:
            perform(mesh, server, proxy, what)
        server.push()
        proxy.settle()
        for type_url in LISTED:
            if type_url in proxy.started:
                held = {name: content for name, (_, content) in proxy.held[type_url].items()}
                assert holds(mesh, proxy, type_url, held)
        for type_url in NAMED:
            for name, content in expected(mesh, proxy, type_url).items():
                if type_url in proxy.started:
                    assert proxy.held[type_url][name] == ("", content)
        assert not proxy.warming & proxy.wanted[kinds.ENDPOINT]


def new_server() -> tuple[PlainMesh, DiscoveryServer]:
    mesh = PlainMesh()
    server = DiscoveryServer(
        mesh, clock=lambda: 0.0, metrics=Registry(), admission=lambda *_: "spiffe://test"
    )
    server.without_timers()
    return mesh, server


def check(mesh: PlainMesh, proxy: DeltaProxy) -> None:
    for type_url in proxy.started:
        held = {name: content for name, (_, content) in proxy.held[type_url].items()}
        assert holds(mesh, proxy, type_url, held), kinds.short(type_url)
    assert not proxy.warming & proxy.wanted[kinds.ENDPOINT]
    assert not proxy.stream.owes_updates
