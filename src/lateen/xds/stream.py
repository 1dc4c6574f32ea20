"""One ADS stream: a proxy, its watches, and what its requests mean.

    request with error_detail   rejection: recorded, not sent again until it changes
    request with a nonce        acknowledgement; may change the subscription too
    request without a nonce     subscription

Both protocols end in the same watches; they differ in how a subscription is written and in how a
response is built.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from lateen.view.proxy import Proxy
from lateen.xds import kinds
from lateen.xds.groups import Group
from lateen.xds.isolation import Isolation
from lateen.xds.requests import WILDCARD, Reader, Request
from lateen.xds.responses import Sent
from lateen.xds.scopes import Scope, Scopes
from lateen.xds.transport.call import Call
from lateen.xds.transport.status import CallRefused, Status
from lateen.xds.watch import NO_NAMES, Rejection, Watch, subscription

log = logging.getLogger(__name__)

MOST_SUCCESSORS = 64  # changes of subscription that a group remembers
MOST_TYPES = 32  # resource types one stream may ask for
ENDPOINTS_SECONDS = 2.0  # in which a proxy asks for the endpoints of a new cluster
ROUTES_SECONDS = 2.0  # in which a proxy that reconnects asks for its routes, if it has any


class Home(Protocol):
    """What a stream needs of the server it belongs to."""

    @property
    def scopes(self) -> Scopes: ...

    def arrived(self, stream: "Stream", request: Request) -> None:
        """Identifies the proxy: sets `proxy`, `scope` and `identity`.

        CallRefused if it must not be served.
        """

    def left(self, stream: "Stream") -> None: ...

    def reported(self, stream: "Stream", request: Request) -> None: ...

    def rejected(self, stream: "Stream", watch: Watch, request: Request) -> Rejection: ...

    def accepted(self, stream: "Stream", type_url: str, names: tuple[str, ...]) -> None:
        """Only told while the stream's `isolation` searches."""

    def sent(self, type_url: str) -> None: ...

    def told_secrets(self, stream: "Stream", scope: Scope, sent: Sent) -> None: ...

    def withheld(self, stream: "Stream", names: Iterable[str], reason: str) -> None: ...

    def after(self, seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        """Acts later; the function returned stops that."""


class Stream:
    """A `Receiver` of the transport."""

    def __init__(self, call: Call, home: Home, reader: Reader, clock: Callable[[], float]) -> None:
        self.call = call
        self.delta = reader.delta
        self.connected = clock()
        self.proxy: Proxy | None = None
        self.scope: Scope | None = None
        self.identity = ""  # what a credential has proven; empty: nothing
        self.watches: dict[str, Watch] = {}
        self._home = home
        self._reader = reader
        self._warming = NO_NAMES  # clusters sent whose endpoints were not sent since
        self._stop_timer: Callable[[], None] | None = None  # see `awaits_routes`
        self.isolation = Isolation()
        self._cold = NO_NAMES  # see `is_warming`
        self._stop_waiting: Callable[[], None] | None = None

    # the transport's side

    def on_message(self, message: bytes) -> None:
        request = self._reader.read(message)
        watch = self.watches.get(request.type_url)
        if watch is not None:
            self._next(watch, request)
            return
        if self.proxy is None:
            self._home.arrived(self, request)
        self._first(request)

    def on_writable(self) -> None:
        self.catch_up()

    def on_half_close(self) -> None:
        self.call.finish(Status.OK)

    def on_close(self) -> None:
        for watch in self.watches.values():
            watch.leave()
        self.watches.clear()
        self._await_no_routes()
        self._await_no_endpoints()
        self._home.left(self)

    # what requests mean

    def _first(self, request: Request) -> None:
        catalogue = self._home.scopes.catalogue
        if request.type_url == kinds.HEALTH:
            self._home.reported(self, request)
        if not catalogue.serves(request.type_url):
            return
        if request.type_url == kinds.SECRET and not self.identity:
            self._withhold(request)
            return
        if len(self.watches) >= MOST_TYPES:
            raise CallRefused(Status.RESOURCE_EXHAUSTED, "too many resource types on one stream")
        listed, names = subscription(None, request, listed=catalogue.is_listed(request.type_url))
        assert self.scope is not None
        group = self._home.scopes.group(self.scope, request.type_url, listed, names)
        watch = self.watches[request.type_url] = Watch(self, group)
        self.watches = dict(sorted(self.watches.items(), key=lambda item: kinds.order(item[0])))
        if self.delta and request.versions is not None:
            watch.resume(request.versions, self._warming)
        if request.type_url == kinds.CLUSTER and watch.lost:
            self._await_routes()
        elif request.type_url == kinds.ROUTE:
            self._await_no_routes()
        if request.error is not None:
            watch.rejection = self._home.rejected(self, watch, request)
        self.catch_up()

    def _withhold(self, request: Request) -> None:
        """Private keys go to proven identities only; as Istio does, nothing is answered."""
        reason = "secrets are served on the secure port only"
        log.warning(
            reason,
            extra={"proxy": self.proxy.id if self.proxy else "", "resources": request.subscribe},
        )
        self._home.withheld(self, request.subscribe, reason)

    def told_secrets(self, sent: Sent) -> None:
        assert self.scope is not None
        self._home.told_secrets(self, self.scope, sent)

    def _next(self, watch: Watch, request: Request) -> None:
        if request.nonce:
            if request.error is not None:
                watch.refuse(self._home.rejected(self, watch, request))
                if request.type_url == kinds.CLUSTER:
                    self._await_no_endpoints()
                known = watch.acknowledge(request.nonce)
            else:
                sent = watch.find_sent(request.nonce)
                known = watch.acknowledge(request.nonce)
                if known and watch.rejection is not None and sent is not None:
                    watch.rejection = watch.rejection.without(sent)
                if sent is not None and self.isolation.is_searching:
                    self._home.accepted(self, request.type_url, sent.names)
            if not known and not self.delta and watch.last and watch.last.nonce != request.nonce:
                return  # an old answer: a newer one comes, with the names that hold then
        if self.delta:
            if request.subscribe or request.unsubscribe:
                self._change(watch, request)
        else:
            self._replace(watch, request)
        if not watch.outstanding:
            self.catch_up()

    def _change(self, watch: Watch, request: Request) -> None:
        old = watch.group
        group = old.successors.get(request)
        if group is None:
            if len(old.successors) >= MOST_SUCCESSORS:
                old.successors.clear()
            group = old.successors[request] = self._successor(old, request)
        watch.move(group)
        asked = {name for name in request.subscribe if name in group.cells}
        if group.listed and not old.listed:
            asked.update(group.cells)
        watch.forced = watch.forced.union(asked)

    def _successor(self, old: Group, request: Request) -> Group:
        """Proxies of a scope ask for the same in the same words, so this is remembered."""
        catalogue = self._home.scopes.catalogue
        listed, names = subscription(old, request, listed=catalogue.is_listed(request.type_url))
        assert self.scope is not None
        return self._home.scopes.group(self.scope, request.type_url, listed, names)

    def _replace(self, watch: Watch, request: Request) -> None:
        """A state-of-the-world request names everything that it wants from now on."""
        old = watch.group
        names = frozenset(name for name in request.subscribe if name != WILDCARD)
        listed = old.listed and (not names or WILDCARD in request.subscribe)
        if names == old.names and listed == old.listed:
            return
        assert self.scope is not None
        group = self._home.scopes.group(self.scope, request.type_url, listed, names)
        watch.move(group)
        watch.forced = watch.forced.union(name for name in group.cells if name not in old.cells)

    def left_out(self) -> dict[str, str]:
        """Parts of resources that the proxy refused and goes without, and what it said of them."""
        catalogue = self._home.scopes.catalogue
        named = (
            (catalogue.described(part), said) for part, said in self.isolation.at_fault.items()
        )
        return {name: said for name, said in named if name}

    # sending

    def catch_up(self) -> None:
        """Sends what is owed and may be sent now, in order; removals when nothing else is owed."""
        behind = False
        for watch in self.watches.values():
            if watch.is_behind:
                if watch.is_free:
                    self._update(watch)
                else:
                    behind = True
        if not behind:
            self.prune()

    def _update(self, watch: Watch) -> None:
        before = watch.last
        watch.update()
        response = watch.last
        if response is None or response is before:
            return
        self._home.sent(watch.group.type_url)
        if watch.group.type_url == kinds.CLUSTER:
            self._warm(response.names)
        elif watch.group.type_url == kinds.ENDPOINT and self._warming:
            self._warming = NO_NAMES

    def _warm(self, clusters: tuple[str, ...]) -> None:
        """Clusters that change wait for their endpoints, which are therefore told again."""
        endpoints = self.watches.get(kinds.ENDPOINT)
        if endpoints is None:
            self._warming = self._warming.union(clusters)
            return
        again = [name for name in clusters if name in endpoints.group.cells]
        if again:
            endpoints.forced = endpoints.forced.union(again)

    @property
    def awaits_routes(self) -> bool:
        """Whether clusters are gone that the proxy's routes may still lead to.

        A proxy that reconnects asks for its clusters first. Those that went away meanwhile must
        not be taken from it before it was told the routes that no longer need them.
        """
        return self._stop_timer is not None

    def routes_never_came(self) -> None:
        """The proxy has none, then: nothing stands against the removals any more."""
        self._await_no_routes()
        self.catch_up()

    def _await_routes(self) -> None:
        self._stop_timer = self._home.after(ROUTES_SECONDS, self.routes_never_came)

    def _await_no_routes(self) -> None:
        if self._stop_timer is not None:
            self._stop_timer()
            self._stop_timer = None

    @property
    def is_warming(self) -> bool:
        """Whether new clusters were told that have no endpoints yet.

        Envoy takes a cluster into use when it has them. Routes and listeners that lead to it are
        told after that: until then requests go where they went.
        """
        return bool(self._cold)

    def told_clusters(self, names: tuple[str, ...]) -> None:
        endpoints = self.watches.get(kinds.ENDPOINT)
        clusters = self.watches.get(kinds.CLUSTER)
        if endpoints is None or clusters is None:
            return  # it has only just begun to ask
        known, cells = endpoints.group.cells, clusters.group.cells
        cold = [n for n in names if n not in known and n in cells and cells[n].needs_endpoints]
        if cold:
            self._cold = self._cold.union(cold)
            if self._stop_waiting is None:
                self._stop_waiting = self._home.after(ENDPOINTS_SECONDS, self._never_asked)

    def told_endpoints(self, names: tuple[str, ...]) -> None:
        if self._cold:
            self._cold = self._cold.difference(names)
            if not self._cold:
                self._await_no_endpoints()

    def _never_asked(self) -> None:
        """It does not want them, or has lost the clusters since: nothing waits any longer."""
        self._await_no_endpoints()
        self.catch_up()

    def _await_no_endpoints(self) -> None:
        self._cold = NO_NAMES
        if self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None

    def prune(self) -> None:
        """Tells removals, last listeners first, so that nothing used is taken away."""
        if self.awaits_routes:
            return
        for watch in reversed(self.watches.values()):
            if watch.has_removals and len(watch.outstanding) < 2 and self.call.writable:
                watch.prune()
                self._home.sent(watch.group.type_url)

    @property
    def owes_updates(self) -> bool:
        return any(watch.is_behind for watch in self.watches.values())
