"""Wishes of ProxyConfig and annotations."""

import re
from typing import Any

import msgspec
import pytest

from lateen.agent import settings
from lateen.agent.bootstrap import proxy_config
from lateen.agent.bootstrap.proxy_config import Target, Tls, Wishes
from lateen.agent.bootstrap.stats import stats_config
from lateen.agent.bootstrap.telemetry import telemetry_clusters
from tests.unit.agent.bootstrap.test_document import SETTINGS


def wished(config: Any = None, **annotations: str) -> Wishes:
    notes = {f"sidecar.istio.io/{name}": value for name, value in annotations.items()}
    node = settings.NodeSettings(
        id="n", metadata={"PROXY_CONFIG": config or {}, "ANNOTATIONS": notes}
    )
    return proxy_config.wishes(msgspec.structs.replace(SETTINGS, node=node))


def test_without_wishes_there_are_none() -> None:
    assert wished() == Wishes()


def test_statistics_may_be_wished_by_config_or_annotation() -> None:
    config = {"proxyStatsMatcher": {"inclusionPrefixes": ["a"], "inclusionRegexps": ["c.*"]}}
    found = wished(config, statsInclusionPrefixes="b, d")
    assert found.stats_prefixes == ("b", "d")
    assert found.stats_regexes == ("c.*",)


@pytest.mark.parametrize(
    ("flush", "eviction", "granted"),
    [("", "10s", "10s"), ("10s", "20s", "20s"), ("", "11s", ""), ("", "1m", "60s"), ("", "x", "")],
)
def test_statistics_are_evicted_at_flushes_only(flush: str, eviction: str, granted: str) -> None:
    found = wished(statsFlushInterval=flush, statsEvictionInterval=eviction)
    assert found.stats_eviction == granted


def test_buckets_are_json() -> None:
    assert wished(statsHistogramBuckets='{"istio": [5, 1]}').histogram_buckets == (
        ("istio", (1.0, 5.0)),
    )
    assert wished(statsHistogramBuckets="nonsense").histogram_buckets == ()


def test_a_telemetry_server_is_an_address_and_its_tls() -> None:
    config = {
        "tracing": {
            "zipkin": {"address": "zipkin.telemetry:9411"},
            "tlsSettings": {"mode": "SIMPLE", "caCertificates": "/ca.pem", "sni": "z"},
        }
    }
    tls = Tls(mode="SIMPLE", roots="/ca.pem", sni="z")
    assert wished(config).zipkin == Target("zipkin.telemetry", 9411, tls)


@pytest.mark.parametrize("config", [{"tracing": 3}, {"tracing": {"zipkin": {"address": "x"}}}, []])
def test_what_cannot_be_understood_is_left_out(config: Any) -> None:
    assert wished(config) == Wishes()


def test_a_telemetry_server_is_kept_alive_and_checked_by_name() -> None:
    config = {
        "envoyMetricsService": {
            "address": "metrics:9000",
            "tlsSettings": {
                "mode": "SIMPLE",
                "caCertificates": "/ca.pem",
                "subjectAltNames": ["m"],
            },
            "tcpKeepalive": {"probes": 3, "time": "60s", "interval": "5s"},
        }
    }

    cluster = telemetry_clusters(wished(config))[0]

    assert cluster["upstream_connection_options"]["tcp_keepalive"] == {
        "keepalive_probes": 3,
        "keepalive_time": 60,
        "keepalive_interval": 5,
    }
    common = cluster["transport_socket"]["typed_config"]["common_tls_context"]
    checked = common["combined_validation_context"]["default_validation_context"]
    assert checked["match_typed_subject_alt_names"][0]["matcher"] == {"exact": "m"}


def test_old_names_of_addresses_are_understood() -> None:
    found = wished({"zipkinAddress": "z:9411", "envoyMetricsServiceAddress": "m:9000"})

    assert found.zipkin == Target("z", 9411)
    assert found.metrics_service == Target("m", 9000)


def test_extra_labels_are_cut_out_of_names() -> None:
    found = stats_config(wished({"extraStatTags": ["source_app"]}))

    tag = next(each for each in found["stats_tags"] if each["tag_name"] == "source_app")
    match = re.search(tag["regex"], "x.source_app.=.web;.y")
    assert match is not None
    assert match.group(2) == "web"
