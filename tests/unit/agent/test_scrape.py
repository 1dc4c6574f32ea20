"""Merged metrics."""

import asyncio

from lateen.agent.address import Address
from lateen.agent.envoy_admin import EnvoyAdmin
from lateen.agent.metrics import AgentMetrics
from lateen.agent.scrape import Scrape, unprefixed
from lateen.agent.settings import ApplicationMetrics


def test_standard_metrics_lose_envoys_prefix() -> None:
    page = b'# TYPE envoy_istio_requests_total counter\nenvoy_istio_requests_total{a="b"} 1\n'
    assert unprefixed(page) == page.replace(b"envoy_istio", b"istio")


def test_other_metrics_keep_their_names() -> None:
    page = b'envoy_server_live 1\nx{a="envoy_istio_"} 1\n'
    assert unprefixed(page) == page


def test_parts_that_are_away_are_counted_and_the_rest_is_served() -> None:
    metrics = AgentMetrics()
    nowhere = EnvoyAdmin(Address(path="/no/such/socket"))
    scrape = Scrape(metrics, nowhere, ApplicationMetrics(port=1), ip="127.0.0.1")
    page = asyncio.run(scrape.page()).body
    assert b"istio_agent_num_outgoing_requests" in page
    assert metrics.scrape_failures.labels("envoy").value == 1
    assert metrics.scrape_failures.labels("application").value == 1
