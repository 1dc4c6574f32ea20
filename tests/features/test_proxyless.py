"""gRPC's own xDS client, served by a control plane: no Envoy anywhere."""

import asyncio
import json
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.features.proofs import client_certificate
from tests.features.proxyless_client import METHOD
from tests.features.running_plane import RunningPlane, control_plane, run, until

TARGET = "xds:///echo.mesh.internal:9000"
ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: echo, namespace: shop}}
spec:
  hosts: [echo.mesh.internal]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{{number: 9000, name: grpc, protocol: GRPC}}]
  endpoints:
  - {{address: 127.0.0.1, ports: {{grpc: {v1}}}, labels: {{version: v1}}}}
  - {{address: 127.0.0.1, ports: {{grpc: {v2}}}, labels: {{version: v2}}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: echo, namespace: shop}}
spec:
  host: echo.mesh.internal
  subsets: [{{name: v1, labels: {{version: v1}}}}, {{name: v2, labels: {{version: v2}}}}]
"""
ROUTES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: shop}
spec:
  hosts: [echo.mesh.internal]
  http:
  - match: [{headers: {x-version: {exact: v2}}}]
    route: [{destination: {host: echo.mesh.internal, subset: v2}}]
    timeout: 5s
  - match: [{headers: {x-version: {exact: none}}}]
    fault: {abort: {grpcStatus: RESOURCE_EXHAUSTED, percentage: {value: 100}}}
    route: [{destination: {host: echo.mesh.internal, subset: v1}}]
  - route: [{destination: {host: echo.mesh.internal, subset: v1}}]
"""


@contextmanager
def backend(name: str) -> Iterator[int]:
    """A gRPC server on a free port that answers every call with its name."""
    server = grpc.server(ThreadPoolExecutor(4))
    who = grpc.unary_unary_rpc_method_handler(lambda request, context: name.encode())
    service, method = METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: who}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


def bootstrap(control: RunningPlane, folder: str, *, files: Mapping[str, bytes] = {}) -> Path:
    """`files` are the workload's certificate: key, chain, roots."""
    path = Path(folder, "grpc.json")
    labels = {"app": "front", "security.istio.io/tlsMode": "istio"}
    node = {
        "id": "sidecar~127.0.0.1~front-1.shop~shop.svc.cluster.local",
        "metadata": {"GENERATOR": "grpc", "NAMESPACE": "shop", "LABELS": labels},
    }
    server = {
        "server_uri": f"127.0.0.1:{control.port}",
        "channel_creds": [{"type": "insecure"}],
        "server_features": ["xds_v3"],
    }
    for name, content in files.items():
        Path(folder, name).write_bytes(content)
    provider = {
        "private_key_file": f"{folder}/key",
        "certificate_file": f"{folder}/chain",
        "ca_certificate_file": f"{folder}/roots",
    }
    written = {
        "xds_servers": [server],
        "node": node,
        "server_listener_resource_name_template": "xds.istio.io/grpc/lds/inbound/%s",
        "certificate_providers": {"default": {"plugin_name": "file_watcher", "config": provider}},
    }
    path.write_text(json.dumps(written))
    return path


async def calls(file: Path, count: int, *header: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.features.proxyless_client", TARGET, str(count), *header,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"GRPC_XDS_BOOTSTRAP": str(file)},
    )  # fmt: skip
    output, _ = await process.communicate()
    return [json.loads(line) for line in output.decode().splitlines()]


async def answers(file: Path, *header: str) -> set[str]:
    return {str(each.get("who", each.get("code"))) for each in await calls(file, 12, *header)}


def test_grpc_without_a_proxy_follows_routes_and_subsets() -> None:
    async def main() -> None:
        with ExitStack() as stack:
            ports = {name: stack.enter_context(backend(name)) for name in ("v1", "v2")}
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            async with control_plane(ENTRY.format(**ports)) as control:
                file = bootstrap(control, folder)

                assert await answers(file) == {"v1", "v2"}

                control.source.write(ROUTES)

                async def routed() -> bool:
                    return await answers(file) == {"v1"}

                await until(routed, "requests go to v1 alone")
                assert await answers(file, "x-version", "v2") == {"v2"}
                assert await answers(file, "x-version", "none") == {"RESOURCE_EXHAUSTED"}

    run(main)


SERVED = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: echo, namespace: shop}}
spec:
  hosts: [echo.mesh.internal]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{{number: 9000, name: grpc, protocol: GRPC}}]
  endpoints: [{{address: 127.0.0.1, ports: {{grpc: {port}}}}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default, namespace: shop}}
spec: {{mtls: {{mode: STRICT}}}}
"""
MUTUAL = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo, namespace: shop}
spec:
  host: echo.mesh.internal
  trafficPolicy:
    tls: {mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://cluster.local/ns/shop/sa/front"]}
"""
DENY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny, namespace: shop}
spec: {action: DENY, rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/front]}}]}]}
"""


@asynccontextmanager
async def xds_server(file: Path, port: int) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.features.proxyless_server", f"127.0.0.1:{port}",
        env=os.environ | {"GRPC_XDS_BOOTSTRAP": str(file)},
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        await process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_grpc_servers_without_a_proxy_keep_mutual_tls_and_policies() -> None:
    async def main() -> None:
        port = free_port()
        text = SERVED.format(port=port)
        with tempfile.TemporaryDirectory() as folder:
            async with control_plane(text, secure=True) as control:
                own = await client_certificate(control)
                files = {"key": own.key, "chain": own.chain, "roots": own.root}
                file = bootstrap(control, folder, files=files)
                async with xds_server(file, port):
                    control.source.write(MUTUAL)

                    async def has(answer: str) -> bool:
                        return await answers(file) == {answer}

                    await until(lambda: has("served"), "the client speaks mutual TLS")
                    control.source.delete(MUTUAL)
                    await until(lambda: has("UNAVAILABLE"), "plain text is refused")
                    control.source.write(MUTUAL)
                    control.source.write(DENY)
                    await until(lambda: has("PERMISSION_DENIED"), "the server denies the client")

    run(main)
