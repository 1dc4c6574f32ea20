"""Istio's knobs of the agent."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from lateen.agent import envoy_process, proxy_metadata, settings
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


def test_logs_are_written_out_as_the_workload_wishes() -> None:
    found = applied({"fileFlushInterval": "5s", "fileFlushMinSizeKb": 64}).envoy

    words = envoy_process.arguments(found, binary="envoy", bootstrap=Path("b.json"))
    assert words[words.index("--file-flush-interval-msec") + 1] == "5000"
    assert words[words.index("--file-flush-min-size-kb") + 1] == "64"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"tracingServiceName": "APP_LABEL_AND_NAMESPACE"}, "web.shop"),
        ({"tracingServiceName": "CANONICAL_NAME_ONLY"}, "store"),
        ({"tracingServiceName": "CANONICAL_NAME_AND_NAMESPACE"}, "store.shop"),
        ({"serviceCluster": "mine"}, "mine"),
        ({}, "given"),
    ],
)
def test_traces_call_the_workload_as_it_wishes(config: Any, name: str) -> None:
    labels = {"app": "web", "service.istio.io/canonical-name": "store"}
    node = settings.NodeSettings(
        id="n", cluster="given", metadata={"PROXY_CONFIG": config, "LABELS": labels}
    )

    found = proxy_metadata.applied(msgspec.structs.replace(SETTINGS, node=node))

    assert found.node.cluster == name
