"""The rate limit service with an identity of the mesh: whom it answers."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest

from lateen.agent.settings import DiscoverySettings
from lateen.envoy import types
from lateen.rate_limit.service import METHOD, RateLimitService
from lateen.rate_limit.settings import ServiceSettings
from lateen.xds.transport.status import Status
from tests.features.proofs import certificate, root, token
from tests.features.running_plane import LOOPBACK, RunningPlane, control_plane, run, until
from tests.unit.rate_limit.asking import question, running

MESH = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"


@asynccontextmanager
async def service(control: RunningPlane, folder: Path) -> AsyncIterator[RateLimitService]:
    (folder / "root.pem").write_bytes(root(control))
    (folder / "token").write_text(token(control, "istio-system"))
    discovery = DiscoverySettings(
        address=f"127.0.0.1:{control.secure_port}",
        root_cert=str(folder / "root.pem"),
        token=str(folder / "token"),
    )
    async with running(ServiceSettings(listen=LOOPBACK, discovery=discovery)) as served:
        yield served


async def context(control: RunningPlane, folder: Path, namespace: str = "") -> ssl.SSLContext:
    """Of a client of that namespace; without one, of a client that has no certificate."""
    made = ssl.create_default_context(cadata=root(control).decode())
    made.check_hostname = False
    made.set_alpn_protocols(["h2"])
    if namespace:
        key, chain = await certificate(control, token(control, namespace))
        path = folder / f"{namespace}.pem"
        path.write_bytes(key + "".join(chain[:-1]).encode())
        made.load_cert_chain(path)
    return made


async def asked(served: RateLimitService, tls: ssl.SSLContext, request: Any) -> int:
    """The status of the call."""
    address = served.address
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    body = request.SerializeToString()
    headers = [
        (":method", "POST"), (":scheme", "https"), (":path", METHOD), (":authority", "test"),
        ("content-type", "application/grpc"), ("te", "trailers"),
    ]  # fmt: skip
    connection.send_headers(1, headers)
    connection.send_data(1, b"\0" + len(body).to_bytes(4, "big") + body, end_stream=True)
    writer.write(connection.data_to_send())
    try:
        async with asyncio.timeout(10):
            while True:
                received = await reader.read(65536)
                if not received:
                    raise ConnectionResetError("closed without an answer")
                for event in connection.receive_data(received):
                    if isinstance(event, h2.events.TrailersReceived):
                        return int(dict(event.headers)["grpc-status"])
    finally:
        writer.close()


def test_it_answers_callers_about_rules_of_their_own_namespace_and_the_mesh(tmp_path: Path) -> None:
    own = question({"rate_limit": "shop/api/all"})
    wide = question({"rate_limit": "istio-system/api/all"})

    async def main() -> None:
        async with control_plane(MESH, secure=True) as control, service(control, tmp_path) as it:
            shop = await context(control, tmp_path, "shop")
            other = await context(control, tmp_path, "other")

            assert await asked(it, shop, own) == Status.OK
            assert await asked(it, shop, wide) == Status.OK
            assert await asked(it, other, wide) == Status.OK
            assert await asked(it, other, own) == Status.PERMISSION_DENIED

    run(main)


def test_a_caller_without_a_certificate_of_the_mesh_gets_no_connection(tmp_path: Path) -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control, service(control, tmp_path) as it:
            nobody = await context(control, tmp_path)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asked(it, nobody, types.RateLimitRequest())

    run(main)


def test_a_root_that_the_mesh_no_longer_has_admits_nobody(tmp_path: Path) -> None:
    own = question({"rate_limit": "shop/api/all"})

    async def main() -> None:
        async with (
            control_plane(MESH, secure=True) as control,
            control_plane(MESH, secure=True) as other,
            service(control, tmp_path) as it,
        ):
            shop = await context(control, tmp_path, "shop")
            assert await asked(it, shop, own) == Status.OK
            (tmp_path / "root.pem").write_bytes(root(other))

            async def refused() -> bool:
                try:
                    await asked(it, shop, own)
                except (ssl.SSLError, ConnectionError):
                    return True
                return False

            await until(refused, "the caller is of a root that has gone")

    run(main)
