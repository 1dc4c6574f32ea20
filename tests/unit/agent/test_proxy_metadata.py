"""Istio's knobs of the agent."""

from typing import Any

import msgspec

from lateen.agent import proxy_metadata, settings
from tests.unit.agent.bootstrap.test_document import SETTINGS


def applied(config: Any) -> settings.AgentSettings:
    node = settings.NodeSettings(id="n", metadata={"PROXY_CONFIG": config})
    return proxy_metadata.applied(msgspec.structs.replace(SETTINGS, node=node))


def test_certificates_live_as_long_as_the_workload_wishes() -> None:
    assert applied({"proxyMetadata": {"SECRET_TTL": "1h"}}).secret_ttl == 3600


def test_certificates_are_written_where_the_workload_wishes() -> None:
    assert applied({"proxyMetadata": {"OUTPUT_CERTS": "/certs"}}).output_certs == "/certs"
    assert not applied({}).output_certs


def test_drains_last_as_long_as_the_workload_wishes() -> None:
    found = applied({"terminationDrainDuration": "30s", "drainDuration": "10s"})
    assert found.shutdown.drain_duration == 30
    assert found.envoy.drain_time == 10


def test_an_early_end_of_the_drain_is_a_choice() -> None:
    variables = {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"}
    assert applied({"proxyMetadata": variables}).shutdown.exit_on_zero_connections
    assert not applied({}).shutdown.exit_on_zero_connections


def test_without_wishes_the_settings_stand() -> None:
    for config in ({}, None, {"proxyMetadata": {"SECRET_TTL": "soon"}}):
        found = applied(config)
        assert (found.secret_ttl, found.shutdown) == (SETTINGS.secret_ttl, SETTINGS.shutdown)
