"""What an EnvoyFilter changed, reduced so that Istio's output and Lateen's can be compared.

Made from messages in JSON, so it serves Istio's recorded output as well as Lateen's. Recording:

    python -m tests.golden.envoy_filter_facts FOLDER_OF_CASES
"""

import json
import sys
from pathlib import Path
from typing import Any

from lateen.envoy import messages, types

RECORDED = Path(__file__).parent / "istio_envoy_filter"
CASES = ("envoy-filter-local-rate-limit",)
LIMIT = "envoy.filters.http.local_ratelimit"


def facts(
    listeners: list[dict[str, Any]],
    clusters: list[dict[str, Any]],
    routes: list[dict[str, Any]],
) -> dict[str, Any]:
    """Per chain that has the limit: its place and settings; timeouts; what hosts count."""
    return {
        "limits": sorted(_limits(listeners), key=json.dumps),
        "timeouts": {
            each["name"]: each.get("connect_timeout")
            for each in clusters
            if each["name"].startswith("outbound|")
        },
        "hosts": {
            host["name"]: host.get("include_request_attempt_count")
            for table in routes
            for host in table.get("virtual_hosts", [])
            if host["name"].startswith("reviews.")
        },
    }


def _limits(listeners: list[dict[str, Any]]) -> list[Any]:
    found = []
    for listener in listeners:
        for chain in listener.get("filter_chains", []):
            filters = chain["filters"][-1]["typed_config"].get("http_filters", [])
            for place, each in enumerate(filters):
                if each["name"] == LIMIT:
                    settings = _plain(each["typed_config"])
                    match = chain.get("filter_chain_match", {})
                    found.append([listener["name"], match, place == 0, settings])
    return found


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """The settings in one form, whether or not they were written as a TypedStruct."""
    written = config.get("value") or {key: value for key, value in config.items() if key != "@type"}
    return messages.to_json(messages.from_json(written, types.FULL_NAMES["HttpLocalRateLimit"]))


def record(source: Path) -> None:
    for case in CASES:
        folder = source / case
        read = {
            part: json.loads((folder / f"{part}.json").read_text())
            for part in ("node", "listeners", "clusters", "routes")
        }
        config = (folder / "config.yaml").read_text()
        made = facts(read["listeners"], read["clusters"], read["routes"])
        document = {"config": config, "node": read["node"], "facts": made}
        (RECORDED / f"{case}.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
