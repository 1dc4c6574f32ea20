"""A whole control plane in the test's own event loop, and a real Envoy that it serves."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import uvloop

from lateen.api.resource import Change
from lateen.base.clock import system_clock
from lateen.base.problem import Problem
from lateen.ca.options import AuthorityOptions
from lateen.config import documents
from lateen.control.audit_output import AuditSettings
from lateen.control.authentication import AuthenticationOptions
from lateen.control.plane import ControlPlane
from lateen.control.settings import ControlSettings
from lateen.envoy import schema
from lateen.envoy.admin import Admin
from lateen.jwks.settings import KeySettings
from lateen.view.mesh import Settings
from lateen.xds.transport.listener import Address

SECONDS = 20
LOOPBACK = Address("127.0.0.1", 0)
SIDECAR = "sidecar~10.9.8.7~front-1.shop~shop.svc.cluster.local"


@dataclass(frozen=True)
class HandBatch:
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()


class HandSource:
    """Batches as the test writes them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[HandBatch] = asyncio.Queue()

    def write(self, text: str) -> None:
        reading = documents.read(text, "test.yaml")
        changes = tuple(Change(resource.key, resource) for resource in reading.resources)
        self._queue.put_nowait(HandBatch(changes, reading.problems))

    def delete(self, text: str) -> None:
        keys = [resource.key for resource in documents.read(text).resources]
        self._queue.put_nowait(HandBatch(tuple(Change(key, None) for key in keys)))

    async def batches(self) -> AsyncIterator[HandBatch]:
        while True:
            yield await self._queue.get()


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


@dataclass
class RunningPlane:
    plane: ControlPlane
    source: HandSource

    @property
    def port(self) -> int:
        return self.plane.xds_listeners[0].address.port

    @property
    def secure_port(self) -> int:
        return self.plane.xds_listeners[1].address.port

    @property
    def admin_port(self) -> int:
        assert self.plane.admin is not None
        return self.plane.admin.address.port

    @property
    def admin_token(self) -> Path:
        return self.plane.settings.state / "admin-token"

    async def page(self, path: str, method: str = "GET") -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.admin_port)
        head = f"host: localhost\r\nauthorization: Bearer {self.admin_token.read_text()}"
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body


@asynccontextmanager
async def control_plane(
    text: str,
    *,
    xds: Address = LOOPBACK,
    secure: bool = False,
    mesh: Settings | None = None,
    gateways: tuple[str, ...] = (),
    authority: AuthorityOptions | None = None,
    keys: KeySettings | None = None,
    authentication: AuthenticationOptions | None = None,
) -> AsyncIterator[RunningPlane]:
    """Serves `text`, a YAML of the whole mesh."""
    source = HandSource()
    source.write(text)
    with tempfile.TemporaryDirectory() as state:
        settings = ControlSettings(
            folders=(),
            state=Path(state),
            xds_address=xds,
            secure_xds_address=LOOPBACK if secure else None,
            admin_address=LOOPBACK,
            mesh=mesh or Settings(),
            audit=AuditSettings(Path(state, "audit")) if secure else AuditSettings(),
            gateway_identities=gateways,
            authority=authority or AuthorityOptions(),
            keys=keys or KeySettings(),
            authentication=authentication or AuthenticationOptions(),
        )
        plane = ControlPlane(settings, source, clock=system_clock, random=Random(1))
        started, stop = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(plane.run(stop, started=started.set))
            starting = tasks.create_task(started.wait())
            async with asyncio.timeout(SECONDS):
                await asyncio.wait((serving, starting), return_when=asyncio.FIRST_COMPLETED)
            try:
                yield RunningPlane(plane, source)
            finally:
                stop.set()
                starting.cancel()


async def until(claim: Callable[[], Awaitable[bool]], what: str) -> None:
    """Waits for a claim to become true."""
    try:
        async with asyncio.timeout(SECONDS):
            while not await claim():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"it did not happen: {what}") from None


@dataclass
class RunningEnvoy:
    admin: Admin
    log: Path

    async def statistic(self, name: str) -> int:
        found = await asyncio.to_thread(self.admin.statistics, pattern=f"^{name}$", used_only=False)
        return int(found.rpartition(": ")[2] or 0)

    async def dump(self) -> str:
        return json.dumps(await asyncio.to_thread(self.admin.config_dump))

    async def has(self, statistic: str, value: int) -> None:
        async def reached() -> bool:
            return await self.statistic(statistic) >= value

        await until(reached, f"{statistic} is {value}; log:\n{self.log.read_text()[-3000:]}")

    async def shows(self, text: str) -> None:
        async def shown() -> bool:
            return text in await self.dump()

        await until(shown, f"{text} in the config dump")


@dataclass(frozen=True)
class ClientCertificate:
    """PEM: what an Envoy shows the secure port, and whom it trusts there."""

    key: bytes
    chain: bytes
    root: bytes
    server_name: str


@asynccontextmanager
async def envoy(
    port: int,
    *,
    node: str = SIDECAR,
    metadata: dict[str, Any] | None = None,
    certificate: ClientCertificate | None = None,
) -> AsyncIterator[RunningEnvoy]:
    """An Envoy without an agent that speaks delta ADS to a port of loopback."""
    with tempfile.TemporaryDirectory() as folder:
        config, address, log = (Path(folder, name) for name in ("boot.json", "admin", "log"))
        config.write_text(json.dumps(bootstrap(port, node, metadata or {}, certificate)))
        with log.open("w") as output:
            process = await asyncio.create_subprocess_exec(
                str(schema.binary()), "-c", str(config), "--admin-address-path", str(address),
                "--disable-hot-restart", "--concurrency", "1", "-l", "warning",
                stdout=output, stderr=output,
            )  # fmt: skip
        try:

            async def listening() -> bool:
                return address.exists() and ":" in address.read_text()

            await until(listening, "Envoy's admin address")
            yield RunningEnvoy(Admin(address.read_text().strip()), log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def bootstrap(
    port: int, node: str, metadata: dict[str, Any], certificate: ClientCertificate | None
) -> dict[str, Any]:
    socket = {"address": "127.0.0.1", "port_value": port}
    grpc: dict[str, Any] = {
        "name": "xds-grpc",
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/"
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": "xds-grpc",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"socket_address": socket}}}]}
            ],
        },
    }
    if certificate is not None:
        grpc["transport_socket"] = transport_socket(certificate)
    ads = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}],
    }
    source = {"ads": {}, "resource_api_version": "V3"}
    return {
        "node": {
            "id": node,
            "cluster": "front.shop",
            "metadata": {"NAMESPACE": "shop", "LABELS": {"app": "front"}, **metadata},
        },
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "dynamic_resources": {"ads_config": ads, "lds_config": source, "cds_config": source},
        "static_resources": {"clusters": [grpc, *SIDE_CLUSTERS]},
    }


def transport_socket(certificate: ClientCertificate) -> dict[str, Any]:
    own = {
        "certificate_chain": {"inline_string": certificate.chain.decode()},
        "private_key": {"inline_string": certificate.key.decode()},
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/"
            "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": certificate.server_name,
            "common_tls_context": {
                "tls_certificates": [own],
                "validation_context": {
                    "trusted_ca": {"inline_string": certificate.root.decode()},
                },
            },
        },
    }


def _static(name: str) -> dict[str, Any]:
    return {"name": name, "type": "STATIC", "connect_timeout": "1s"}


SIDE_CLUSTERS: Iterable[dict[str, Any]] = [_static("sds-grpc"), _static("zipkin")]
