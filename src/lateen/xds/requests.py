"""Discovery requests of both protocols, read into one shape.

Most requests are acknowledgements, and after a broadcast they are the same bytes from every proxy;
so are the first subscriptions of a scope. `Reader` keeps what it has read by its bytes.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from lateen.envoy import schema
from lateen.xds.transport.status import CallRefused, Status

DELTA = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
WHOLE = "envoy.service.discovery.v3.DiscoveryRequest"
WILDCARD = "*"
KEPT = 512  # requests kept; beyond that all are forgotten
MOST_NAMES = 50_000  # that one stream may ask for of one type: 10,000 services of five ports
LONGEST_NAME = 4096
KEPT_BYTES = 256 * 1024  # the largest request that is kept


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """`subscribe` is all names in the state-of-the-world protocol. Compared by identity."""

    type_url: str
    nonce: str
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    versions: dict[str, str] | None = None  # what a reconnecting proxy holds
    error: str | None = None  # the reason of a rejection
    node: Any = None  # envoy.config.core.v3.Node


class Reader:
    """Reads the requests of one protocol."""

    def __init__(self, *, delta: bool) -> None:
        self.delta = delta
        self._message = schema.message(DELTA if delta else WHOLE)
        self._kept: dict[bytes, Request] = {}

    def read(self, body: bytes) -> Request:
        found = self._kept.get(body)
        if found is not None:
            return found
        try:
            message = self._message.FromString(body)
        except DecodeError as wrong:
            raise CallRefused(Status.INVALID_ARGUMENT, "not a discovery request") from wrong
        request = self._delta(message) if self.delta else self._whole(message)
        check_names(request.subscribe)
        check_names(request.unsubscribe)
        check_names(request.versions or ())
        if request.node is None and not request.versions and len(body) <= KEPT_BYTES:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[body] = request
        return request

    def _delta(self, message: Any) -> Request:
        return Request(
            type_url=message.type_url,
            nonce=message.response_nonce,
            subscribe=tuple(message.resource_names_subscribe),
            unsubscribe=tuple(message.resource_names_unsubscribe),
            versions=dict(message.initial_resource_versions) or None,
            error=_error(message),
            node=message.node if message.HasField("node") else None,
        )

    def _whole(self, message: Any) -> Request:
        return Request(
            type_url=message.type_url,
            nonce=message.response_nonce,
            subscribe=tuple(message.resource_names),
            error=_error(message),
            node=message.node if message.HasField("node") else None,
        )


def check_names(names: Collection[str]) -> None:
    """CallRefused for more, or longer ones, than any proxy has use for."""
    if len(names) > MOST_NAMES:
        raise CallRefused(Status.RESOURCE_EXHAUSTED, f"more than {MOST_NAMES} resource names")
    if any(len(name) > LONGEST_NAME for name in names):
        raise CallRefused(Status.INVALID_ARGUMENT, "a resource name is too long")


def _error(message: Any) -> str | None:
    return message.error_detail.message if message.HasField("error_detail") else None
