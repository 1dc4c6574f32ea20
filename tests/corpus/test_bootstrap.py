"""Istio's own bootstrap for the same ProxyConfig, compared field by field.

What differs on purpose is named in DIFFERENT; a held-back case that differs elsewhere fails.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lateen.agent import settings
from lateen.agent.address import Address
from lateen.agent.bootstrap import document
from lateen.envoy import schema
from tests.corpus.passing import check, corpus_folder

SOCKETS = document.Sockets(
    Address(path="/tmp/XDS"),
    Address(path="./var/run/secrets/workload-spiffe-uds/test.sock"),
    Address("0.0.0.0", 15020),
)
DIFFERENT = (  # endings of paths that need not be equal, and why
    ".protocol",  # TCP is the default
    "node",  # given by whoever starts the agent
    "application_log_config",  # Envoy's own log format
    "layered_runtime",  # Istio's names old features; see test_runtime_values_are_taken_over
    "admin.access_log",  # deprecated; nothing is logged by default
    "admin.profile_path",  # stock Envoy has no profiler
    "bootstrap_extensions",  # the typed form of the same internal listener
    ".retry_policy",  # quicker reconnection
    ".initial_stream_window_size",
    ".max_requests_per_connection",  # deprecated in this place
    ".upstream_connection_options",  # keepalive has no meaning on a unix socket
)


def cases() -> list[dict[str, Any]]:
    folder = corpus_folder()
    assert folder is not None
    found: list[dict[str, Any]] = json.loads((folder / "bootstrap/cases.json").read_text())["cases"]
    return [case for case in found if case.get("golden")]


def proxy_config(case: dict[str, Any]) -> Any:
    folder = corpus_folder()
    assert folder is not None
    return plain(yaml.safe_load((folder / "bootstrap" / case["proxy_config"]).read_text()))


def plain(value: Any) -> Any:
    """Wrapper messages of the corpus' text form as the JSON form has them."""
    if not isinstance(value, dict):
        return value
    if set(value) == {"value"}:
        return value["value"]
    return {key: plain(part) for key, part in value.items()}


def ours(case: dict[str, Any]) -> dict[str, Any]:
    config = proxy_config(case)
    metadata = {
        "PROXY_CONFIG": config,
        "ANNOTATIONS": case["annotations"],
        "OUTLIER_LOG_PATH": "/dev/stdout",
    }
    wanted = settings.AgentSettings(
        node=settings.NodeSettings(id="sidecar~1.2.3.4~foo~bar", metadata=metadata),
        workload=settings.WorkloadSettings(namespace="bar", name="foo"),
        discovery=settings.DiscoverySettings(address="127.0.0.1:1", root_cert="root.pem"),
        work_dir="/tmp",
        listeners=settings.ListenerSettings(
            admin=f"127.0.0.1:{config.get('proxyAdminPort', 15000)}"
        ),
    )
    return document.bootstrap(wanted, SOCKETS)


def difference(found: Any, wanted: Any, path: str = "") -> str:
    """Where the two first differ, and not on purpose; empty where they agree."""
    if found == wanted or path.endswith(DIFFERENT):
        return ""
    if isinstance(found, dict) and isinstance(wanted, dict):
        parts = [
            difference(found.get(key), wanted.get(key), f"{path}.{key}" if path else key)
            for key in sorted({*found, *wanted})
        ]
        return next((part for part in parts if part), "")
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = enumerate(zip(found, wanted, strict=True))
        parts = [difference(here, there, f"{path}[{at}]") for at, (here, there) in pairs]
        return next((part for part in parts if part), "")
    return f"{path}: {json.dumps(found)[:200]} instead of {json.dumps(wanted)[:200]}"


def test_the_bootstrap_is_istios(update_passing: bool) -> None:
    folder = corpus_folder()
    assert folder is not None
    verdicts = {}
    for case in cases():
        golden = json.loads((folder / "bootstrap" / case["golden"]).read_text())
        verdicts[case["name"]] = difference(ours(case), golden)
    check("bootstrap", verdicts, update=update_passing)


@pytest.mark.envoy
def test_envoy_accepts_every_one(tmp_path: Path) -> None:
    path = tmp_path / "envoy.json"
    for case in cases():
        path.write_text(json.dumps(ours(case)))
        done = subprocess.run(
            [schema.binary(), "--mode", "validate", "-c", path], capture_output=True, text=True
        )
        assert done.returncode == 0, f"{case['name']}: {done.stderr[-500:]}"


def test_runtime_values_are_taken_over() -> None:
    for case in cases():
        for name, value in proxy_config(case).get("runtimeValues", {}).items():
            layer = ours(case)["layered_runtime"]["layers"][0]["static_layer"]
            assert str(layer[name]).lower() == value
