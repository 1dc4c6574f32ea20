"""How up to date each proxy is, as data: what `proxy-status` and the debug pages show."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from lateen.view.proxy import Proxy
from lateen.xds import kinds
from lateen.xds.stream import Stream
from lateen.xds.watch import Watch

COLUMNS = ("CDS", "LDS", "EDS", "RDS", "ECDS")  # those of istioctl, in its order


class State(StrEnum):
    SYNCED = "SYNCED"  # the last response was acknowledged
    STALE = "STALE"  # something was sent, or is waiting to be, and is not acknowledged
    NOT_SENT = "NOT SENT"  # nothing to send, or not asked for
    ERROR = "ERROR"  # the last response was rejected


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """One resource type of one proxy."""

    state: State
    resources: int = 0
    sent_nonce: str = ""
    acknowledged_nonce: str = ""
    reason: str = ""  # of a rejection
    rejected: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    rejected_at: str = ""


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    proxy: str  # name.namespace
    node: str
    kind: str
    cluster: str
    version: str
    address: str
    protocol: str
    connected_at: str
    types: dict[str, TypeStatus]
    left_out: dict[str, str]  # parts of resources that it refused, and what it said

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def proxies(streams: Iterable[Stream]) -> list[ProxyStatus]:
    return [_status(stream, stream.proxy) for stream in streams if stream.proxy is not None]


def _status(stream: Stream, proxy: Proxy) -> ProxyStatus:
    types = dict.fromkeys(COLUMNS, TypeStatus(State.NOT_SENT))
    for type_url, watch in stream.watches.items():
        types[kinds.short(type_url)] = _of_type(watch)
    return ProxyStatus(
        proxy=proxy.id,
        node=f"{proxy.kind}~{','.join(proxy.addresses[:1])}~{proxy.id}",
        kind=str(proxy.kind),
        cluster=proxy.proxy_class.cluster,
        version=proxy.version,
        address=stream.call.peer,
        protocol="delta" if stream.delta else "state of the world",
        connected_at=_instant(stream.connected),
        types=types,
        left_out=stream.left_out(),
    )


def _of_type(watch: Watch) -> TypeStatus:
    sent = watch.last.nonce if watch.last is not None else ""
    count = sum(cell.content is not None for cell in watch.group.cells.values())
    rejection = watch.rejection
    if rejection is not None:
        return TypeStatus(
            State.ERROR,
            resources=count,
            sent_nonce=sent,
            acknowledged_nonce=watch.acknowledged,
            reason=rejection.text,
            rejected=rejection.names,
            sources=rejection.sources,
            rejected_at=_instant(rejection.time),
        )
    if watch.outstanding or watch.is_behind or watch.has_removals:
        state = State.STALE
    else:
        state = State.SYNCED if sent or count else State.NOT_SENT
    return TypeStatus(
        state, resources=count, sent_nonce=sent, acknowledged_nonce=watch.acknowledged
    )


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
