"""Fake proxies in a process of their own: each comes back as soon as it may, and tells when.

    python -m benchmarks.reconnecting_proxies < plan.json

The plan: {"address", "root", "chain", "key" (PEM), "proxies", "namespace"}. Each proxy has a
connection of its own with mutual TLS and one delta stream, asks for clusters and listeners, and
counts as connected when both have come. Every line written is a JSON object: {"connected": N,
"at": monotonic seconds}, whenever the number of connected proxies changes.
"""

import asyncio
import contextlib
import json
import sys
import time
from random import Random
from typing import Any

import grpc
import grpc.aio

from lateen.agent.messages import LISTENER_TYPE, DeltaDiscoveryRequest, ResponseHead
from lateen.base.protobuf import STRUCT, Field, declare

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
CLUSTER_TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
SERVER_NAME = "istiod.istio-system.svc"
LEAST_PAUSE, LONGEST_PAUSE = 0.1, 0.5  # seconds; an agent and its Envoy take turns like that

_MESSAGES = declare(
    "lateen.benchmarks",
    {
        "Node": {"id": Field(1, "string"), "metadata": Field(3, STRUCT)},
        "First": {"node": Field(1, "Node"), "type_url": Field(2, "string")},
    },
)


class Proxies:
    """Owns the count."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._random = Random(1)
        self._credentials = grpc.ssl_channel_credentials(
            plan["root"].encode(), plan["key"].encode(), plan["chain"].encode()
        )
        self._connected = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for index in range(self._plan["proxies"]):
                tasks.create_task(self._proxy(index))

    async def _proxy(self, index: int) -> None:
        while True:  # until the process is ended
            options = [
                ("grpc.ssl_target_name_override", SERVER_NAME),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.max_receive_message_length", -1),
            ]
            async with grpc.aio.secure_channel(
                self._plan["address"], self._credentials, options
            ) as channel:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await self._stream(channel, index)
            await asyncio.sleep(self._random.uniform(LEAST_PAUSE, LONGEST_PAUSE))

    async def _stream(self, channel: grpc.aio.Channel, index: int) -> None:
        start: Any = channel.stream_stream(
            METHOD, request_serializer=bytes, response_deserializer=bytes
        )
        call = start()
        await call.write(self._first(index))
        await call.write(DeltaDiscoveryRequest(type_url=LISTENER_TYPE).SerializeToString())
        missing = {CLUSTER_TYPE, LISTENER_TYPE}
        try:
            async for message in call:
                head = ResponseHead.FromString(message)
                if missing:
                    missing.discard(head.type_url)
                    if not missing:
                        self._count(1)
                acknowledgement = DeltaDiscoveryRequest(
                    type_url=head.type_url, response_nonce=head.nonce
                )
                await call.write(acknowledgement.SerializeToString())
        finally:
            if not missing:
                self._count(-1)

    def _first(self, index: int) -> bytes:
        namespace = self._plan["namespace"]
        request = _MESSAGES["First"](type_url=CLUSTER_TYPE)
        host = f"10.{index // 65536}.{index // 256 % 256}.{index % 256}"
        request.node.id = f"sidecar~{host}~front-{index}.{namespace}~{namespace}.svc.cluster.local"
        request.node.metadata["NAMESPACE"] = namespace
        return bytes(request.SerializeToString())

    def _count(self, change: int) -> None:
        self._connected += change
        line = {"connected": self._connected, "at": time.monotonic()}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    asyncio.run(Proxies(json.loads(sys.stdin.readline())).run())
