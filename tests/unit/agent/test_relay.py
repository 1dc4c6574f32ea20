"""Ends of the relayed streams, without gRPC."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lateen.agent.messages import (
    LISTENER_TYPE,
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
)
from lateen.agent.metrics import AgentMetrics
from lateen.agent.relay import RelayedStream, first_ended
from lateen.base.name_table import TYPE_URL, NameTable


class Upstream:
    """The control plane's end: what it is sent, and what it says."""

    def __init__(self, *answers: bytes) -> None:
        self.received: list[Any] = []
        self._answers = answers
        self.ended = asyncio.Event()

    async def write(self, message: bytes) -> None:
        self.received.append(DeltaDiscoveryRequest.FromString(message))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for answer in self._answers:
            yield answer
        await self.ended.wait()

    def cancel(self) -> None:
        self.ended.set()


class Envoy:
    def __init__(self) -> None:
        self.received: list[bytes] = []

    async def write(self, message: bytes) -> None:
        self.received.append(message)


def table_response(value: bytes) -> bytes:
    response = DeltaDiscoveryResponse(type_url=TYPE_URL, nonce="7")
    response.resources.add().resource.value = value
    return bytes(response.SerializeToString())


def relayed(
    *requests: bytes, answers: tuple[bytes, ...] = (), wants_names: bool = True
) -> tuple[Upstream, Envoy, list[bytes], AgentMetrics]:
    """Envoy says these, the control plane those; then Envoy hangs up."""
    found: tuple[Upstream, Envoy, list[bytes], AgentMetrics]

    async def scenario() -> tuple[Upstream, Envoy, list[bytes], AgentMetrics]:
        upstream, envoy, metrics = Upstream(*answers), Envoy(), AgentMetrics()
        tables: list[bytes] = []

        def take(message: bytes) -> None:
            NameTable.FromString(message)
            tables.append(message)

        async def says() -> AsyncIterator[bytes]:
            for request in requests:
                yield request
            for _ in range(10):
                await asyncio.sleep(0)  # the answers are passed on meanwhile

        stream = RelayedStream(
            upstream,
            envoy,  # type: ignore[arg-type]
            is_delta=True,
            metrics=metrics,
            takes={TYPE_URL: take} if wants_names else {},
        )
        await stream.run(says())
        return upstream, envoy, tables, metrics

    found = asyncio.run(scenario())
    return found


def request(type_url: str, **fields: Any) -> bytes:
    return bytes(DeltaDiscoveryRequest(type_url=type_url, **fields).SerializeToString())


def test_the_name_table_is_asked_for_once_after_the_listeners() -> None:
    first, again = request(LISTENER_TYPE), request(LISTENER_TYPE, response_nonce="1")
    upstream, _, _, _ = relayed(first, again)
    types = [message.type_url for message in upstream.received]
    assert types == [LISTENER_TYPE, TYPE_URL, LISTENER_TYPE]


def test_without_dns_nothing_is_added() -> None:
    upstream, _, _, _ = relayed(request(LISTENER_TYPE), wants_names=False)
    assert [message.type_url for message in upstream.received] == [LISTENER_TYPE]


def test_a_name_table_stays_here_and_is_acknowledged() -> None:
    table = NameTable()
    table.table["a"].ips.append("1.2.3.4")
    message = table.SerializeToString()
    upstream, envoy, tables, _ = relayed(answers=(table_response(message),))
    assert tables == [message]
    assert not envoy.received
    assert upstream.received[-1].response_nonce == "7"
    assert not upstream.received[-1].HasField("error_detail")


def test_an_unreadable_name_table_is_rejected() -> None:
    upstream, _, tables, _ = relayed(answers=(table_response(b"\xff"),))
    assert not tables
    assert upstream.received[-1].error_detail.code == 3


def test_everything_else_passes_unchanged() -> None:
    answer = DeltaDiscoveryResponse(type_url=LISTENER_TYPE, nonce="1").SerializeToString()
    _, envoy, _, metrics = relayed(answers=(answer, answer))
    assert envoy.received == [answer, answer]
    assert metrics.responses.value == 2


def test_a_rejection_is_counted_by_type() -> None:
    message = DeltaDiscoveryRequest(type_url=LISTENER_TYPE)
    message.error_detail.message = "no"
    _, _, _, metrics = relayed(message.SerializeToString())
    assert metrics.rejections.labels("Listener").value == 1


def test_the_first_end_is_everybodys_end() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def short() -> None:
        ended.append("short")

    async def failing() -> None:
        raise ValueError("broken")

    asyncio.run(first_ended(forever(), short()))
    assert ended == ["short", "cancelled"]
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(first_ended(forever(), failing()))
