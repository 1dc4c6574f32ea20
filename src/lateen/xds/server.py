"""The discovery server: connected proxies, and the pushes that keep them up to date.

    changed() -> (end of the loop's turn) -> push():  settle the graph, then one response for each
                                                      group and type to all of its streams

There is no timer. A change goes out in the same turn of the event loop; what comes in meanwhile
waits for the next turn and goes out as one push.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Any

from lateen.audit.event import NO_RECORDER, Recorder
from lateen.base.clock import Clock
from lateen.base.incremental import Node
from lateen.base.metrics import DURATION_BUCKETS, Registry
from lateen.view.proxy import Proxy
from lateen.xds import kinds, records
from lateen.xds.catalogue import Catalogue
from lateen.xds.cells import Cell
from lateen.xds.groups import Group
from lateen.xds.isolation import Place
from lateen.xds.presence import Nobody, Presence
from lateen.xds.rejections import rejected_names
from lateen.xds.requests import Reader, Request
from lateen.xds.responses import Sent
from lateen.xds.scopes import Scope, Scopes
from lateen.xds.stream import Stream
from lateen.xds.transport.call import Call
from lateen.xds.transport.service import Methods, Streaming
from lateen.xds.transport.status import CallRefused, Status
from lateen.xds.watch import Rejection, Watch

log = logging.getLogger(__name__)

SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
TURN_SECONDS = 0.05  # of moving streams to other scopes, before the loop serves others
SWEEP_SECONDS = 30.0  # at most so long groups live without streams: proxies reconnect

Admission = Callable[[Call, Proxy, dict[str, Any]], str]


class DiscoveryServer:
    """`admission` gives the identity that a credential proves; empty: nothing is proven.

    It raises CallRefused when there must be one, or when it does not cover what the proxy claims.
    Streams that come so far, and secrets told or withheld, are recorded in `audit`.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        clock: Clock,
        metrics: Registry,
        admission: Admission,
        audit: Recorder = NO_RECORDER,
    ) -> None:
        self.catalogue = catalogue
        self.scopes = Scopes(catalogue, self._failed)
        self.streams: dict[Stream, None] = {}
        self.isolations = 0  # times that what a proxy goes without has changed
        self._failures: dict[Node, str] = {}
        self._clock = clock
        self._admission = admission
        self._audit = audit
        self.presence: Presence = Nobody()
        self._delta = Reader(delta=True)
        self._whole = Reader(delta=False)
        self._classes: dict[Node, dict[Stream, None]] = {}
        self._class_of: dict[Stream, Node] = {}
        self._moving: dict[Stream, Node] = {}  # to another scope: their classes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False
        self._changed_at = 0.0
        self._sweep: asyncio.TimerHandle | None = None
        self._timers = True
        self._ready: Callable[[], bool] = lambda: True
        self._declare(metrics)

    def _declare(self, metrics: Registry) -> None:
        metrics.read_gauge(
            "pilot_xds", "Endpoints connected to this control plane over xDS.",
            lambda: len(self.streams),
        )  # fmt: skip
        self._pushes = metrics.counter(
            "pilot_xds_pushes", "Responses sent, by resource type.", "type"
        )
        self._rejects = metrics.counter(
            "pilot_total_xds_rejects", "Responses that proxies rejected, by resource type.", "type"
        )
        self._rejects_by_type = {
            type_url: metrics.counter(
                f"pilot_xds_{name.lower()}_reject", f"{name} responses rejected.", "node"
            )
            for type_url, name in kinds.SHORT.items()
        }
        self._convergence = metrics.histogram(
            "pilot_proxy_convergence_time",
            "Seconds between a change and its being sent to a proxy.",
            bounds=DURATION_BUCKETS,
        ).buckets()
        self._push_triggers = metrics.counter(
            "pilot_push_triggers", "Pushes, by what caused them.", "type"
        ).labels("config")
        self._internal_errors = metrics.counter(
            "pilot_total_xds_internal_errors", "Resources that could not be generated."
        ).labels()
        metrics.read_gauge(
            "lateen_cells", "Resources that are kept up to date.", lambda: len(self.scopes.cells)
        )
        self._sent = {url: self._pushes.labels(name.lower()) for url, name in kinds.SHORT.items()}

    def methods(self) -> Methods:
        return {
            SERVICE + "DeltaAggregatedResources": Streaming(self._open_delta),
            SERVICE + "StreamAggregatedResources": Streaming(self._open_whole),
        }

    def serve_when(self, ready: Callable[[], bool]) -> None:
        """Streams are refused (UNAVAILABLE, proxies try again) until this says so."""
        self._ready = ready

    def stop(self) -> None:
        """Cancels what is scheduled; streams end with their connections."""
        if self._sweep is not None:
            self._sweep.cancel()

    # pushing

    def changed(self) -> None:
        """The mesh has changed: a push follows at the end of this turn of the loop."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if not self._scheduled:
            self._scheduled = True
            self._changed_at = self._loop.time()
            self._loop.call_soon(self._scheduled_push)

    def _scheduled_push(self) -> None:
        self._scheduled = False
        self.push(TURN_SECONDS)
        if self._moving:
            self.changed()

    def push(self, turn_seconds: float = inf) -> int:
        """Sends every change to every stream that may get it now; returns how many responses.

        Streams that go to another scope do so as long as the turn lasts, the rest in the next.
        """
        self.scopes.settle()
        self._reclassify(turn_seconds)
        dirty = sorted(self.scopes.dirty, key=_order)
        self.scopes.dirty.clear()
        sent = sum(self._broadcast(group) for group in dirty)
        sent += sum(self._broadcast_removals(group) for group in reversed(dirty))
        if sent and self._loop is not None:
            self._convergence.observe(self._loop.time() - self._changed_at, sent)
            self._push_triggers.add()
        return sent

    def _broadcast(self, group: Group) -> int:
        changed_at = group.changed_at
        sent = 0
        for watch in group.members:
            if watch.synced < changed_at and watch.is_free:
                watch.update()
                sent += 1
        self.sent(group.type_url, sent)
        return sent

    def _broadcast_removals(self, group: Group) -> int:
        removed_at = group.removed_at
        sent = 0
        owing = (watch for watch in group.members if watch.pruned < removed_at)
        for watch in owing:
            stream = watch.stream
            if stream.awaits_routes or stream.owes_updates:
                continue
            if stream.call.writable and len(watch.outstanding) < 2:
                watch.prune()
                sent += 1
        self.sent(group.type_url, sent)
        return sent

    def _reclassify(self, turn_seconds: float) -> None:
        """Moves the streams of proxies that the change has put into another class."""
        for node in self.scopes.moved:
            self._moving.update(dict.fromkeys(self._classes.get(node, ()), node))
        self.scopes.moved.clear()
        if not self._moving:
            return
        clock = self._loop.time if self._loop is not None else lambda: 0.0
        end = clock() + turn_seconds
        while self._moving and clock() < end:
            stream = next(iter(self._moving))
            self._transfer(stream, self._moving.pop(stream))
        self.scopes.settle()

    def _transfer(self, stream: Stream, node: Node) -> None:
        stream.scope = self.scopes.scope(node.value)
        for watch in list(stream.watches.values()):
            old = watch.group
            watch.transfer(self.scopes.group(stream.scope, old.type_url, old.listed, old.names))
        stream.catch_up()

    def _failed(self, node: Node, trouble: Exception) -> None:
        """A resource that cannot be made keeps its last content; the others are not affected."""
        self._internal_errors.add()
        self._failures[node] = f"{type(trouble).__name__}: {trouble}"
        log.error("resource not generated", exc_info=trouble, extra={"cell": repr(node.label)})

    # streams (Home)

    def arrived(self, stream: Stream, request: Request) -> None:
        try:
            if request.node is None or not request.node.id:
                raise CallRefused(Status.INVALID_ARGUMENT, "the first request names no node id")
            proxy, metadata = self.catalogue.proxy(request.node)
            stream.identity = self._admission(stream.call, proxy, metadata)
            self.presence.arrived(proxy, metadata, stream.identity)
        except CallRefused as refusal:
            claimed = request.node.id if request.node is not None else ""
            self._audit.record(records.stream(stream, claimed, refusal.text))
            raise
        self._audit.record(records.stream(stream, request.node.id))
        node = self.catalogue.classify(proxy.proxy_class)
        self.scopes.watch_node(node)
        self.scopes.settle()
        if node not in self._classes:
            self.scopes.moved.pop(node, None)  # it was only just evaluated
        if node.value is None:
            self.scopes.unwatch_node(node)
            self.presence.left(proxy)
            raise CallRefused(Status.UNAVAILABLE, "the proxy cannot be classified; see the log")
        self._classes.setdefault(node, {})[stream] = None
        self._class_of[stream] = node
        stream.proxy = proxy
        stream.scope = self.scopes.scope(node.value)
        log.info("proxy connected", extra={"proxy": proxy.id, "peer": stream.call.peer})

    def left(self, stream: Stream) -> None:
        self.streams.pop(stream, None)
        node = self._class_of.pop(stream, None)
        if node is None:
            return
        self._moving.pop(stream, None)
        self._leave_class(stream, node)
        if stream.proxy is not None:
            self.presence.left(stream.proxy)
            log.info("proxy disconnected", extra={"proxy": stream.proxy.id})

    def reported(self, stream: Stream, request: Request) -> None:
        if stream.proxy is not None:
            self.presence.reported(stream.proxy, request.error)

    def rejected(self, stream: Stream, watch: Watch, request: Request) -> Rejection:
        text = request.error or ""
        names = rejected_names(watch.find_sent(request.nonce), text)
        cells = [watch.group.cells[name] for name in names if name in watch.group.cells]
        sources = tuple(dict.fromkeys(s for cell in cells for s in self.catalogue.sources(cell)))
        self._isolate(stream, cells, request.nonce, watch, text)
        proxy = stream.proxy.id if stream.proxy is not None else ""
        short = kinds.short(request.type_url)
        self._rejects.labels(short.lower()).add()
        if request.type_url in self._rejects_by_type:
            self._rejects_by_type[request.type_url].labels(proxy).add()
        log.warning(
            "proxy rejected a resource",
            extra={
                "proxy": proxy, "kind": short, "resources": names, "sources": sources,
                "reason": text,
            },
        )  # fmt: skip
        return Rejection(request.nonce, text, names, sources, self._clock())

    def accepted(self, stream: Stream, type_url: str, names: tuple[str, ...]) -> None:
        self.isolations += 1
        changed = [stream.isolation.acknowledged(Place(type_url, name)) for name in names]
        if any(changed):
            self._leave_out(stream)

    def _isolate(
        self, stream: Stream, cells: list[Cell], nonce: str, watch: Watch, text: str
    ) -> None:
        """Looks for the part that is at fault, where it is certain which resource is meant."""
        sent = watch.find_sent(nonce)
        if sent is None or (len(cells) > 1 and any(cell.name not in text for cell in cells)):
            return
        before = frozenset(stream.isolation.left_out)
        changed = False
        for cell in cells:
            parts = self.catalogue.optional(cell)
            tried = frozenset(stream.isolation.left_out).difference(before)
            if tried.intersection(parts):
                continue  # it is told anew without that part, and may be accepted then
            place = Place(cell.type_url, cell.name)
            changed = stream.isolation.rejected(place, parts, text) or changed
        if changed:
            self._leave_out(stream)

    def _leave_out(self, stream: Stream) -> None:
        """Puts the proxy into a class of its own, to which it moves with the next push."""
        old = self._class_of.get(stream)
        if old is None or stream.proxy is None:
            return
        self.isolations += 1
        parts = tuple(stream.isolation.left_out)
        node = self.catalogue.classify(self.catalogue.without(stream.proxy.proxy_class, parts))
        self.scopes.watch_node(node)
        self.scopes.settle()
        if node.value is None:
            self.scopes.unwatch_node(node)
            return
        self._leave_class(stream, old)
        self._classes.setdefault(node, {})[stream] = None
        self._class_of[stream] = node
        self._moving[stream] = node
        self.changed()

    def _leave_class(self, stream: Stream, node: Node) -> None:
        del self._classes[node][stream]
        if not self._classes[node]:
            del self._classes[node]
        self.scopes.unwatch_node(node)

    def told_secrets(self, stream: Stream, scope: Scope, sent: Sent) -> None:
        for name in sent.names:
            self._audit.record(records.secret(stream, name))
        for name in sent.removed:
            reason = self.catalogue.absence(scope.proxy_class, kinds.SECRET, name)
            self._audit.record(records.secret(stream, name, reason))

    def withheld(self, stream: Stream, names: Iterable[str], reason: str) -> None:
        for name in names:
            self._audit.record(records.secret(stream, name, reason))

    def sent(self, type_url: str, times: int = 1) -> None:
        if times:
            counter = self._sent.get(type_url)
            if counter is None:
                counter = self._sent[type_url] = self._pushes.labels(kinds.short(type_url).lower())
            counter.add(times)

    def failures(self) -> dict[str, str]:
        """Resources that cannot be made at this moment, and why."""
        self._failures = {n: text for n, text in self._failures.items() if n.error is not None}
        return {repr(node.label): text for node, text in self._failures.items()}

    def connected(self) -> Iterator[Stream]:
        """Streams whose proxies are known, by name."""
        known = [stream for stream in self.streams if stream.proxy is not None]
        return iter(sorted(known, key=lambda stream: stream.proxy.id if stream.proxy else ""))

    def _open_delta(self, call: Call) -> Stream:
        return self._open(call, self._delta)

    def _open_whole(self, call: Call) -> Stream:
        return self._open(call, self._whole)

    def _open(self, call: Call, reader: Reader) -> Stream:
        if not self._ready():
            raise CallRefused(Status.UNAVAILABLE, "the configuration is still being read")
        stream = Stream(call, self, reader, self._clock)
        self.streams[stream] = None
        self._sweep_later()
        return stream

    def without_timers(self) -> None:
        """Without an event loop the caller does what timers would: sweeps `scopes`, and so on."""
        self._timers = False

    def after(self, seconds: float, act: Callable[[], None]) -> Callable[[], None]:
        if not self._timers:
            return lambda: None
        return asyncio.get_running_loop().call_later(seconds, act).cancel

    def _sweep_later(self) -> None:
        if self._timers and self._sweep is None:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(SWEEP_SECONDS, self._sweep_now)

    def _sweep_now(self) -> None:
        self._sweep = None
        self.scopes.sweep()
        if self.streams:
            self._sweep_later()


def _order(group: Group) -> int:
    return group.order
