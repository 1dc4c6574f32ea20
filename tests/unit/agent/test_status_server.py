"""The status port's paths and who may use them."""

import asyncio

import pytest

from lateen.agent.address import Address
from lateen.agent.envoy_admin import EnvoyAdmin
from lateen.agent.http1 import Request
from lateen.agent.metrics import AgentMetrics
from lateen.agent.readiness import Readiness
from lateen.agent.scrape import Scrape
from lateen.agent.status_server import StatusServer, is_this_host


class Server:
    def __init__(self, *, is_alone: bool = True) -> None:
        self.orders: list[str] = []
        admin = EnvoyAdmin(Address(path="/no/such/socket"))
        self.server = StatusServer(
            readiness=Readiness(admin, has_names=lambda: True),
            scrape=Scrape(AgentMetrics(), admin, None, ip=""),
            probes={},
            ip="",
            names=lambda: {"a.shop": {"ips": ["1.2.3.4"]}},
            quit=lambda: self.orders.append("quit"),
            drain=self.drain,
            is_alone=is_alone,
        )

    async def drain(self) -> None:
        self.orders.append("drain")

    def status(self, method: str, path: str, *, peer: str = "127.0.0.1") -> int:
        return asyncio.run(self.server.answer(Request(method, path, peer=peer))).status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz/ready", 503),
        ("GET", "/stats/prometheus", 200),
        ("GET", "/metrics", 200),
        ("GET", "/debug/ndsz", 200),
        ("GET", "/app-health/none/livez", 404),
        ("GET", "/", 404),
        ("DELETE", "/metrics", 405),
        ("GET", "/quitquitquit", 405),
    ],
)
def test_paths_answer(method: str, path: str, status: int) -> None:
    assert Server().status(method, path) == status


@pytest.mark.parametrize(("path", "order"), [("/quitquitquit", "quit"), ("/drain", "drain")])
def test_orders_are_taken_from_this_host_alone(path: str, order: str) -> None:
    server = Server()
    assert server.status("POST", path, peer="10.0.0.9") == 403
    assert not server.orders
    assert server.status("POST", path) == 200
    assert server.orders == [order]


def test_this_host_is_loopback_or_a_unix_socket() -> None:
    assert all(map(is_this_host, ("", "127.0.0.6", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_this_host, ("10.0.0.1", "fe80::1%eth0")))


@pytest.mark.parametrize("path", ["/quitquitquit", "/drain"])
def test_orders_are_refused_where_all_workloads_share_the_loopback(path: str) -> None:
    server = Server(is_alone=False)
    assert server.status("POST", path) == 403
    assert server.orders == []
