"""The agent with the real Envoy, against a small control plane."""

import asyncio
import os
import time
from pathlib import Path
from random import Random

import dnslib
import msgspec
import pytest

from lateen.agent import http1, settings
from lateen.agent.address import Address
from lateen.agent.agent import Agent
from lateen.agent.errors import AgentError
from lateen.base.name_table import TYPE_URL, NameTable
from tests.interop import envoy_pair
from tests.interop.running_agent import (
    agent_settings,
    control_plane,
    free_port,
    running,
    status,
    until,
)
from tests.interop.small_control_plane import CLUSTER, LISTENER, SmallControlPlane

pytestmark = pytest.mark.envoy


class Caller:
    """Calls one port again and again and remembers what came of it."""

    def __init__(self, port: int) -> None:
        self._where = Address("127.0.0.1", port)
        self.answers: list[http1.Response] = []
        self.failures: list[str] = []

    async def run(self) -> None:
        while True:
            try:
                answer = await http1.fetch(self._where, "/", timeout=5)
            except AgentError as trouble:
                self.failures.append(str(trouble))
                continue
            if answer.status == 200:
                self.answers.append(answer)
            else:
                self.failures.append(f"{answer.status} {answer.body.decode()}")

    def serials(self) -> set[str]:
        return {answer.headers["x-serial"] for answer in self.answers}


def put_pair(control: SmallControlPlane) -> int:
    """Configuration for both proxies: each gets both listeners, so they share one configuration."""
    server, client = free_port(), free_port()
    control.put(CLUSTER, "server", envoy_pair.client_cluster(server))
    control.put(LISTENER, "server", envoy_pair.server_listener(server))
    control.put(LISTENER, "client", envoy_pair.client_listener(client))
    return client


def test_a_call_crosses_envoy_with_the_identity_and_labels_of_its_certificate(
    folder: Path,
) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            client = put_pair(control)
            async with running(agent_settings(control, "front")):
                answer = await http1.fetch(Address("127.0.0.1", client), "/", timeout=5)
                assert answer.headers["x-peer"] == "spiffe://cluster.local/ns/shop/sa/front"
                assert answer.headers["x-labels"].startswith("workload=front,")

    asyncio.run(scenario())


def test_rotation_under_traffic_loses_no_request(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            client = put_pair(control)
            wanted = agent_settings(control, "front", secret_ttl=2)
            async with running(wanted), asyncio.TaskGroup() as tasks:
                caller = Caller(client)
                calling = tasks.create_task(caller.run())
                await until(lambda: len(caller.serials()) >= 4, "four certificates in use")
                calling.cancel()
            assert not caller.failures
            assert len(caller.answers) > 100

    asyncio.run(scenario())


def test_a_restarted_control_plane_costs_no_request_and_sends_nothing_again(
    folder: Path,
) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            client = put_pair(control)
            async with running(agent_settings(control, "front")) as agent:
                async with asyncio.TaskGroup() as tasks:
                    caller = Caller(client)
                    calling = tasks.create_task(caller.run())
                    await control.stop()
                    await until(
                        lambda: agent.metrics.connection_failures.value >= 3, "three lost streams"
                    )
                    await control.start()
                    await until(lambda: len(control.streams) >= 2, "a second stream")
                    again = control.streams[-1]
                    await until(lambda: LISTENER in again.initial_versions, "listeners asked for")
                    calling.cancel()
                assert not caller.failures
                assert set(again.initial_versions[LISTENER]) == {"server", "client"}

    asyncio.run(scenario())


def test_a_change_reaches_envoy_after_the_control_plane_came_back(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            put_pair(control)
            async with running(agent_settings(control, "front")):
                await control.stop()
                await control.start()
                late = free_port()
                control.put(LISTENER, "late", envoy_pair.client_listener(late, "late"))

                async def answers() -> bool:
                    try:
                        answer = await http1.fetch(Address("127.0.0.1", late), "/", timeout=5)
                    except AgentError:
                        return False
                    return answer.status == 200

                await until(answers, "the new listener answers")

    asyncio.run(scenario())


def test_an_agent_waits_for_a_control_plane_that_starts_later(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            put_pair(control)
            wanted = agent_settings(control, "front")
            await control.stop()

            async def begin_later(agent: Agent) -> None:
                await until(
                    lambda: agent.metrics.certificate_failures.value >= 2, "two refused requests"
                )
                await control.start()

            agent = Agent(wanted, clock=time.time, random=Random(1))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(agent.run())
                await begin_later(agent)
                await until(lambda: (wanted.folder / "ready").exists(), "ready")
                agent.shutdown.ask()

    asyncio.run(scenario())


def test_envoy_that_is_killed_is_started_again_and_configured(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            client = put_pair(control)
            wanted = agent_settings(control, "front")
            async with running(wanted) as agent:
                first = agent.envoy.pid
                assert first is not None
                os.kill(first, 9)
                await until(lambda: agent.envoy.pid not in (None, first), "another Envoy")

                async def is_ready() -> bool:
                    return (await status(wanted, "/healthz/ready")).status == 200

                await until(is_ready, "ready again")
                answer = await http1.fetch(Address("127.0.0.1", client), "/", timeout=5)
                assert answer.status == 200

    asyncio.run(scenario())


def test_metrics_of_agent_envoy_and_application_are_on_one_page(folder: Path) -> None:
    async def scenario() -> None:
        async def application(request: http1.Request) -> http1.Response:
            return http1.Response(200, b"orders_total 3\n")

        listening, where = await http1.serve(application, Address("127.0.0.1", 0))
        async with listening, control_plane(folder) as control:
            put_pair(control)
            wanted = msgspec.structs.replace(
                agent_settings(control, "front"),
                application_metrics=settings.ApplicationMetrics(port=where.port),
            )
            async with running(wanted):
                page = (await status(wanted, "/stats/prometheus")).body.decode()
                assert "\norders_total 3\n" in page
                assert "\nenvoy_server_live 1\n" in page or "envoy_server_live{} 1" in page
                assert "\nistio_agent_num_outgoing_requests 1\n" in page

    asyncio.run(scenario())


def test_names_of_the_mesh_are_answered_and_ready_waits_for_them(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            put_pair(control)
            wanted = agent_settings(
                control,
                "front",
                dns=settings.DnsSettings(enabled=True, address="127.0.0.1:0", upstream=()),
            )
            table = NameTable()
            entry = table.table["orders.shop.svc.cluster.local"]
            entry.ips.append("198.19.0.7")
            entry.registry, entry.shortname, entry.namespace = "Kubernetes", "orders", "shop"
            control.put(TYPE_URL, "", table.SerializeToString())
            async with running(wanted) as agent:
                assert agent.names.are_known()
                resolver = agent.names.resolver
                assert resolver is not None
                question = dnslib.DNSRecord.question("orders").pack()
                answer = await resolver.answer(question, over_tcp=False)
                assert answer is not None
                assert dnslib.DNSRecord.parse(answer).short() == "198.19.0.7"

    asyncio.run(scenario())


def test_quitquitquit_ends_agent_and_envoy(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            put_pair(control)
            wanted = agent_settings(control, "front")
            async with running(wanted) as agent:
                assert (await status(wanted, "/quitquitquit", method="POST")).status == 200
                await until(lambda: agent.envoy.pid is None, "Envoy's end")
                await until(lambda: not (wanted.folder / "ready").exists(), "not ready")

    asyncio.run(scenario())


def test_the_admin_socket_reaches_envoy_and_only_its_owner(folder: Path) -> None:
    async def scenario() -> None:
        async with control_plane(folder) as control:
            put_pair(control)
            wanted = agent_settings(control, "front")
            async with running(wanted):
                socket = wanted.folder / "admin.sock"
                answer = await http1.fetch(Address(path=str(socket)), "/ready", timeout=5)
                assert answer.body == b"LIVE\n"
                assert socket.stat().st_mode & 0o777 == 0o600

    asyncio.run(scenario())
