"""The agent and its Envoy against Lateen's own control plane, over mutual TLS."""

import asyncio
import json
import time
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from cryptography import x509

from lateen.agent.agent import Agent
from lateen.ca import admin_socket
from lateen.ca.errors import AuthorityError
from lateen.ca.plugged_in import issued_by
from tests.interop.real_control_plane import RealControlPlane, with_dns
from tests.interop.running_agent import free_port, running, status, until
from tests.plugged_in_authority import plug_in

pytestmark = pytest.mark.envoy


def mesh() -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: orders, namespace: shop}}
spec:
  clusterIP: 198.19.5.5
  ports: [{{name: http, port: {free_port()}}}]
"""


def test_an_agent_is_served_as_the_identity_it_proved(folder: Path) -> None:
    async def scenario() -> None:
        control = RealControlPlane(folder, mesh())
        async with control.running() as plane, running(control.agent_settings("front")):
            (stream,) = plane.server.connected()
            assert stream.proxy is not None
            assert stream.proxy.id == "front.shop"

    asyncio.run(scenario())


def test_names_of_services_reach_the_resolver(folder: Path) -> None:
    async def scenario() -> None:
        control = RealControlPlane(folder, mesh())
        wanted = with_dns(control.agent_settings("front"))
        async with control.running(), running(wanted):
            names = json.loads((await status(wanted, "/debug/ndsz")).body)
            assert names["orders.shop.svc.cluster.local"]["ips"] == ["198.19.5.5"]

    asyncio.run(scenario())


def test_a_node_that_claims_another_namespace_is_refused(folder: Path) -> None:
    async def scenario() -> None:
        control = RealControlPlane(folder, mesh())
        wanted = control.agent_settings("front", claims="other")
        async with control.running() as plane, asyncio.TaskGroup() as tasks:
            agent = Agent(wanted, clock=time.time, random=Random(1))
            tasks.create_task(agent.run())
            await until(lambda: agent.metrics.connection_failures.value >= 2, "two refused streams")
            assert not [stream for stream in plane.server.connected() if stream.proxy]
            assert (await status(wanted, "/healthz/ready")).status == 503
            agent.shutdown.ask()

    asyncio.run(scenario())


def test_an_agent_recovers_when_its_certificate_ended_while_nobody_could_renew_it(
    folder: Path,
) -> None:
    async def scenario() -> None:
        control = RealControlPlane(folder, mesh())
        wanted = control.agent_settings("front", secret_ttl=2)
        async with control.running():
            agent = Agent(wanted, clock=time.time, random=Random(1))
            running = asyncio.get_running_loop().create_task(agent.run())
            await until(lambda: (wanted.folder / "ready").exists(), "ready")
        await until(lambda: agent.certificates.valid() is None, "the certificate's end")
        async with control.running() as plane:
            await until(lambda: agent.certificates.valid() is not None, "a new certificate")
            await until(
                lambda: any(stream.proxy for stream in plane.server.connected()), "served again"
            )
            agent.shutdown.ask()
            await running

    asyncio.run(scenario())


def test_a_plugged_in_intermediate_serves_agents_too(folder: Path) -> None:
    async def scenario() -> None:
        plug_in(folder / "state" / "ca", now=time.time())
        control = RealControlPlane(folder, mesh())
        wanted = control.agent_settings("front")
        async with control.running() as plane, running(wanted) as agent:
            assert any(stream.proxy for stream in plane.server.connected())
            certificate = agent.certificates.valid()
            assert certificate is not None
            assert certificate.chain.count(b"BEGIN CERTIFICATE") == 3

    asyncio.run(scenario())


def test_an_added_root_reaches_the_agent_and_a_removed_one_makes_it_renew(folder: Path) -> None:
    async def scenario() -> None:
        control = RealControlPlane(folder, mesh())
        wanted = msgspec.structs.replace(control.agent_settings("front"), output_certs="certs")

        async def ask(**request: object) -> dict[str, Any]:
            return await asyncio.to_thread(admin_socket.ask, folder / "state", request)

        async with control.running(), running(wanted) as agent:
            await until(lambda: agent.trust.roots.count(b"BEGIN") == 1, "one root")
            (old,) = (await ask(command="status"))["roots"]
            first = agent.certificates.valid()
            added = await ask(command="add")
            await until(lambda: agent.trust.roots.count(b"BEGIN") == 2, "two roots")
            written = wanted.folder / "certs" / "root-cert.pem"
            assert written.read_bytes() == agent.trust.roots
            assert (await ask(command="status"))["unaware"] == []
            assert (await ask(command="switch"))["root"] == added["root"]
            assert agent.certificates.valid() is first
            with pytest.raises(AuthorityError, match="live until"):
                await ask(command="remove", root=old["id"])
            await ask(command="remove", root=old["id"], force=True)
            await until(lambda: agent.certificates.valid() is not first, "renewed at once")
            (root,) = x509.load_pem_x509_certificates(agent.trust.roots)
            renewed = agent.certificates.valid()
            assert renewed is not None
            leaf = x509.load_pem_x509_certificate(renewed.chain)
            assert issued_by(leaf, root)
            chain = wanted.folder / "certs" / "cert-chain.pem"
            await until(lambda: chain.read_bytes() == renewed.chain, "written")

    asyncio.run(scenario())


def test_an_evicted_identity_loses_its_stream_and_gets_no_certificate(folder: Path) -> None:
    async def scenario() -> None:
        control = RealControlPlane(folder, mesh())
        wanted = control.agent_settings("front")
        async with control.running() as plane, running(wanted) as agent:
            request = {"command": "evict", "identity": "shop/front"}
            done = await asyncio.to_thread(admin_socket.ask, folder / "state", request)
            assert done["disconnected"] == 1
            assert done["revoked"]
            failures = agent.metrics.connection_failures.value
            await until(
                lambda: agent.metrics.connection_failures.value > failures + 1, "refused again"
            )
            assert not [stream for stream in plane.server.connected() if stream.proxy]
            agent.certificates.renew_soon()
            await until(
                lambda: agent.metrics.certificate_failures.value > 0, "no certificate either"
            )

    asyncio.run(scenario())
