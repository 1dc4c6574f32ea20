"""The network filters of RateLimits."""

from typing import Any

from lateen.envoy import messages
from lateen.translate.rate_limit import network
from tests.unit.translate.outbound_world import mesh_of
from tests.unit.translate.rate_limit.test_http import WORKLOAD

LIMIT = """
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {name: new, namespace: shop}
spec:
  connections:
  - {name: some, ports: [9000], local: {connections: 5, unit: MINUTE, burst: 9}}
  - {name: all, global: {connections: 100}}
"""


def filters(port: int) -> list[dict[str, Any]]:
    found = network.network_filters(mesh_of(LIMIT), WORKLOAD, port)
    return [messages.to_json(each) for each in found]


def test_rules_with_ports_are_for_these_alone() -> None:
    names = [each["name"].rpartition(".")[2] for each in filters(9000)]

    assert names == ["local_ratelimit", "ratelimit"]
    assert [each["name"].rpartition(".")[2] for each in filters(80)] == ["ratelimit"]


def test_the_chains_of_a_port_share_one_bucket() -> None:
    config = filters(9000)[0]["typed_config"]

    assert config["share_key"] == "shop/new/some:9000"
    bucket = {"max_tokens": 9, "tokens_per_fill": 5, "fill_interval": "60s"}
    assert config["token_bucket"] == bucket


def test_a_global_rule_asks_with_its_name_and_limit() -> None:
    (descriptor,) = filters(80)[0]["typed_config"]["descriptors"]

    assert descriptor == {
        "entries": [{"key": "rate_limit", "value": "shop/new/all"}],
        "limit": {"requests_per_unit": 100, "unit": "SECOND"},
    }
