"""Passes discovery between Envoy and the control plane, byte for byte.

    Envoy --unix socket--> agent --mutual TLS--> control plane

One upstream stream for each of Envoy's. The agent adds subscriptions of its own, such as to the DNS
name table, and keeps the answers to itself. When the upstream stream breaks, Envoy's is closed:
Envoy keeps its configuration, comes back, and says which versions it holds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from lateen.agent import control_plane
from lateen.agent.errors import AgentError
from lateen.agent.health import TYPE_URL as HEALTH
from lateen.agent.health import Health
from lateen.agent.messages import (
    LISTENER_TYPE,
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DeltaRequestHead,
    DiscoveryRequest,
    DiscoveryResponse,
    RequestHead,
    ResponseHead,
)
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import DiscoverySettings
from lateen.agent.workload_certificate import WorkloadCertificate

log = logging.getLogger(__name__)

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
DELTA, STATE_OF_THE_WORLD = "DeltaAggregatedResources", "StreamAggregatedResources"

Context = grpc.aio.ServicerContext[Any, Any]
Take = Callable[[bytes], None]  # a serialized message; DecodeError and ValueError refuse it


class Relay:
    """The gRPC service that Envoy's `xds-grpc` cluster speaks to."""

    def __init__(
        self,
        discovery: DiscoverySettings,
        *,
        certificate: Callable[[], WorkloadCertificate | None],  # a valid one
        metrics: AgentMetrics,
        takes: Mapping[str, Take],  # resource types that are the agent's own
        roots: Callable[[], bytes] = bytes,
        health: Health | None = None,
    ) -> None:
        self._health = health
        self._discovery = discovery
        self._certificate = certificate
        self._metrics = metrics
        self._takes = takes
        self._roots = roots

    def handler(self) -> "grpc.GenericRpcHandler[bytes, bytes]":
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                DELTA: grpc.stream_stream_rpc_method_handler(self._delta),
                STATE_OF_THE_WORLD: grpc.stream_stream_rpc_method_handler(self._whole),
            },
        )

    async def _delta(self, requests: AsyncIterator[bytes], context: Context) -> None:
        await self._relay(DELTA, requests, context)

    async def _whole(self, requests: AsyncIterator[bytes], context: Context) -> None:
        await self._relay(STATE_OF_THE_WORLD, requests, context)

    async def _relay(self, method: str, requests: AsyncIterator[bytes], context: Context) -> None:
        reason = "the control plane closed the stream"
        try:
            certificate = self._certificate()
            token = () if certificate else control_plane.authorization(self._discovery)
            async with control_plane.channel(
                self._discovery, certificate, self._roots()
            ) as channel:
                start: Any = channel.stream_stream(
                    f"/{SERVICE}/{method}", request_serializer=bytes, response_deserializer=bytes
                )
                call = start(metadata=token)
                stream = RelayedStream(
                    call, context, is_delta=method == DELTA, metrics=self._metrics,
                    takes=self._takes, health=self._health,
                )  # fmt: skip
                await stream.run(requests)
        except grpc.aio.AioRpcError as broken:
            reason = f"{broken.code().name}: {broken.details()}"
        except AgentError as trouble:
            reason = str(trouble)
        self._metrics.connection_failures.add()
        log.info("discovery stream ended", extra={"reason": reason})
        await context.abort(grpc.StatusCode.UNAVAILABLE, reason)


class RelayedStream:
    """One stream of Envoy and its upstream one. Ends with either."""

    def __init__(
        self,
        upstream: Any,
        envoy: Context,
        *,
        is_delta: bool,
        metrics: AgentMetrics,
        takes: Mapping[str, Take],
        health: Health | None = None,
    ) -> None:
        self._health = health
        self._upstream = upstream
        self._envoy = envoy
        self._is_delta = is_delta
        self._metrics = metrics
        self._takes = takes
        self._asked = asyncio.Event()
        self._writing = asyncio.Lock()  # gRPC allows one write at a time

    async def run(self, requests: AsyncIterator[bytes]) -> None:
        try:
            telling = (self._tell(self._health),) if self._health is not None else ()
            await first_ended(self._pass_up(requests), self._pass_down(), *telling)
        finally:
            self._upstream.cancel()

    async def _pass_up(self, requests: AsyncIterator[bytes]) -> None:
        async for message in requests:
            self._metrics.requests.add()
            await self._send(message)
            head = (DeltaRequestHead if self._is_delta else RequestHead).FromString(message)
            if head.HasField("error_detail"):
                self._metrics.rejections.labels(head.type_url.rpartition(".")[2]).add()
                log.warning(
                    "Envoy rejected configuration",
                    extra={"type": head.type_url, "reason": head.error_detail.message},
                )
            if head.type_url == LISTENER_TYPE and not self._asked.is_set():
                self._asked.set()
                for type_url in self._takes:
                    await self._send(self._request(type_url))

    async def _tell(self, health: Health) -> None:
        """How the workload is, once Envoy has listeners to be asked by."""
        await self._asked.wait()
        async for problem in health.changes():
            await self._send(self._request(HEALTH, problem=problem or ""))

    async def _pass_down(self) -> None:
        async for message in self._upstream:
            head = ResponseHead.FromString(message)
            if (take := self._takes.get(head.type_url)) is not None:
                await self._take(take, message, head)
                continue
            self._metrics.responses.add()
            await self._envoy.write(message)

    async def _take(self, take: Take, message: bytes, head: Any) -> None:
        version = ""
        if self._is_delta:
            delta = DeltaDiscoveryResponse.FromString(message)
            found = [resource.resource.value for resource in delta.resources]
        else:
            whole = DiscoveryResponse.FromString(message)
            found, version = [resource.value for resource in whole.resources], whole.version_info
        problem = ""
        for resource in found or [b""]:  # an answer without any: there is nothing
            try:
                take(resource)
            except (DecodeError, ValueError) as wrong:
                problem = f"not readable: {wrong}"
        await self._send(
            self._request(head.type_url, nonce=head.nonce, version=version, problem=problem)
        )

    def _request(
        self, type_url: str, *, nonce: str = "", version: str = "", problem: str = ""
    ) -> bytes:
        request = (
            DeltaDiscoveryRequest(type_url=type_url, response_nonce=nonce)
            if self._is_delta
            else DiscoveryRequest(type_url=type_url, response_nonce=nonce, version_info=version)
        )
        if problem:
            request.error_detail.code = grpc.StatusCode.INVALID_ARGUMENT.value[0]
            request.error_detail.message = problem
        return bytes(request.SerializeToString())

    async def _send(self, message: bytes) -> None:
        async with self._writing:
            try:
                await self._upstream.write(message)
            except asyncio.InvalidStateError as ended:
                code, text = await self._upstream.code(), await self._upstream.details()
                raise AgentError(f"{code.name}: {text}") from ended


async def first_ended(*works: Coroutine[Any, Any, None]) -> None:
    """Returns or raises as the first of them does; the others are cancelled."""
    tasks: list[asyncio.Task[None]] = []

    async def run(work: Coroutine[Any, Any, None]) -> None:
        await work
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()

    try:
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(run(work)) for work in works]
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
