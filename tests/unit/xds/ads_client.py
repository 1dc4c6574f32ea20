"""An ADS client on grpc.aio: an independent HTTP/2 and gRPC implementation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from lateen.envoy import schema
from lateen.xds import kinds
from lateen.xds.server import SERVICE

DELTA_REQUEST = schema.message("envoy.service.discovery.v3.DeltaDiscoveryRequest")
DELTA_RESPONSE = schema.message("envoy.service.discovery.v3.DeltaDiscoveryResponse")
WHOLE_REQUEST = schema.message("envoy.service.discovery.v3.DiscoveryRequest")
WHOLE_RESPONSE = schema.message("envoy.service.discovery.v3.DiscoveryResponse")
SECONDS = 10


class AdsClient:
    """One stream. Requests are sent by hand; `ack` answers the last response."""

    def __init__(
        self,
        stream: Any,
        *,
        delta: bool,
        node_id: str,
        namespace: str,
        labels: dict[str, str] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        self._stream = stream
        self._delta = delta
        self._node_id = node_id
        self._metadata = {"NAMESPACE": namespace, "LABELS": labels or {}}
        self._metadata |= metadata or {}
        self._first = True

    async def request(self, type_url: str, *names: str, **fields: Any) -> None:
        message = DELTA_REQUEST() if self._delta else WHOLE_REQUEST()
        message.type_url = type_url
        if self._delta:
            message.resource_names_subscribe.extend(names)
            message.resource_names_unsubscribe.extend(fields.pop("unsubscribe", ()))
            for name, version in fields.pop("versions", {}).items():
                message.initial_resource_versions[name] = version
        else:
            message.resource_names.extend(names)
            message.version_info = fields.pop("version", "")
        message.response_nonce = fields.pop("nonce", "")
        error = fields.pop("error", "")
        if error:
            message.error_detail.code = 13
            message.error_detail.message = error
        if self._first:
            message.node.id = self._node_id
            message.node.metadata.update(self._metadata)
            self._first = False
        await self._stream.write(message.SerializeToString())

    async def ack(self, response: Any, *names: str, **fields: Any) -> None:
        await self.request(response.type_url, *names, nonce=response.nonce, **fields)

    async def next(self) -> Any:
        try:
            async with asyncio.timeout(SECONDS):
                body = await self._stream.read()
        except grpc.aio.AioRpcError as refusal:
            raise EOFError(f"{refusal.code().name}: {refusal.details()}") from refusal
        assert body is not grpc.aio.EOF, "the server ended the stream"
        response = (DELTA_RESPONSE if self._delta else WHOLE_RESPONSE).FromString(body)
        return response

    async def subscribe(self, type_url: str, *names: str, **fields: Any) -> Any:
        """Request, response, acknowledgement."""
        await self.request(type_url, *names, **fields)
        response = await self.next()
        await self.ack(response, *(() if self._delta else names))
        return response

    async def silence(self) -> None:
        """Proves that nothing is on its way: the answer to a marker request comes next."""
        await self.request(MARKER, "marker")
        response = await self.next()
        assert response.type_url == MARKER, f"an unexpected response: {response.type_url}"
        assert not response.resources, f"unexpected resources: {names_of(response)}"
        await self.ack(response, unsubscribe=("marker",))

    def cancel(self) -> None:
        self._stream.cancel()


MARKER = kinds.ROUTE  # asked for by name, and nothing has the name "marker"


def names_of(response: Any) -> list[str]:
    return [resource.name for resource in response.resources]


@asynccontextmanager
async def ads(
    port: int,
    *,
    delta: bool = True,
    namespace: str = "default",
    node_id: str = "sidecar~10.0.0.1~app.default~default.svc.cluster.local",
    labels: dict[str, str] | None = None,
    options: Any = (),
) -> AsyncIterator[AdsClient]:
    method = "DeltaAggregatedResources" if delta else "StreamAggregatedResources"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        stream = channel.stream_stream(SERVICE + method)()
        client = AdsClient(stream, delta=delta, node_id=node_id, namespace=namespace, labels=labels)
        yield client
        stream.cancel()
