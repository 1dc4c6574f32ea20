"""Serves secrets to Envoy over SDS, state of the world and delta, pushing each rotation.

A secret that is not there yet is answered as soon as it is. The socket's permissions are the
access control: only the workload's own user reaches it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from lateen.agent.messages import (
    SECRET_TYPE,
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)
from lateen.agent.secrets import SecretStore

log = logging.getLogger(__name__)

SERVICE = "envoy.service.secret.v3.SecretDiscoveryService"


class Subscription(Protocol):
    """One stream's side of the protocol, without the stream."""

    def receive(self, message: bytes) -> None: ...

    def due(self) -> bytes | None:
        """What is to be sent now, if anything."""


class StateOfTheWorld:
    """Every response carries all secrets that were asked for and are there."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store
        self._names: tuple[str, ...] = ()
        self._sent: dict[str, int] | None = None  # name: version; None while an answer is owed
        self._count = 0

    def receive(self, message: bytes) -> None:
        request = DiscoveryRequest.FromString(message)
        if request.response_nonce and request.response_nonce != str(self._count):
            return  # about an older response
        _log_rejection(request)
        names = tuple(sorted(request.resource_names))
        if not request.response_nonce or names != self._names:
            self._sent = None
        self._names = names

    def due(self) -> bytes | None:
        found = {name: secret for name in self._names if (secret := self._store.find(name))}
        versions = {name: secret.version for name, secret in found.items()}
        if not found or versions == self._sent:
            return None
        self._sent = versions
        self._count += 1
        response = DiscoveryResponse(
            version_info=str(max(versions.values())), type_url=SECRET_TYPE, nonce=str(self._count)
        )
        for secret in found.values():
            response.resources.add(type_url=SECRET_TYPE, value=secret.message)
        return bytes(response.SerializeToString())


class Delta:
    """Every response carries the secrets that are new to the stream."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store
        self._sent: dict[str, int] = {}  # subscribed name: version; 0 while an answer is owed
        self._count = 0

    def receive(self, message: bytes) -> None:
        request = DeltaDiscoveryRequest.FromString(message)
        _log_rejection(request)
        for name in request.resource_names_subscribe:
            self._sent[name] = 0
        for name in request.resource_names_unsubscribe:
            self._sent.pop(name, None)

    def due(self) -> bytes | None:
        response = DeltaDiscoveryResponse(type_url=SECRET_TYPE)
        for name in sorted(self._sent):
            secret = self._store.find(name)
            if secret is None or secret.version == self._sent[name]:
                continue
            self._sent[name] = secret.version
            resource = response.resources.add(name=name, version=str(secret.version))
            resource.resource.type_url = SECRET_TYPE
            resource.resource.value = secret.message
        if not response.resources:
            return None
        self._count += 1
        response.nonce = str(self._count)
        return bytes(response.SerializeToString())


class SecretService:
    """The gRPC service over a store."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    def handler(self) -> "grpc.GenericRpcHandler[bytes, bytes]":
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "StreamSecrets": grpc.stream_stream_rpc_method_handler(self._whole),
                "DeltaSecrets": grpc.stream_stream_rpc_method_handler(self._delta),
            },
        )

    async def _whole(
        self, requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> None:
        await self._serve(StateOfTheWorld(self._store), requests, context)

    async def _delta(
        self, requests: AsyncIterator[bytes], context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> None:
        await self._serve(Delta(self._store), requests, context)

    async def _serve(
        self,
        subscription: Subscription,
        requests: AsyncIterator[bytes],
        context: "grpc.aio.ServicerContext[Any, Any]",
    ) -> None:
        with self._store.watch() as changed:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(_send(subscription, changed, context))
                try:
                    async for message in requests:
                        subscription.receive(message)
                        changed.set()
                except DecodeError:
                    log.warning("secret request not readable")
                finally:
                    sender.cancel()


async def _send(
    subscription: Subscription,
    changed: asyncio.Event,
    context: "grpc.aio.ServicerContext[Any, Any]",
) -> None:
    while True:
        await changed.wait()  # for as long as the stream lives
        changed.clear()
        response = subscription.due()
        if response is not None:
            await context.write(response)


def _log_rejection(request: Any) -> None:
    if request.HasField("error_detail"):
        log.warning("Envoy rejected a secret", extra={"reason": request.error_detail.message})
