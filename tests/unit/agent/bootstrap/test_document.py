"""The bootstrap: Istio's names, and accepted by Envoy itself."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lateen.agent import settings
from lateen.agent.address import Address
from lateen.agent.bootstrap import document
from lateen.envoy import schema

SOCKETS = document.Sockets(
    Address(path="/run/XDS"), Address(path="/run/SDS"), Address("0.0.0.0", 15020)
)
SETTINGS = settings.AgentSettings(
    node=settings.NodeSettings(
        id="sidecar~10.0.0.7~n.shop~shop.svc.cluster.local",
        metadata={"NAMESPACE": "shop", "LABELS": {"app": "n"}},
        locality=settings.LocalitySettings(region="r"),
    ),
    workload=settings.WorkloadSettings(namespace="shop", name="n"),
    discovery=settings.DiscoverySettings(address="10.0.0.1:15012", root_cert="root.pem"),
    work_dir="/run",
)


def bootstrap(**changes: Any) -> dict[str, Any]:
    return document.bootstrap(msgspec.structs.replace(SETTINGS, **changes), SOCKETS)


@pytest.mark.envoy
@pytest.mark.parametrize(
    "listeners",
    [
        settings.ListenerSettings(),
        settings.ListenerSettings(health="", metrics="", admin="unix:/run/admin"),
        settings.ListenerSettings(metrics="127.64.0.2:15090"),
    ],
)
def test_envoy_accepts_it(tmp_path: Path, listeners: settings.ListenerSettings) -> None:
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(bootstrap(listeners=listeners)))
    done = subprocess.run(
        [schema.binary(), "--mode", "validate", "-c", path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.envoy
def test_a_proxy_may_know_the_zones_of_its_own_service(tmp_path: Path) -> None:
    node = msgspec.structs.replace(SETTINGS.node, metadata={"ENABLE_SELF_DISCOVERY": "true"})
    made = bootstrap(node=node)
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(made))
    done = subprocess.run(
        [schema.binary(), "--mode", "validate", "-c", path], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert made["cluster_manager"]["local_cluster_name"] == "local_cluster"
    assert "local_cluster" in [each["name"] for each in made["static_resources"]["clusters"]]
    assert "local_cluster_name" not in bootstrap()["cluster_manager"]


def test_the_fixed_clusters_have_istios_names() -> None:
    names = [cluster["name"] for cluster in bootstrap()["static_resources"]["clusters"]]
    assert names == ["prometheus_stats", "agent", "sds-grpc", "xds-grpc"]


def test_fixed_listeners_are_named_by_their_address() -> None:
    names = [listener["name"] for listener in bootstrap()["static_resources"]["listeners"]]
    assert names == ["0.0.0.0_15090", "0.0.0.0_15021"]


def test_discovery_is_delta_through_the_agent() -> None:
    resources = bootstrap()["dynamic_resources"]
    assert resources["ads_config"]["api_type"] == "DELTA_GRPC"
    service = resources["ads_config"]["grpc_services"][0]["envoy_grpc"]
    assert service["cluster_name"] == "xds-grpc"


def test_the_node_is_the_settings() -> None:
    node = bootstrap()["node"]
    assert node["id"] == SETTINGS.node.id
    assert node["metadata"]["LABELS"] == {"app": "n"}
    assert node["locality"] == {"region": "r"}


def test_statistics_are_istios_set_and_what_the_user_adds() -> None:
    wished = settings.EnvoySettings(stats_prefixes=("cluster.outbound",), stats_regexes=("a.*",))
    patterns = bootstrap(envoy=wished)["stats_config"]["stats_matcher"]["inclusion_list"]
    assert {"prefix": "reporter="} in patterns["patterns"]
    assert {"prefix": "cluster.outbound"} in patterns["patterns"]
    assert {"safe_regex": {"regex": "a.*"}} in patterns["patterns"]


@pytest.mark.envoy
def test_envoy_accepts_a_socket_mark(tmp_path: Path) -> None:
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(bootstrap(socket_mark=1337)))
    done = subprocess.run(
        [schema.binary(), "--mode", "validate", "-c", path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
