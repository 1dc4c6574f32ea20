"""What a user or a tool sees of outbound listeners and routes, reduced so that two can be compared.

Made from messages in JSON, so it serves Istio's recorded output as well as Lateen's. Recording:

    python -m tests.golden.outbound_facts FOLDER_OF_CASES

A case there is a folder with config.yaml, node.json, listeners.json and routes.json, beside a
world.yaml that all cases share.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "istio_outbound"

# The recording generator had no cluster domain, so a short name became `name.namespace` there.
WITHOUT_DOMAIN = re.compile(r'(?<=\|)([a-z-]+\.shop)(?=")')
# There routing rules with short names missed their services, so the result is not Istio's.
UNUSABLE = ("virtual-service-http",)


def facts(listeners: list[dict[str, Any]], routes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "listeners": {
            each["name"]: _listener(each)
            for each in listeners
            if each.get("traffic_direction") == "OUTBOUND"
        },
        "routes": {each["name"]: _table(each) for each in routes},
    }


def _listener(listener: dict[str, Any]) -> dict[str, Any]:
    default = listener.get("default_filter_chain")
    return {
        "address": listener["address"],
        "binds": listener.get("bind_to_port", True),
        "inspectors": [each["name"] for each in listener.get("listener_filters", [])],
        "chains": sorted(map(_chain, listener.get("filter_chains", [])), key=json.dumps),
        "default": _chain(default) if default else None,
    }


def _chain(chain: dict[str, Any]) -> dict[str, Any]:
    last = chain["filters"][-1]["typed_config"]
    weighted = last.get("weighted_clusters", {}).get("clusters", [])
    return {
        "name": chain.get("name", ""),
        "match": chain.get("filter_chain_match", {}),
        "routes": last.get("rds", {}).get("route_config_name"),
        "cluster": last.get("cluster"),
        "weights": [[each["name"], each["weight"]] for each in weighted],
    }


def _table(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": host["name"],
            "domains": host["domains"],
            "routes": [_route(route) for route in host["routes"]],
        }
        for host in table["virtual_hosts"]
    ]


def _route(route: dict[str, Any]) -> dict[str, Any]:
    forward = route.get("route", {})
    return {
        "name": route.get("name", ""),
        "match": route["match"],
        "cluster": forward.get("cluster"),
        "timeout": forward.get("timeout"),
        "retries": forward.get("retry_policy", {}).get("num_retries"),
        "answer": route.get("direct_response"),
        "operation": route.get("decorator", {}).get("operation"),
    }


def record(source: Path) -> None:
    """Cases whose facts another case already has are left out."""
    RECORDED.mkdir(exist_ok=True)
    known = set()
    (RECORDED / "world.yaml").write_text((source / "world.yaml").read_text())
    for case in sorted(path for path in source.iterdir() if path.is_dir()):
        node = json.loads((case / "node.json").read_text())
        if node["type"] != "sidecar" or case.name in UNUSABLE:
            continue
        found = facts(
            json.loads((case / "listeners.json").read_text()),
            json.loads((case / "routes.json").read_text()),
        )
        fingerprint = json.dumps(found, sort_keys=True)
        if fingerprint in known:
            continue
        known.add(fingerprint)
        config = (case / "config.yaml").read_text()
        text = json.dumps({"node": node, "config": config, **found}, indent=1)
        fixed = WITHOUT_DOMAIN.sub(r"\1.svc.cluster.local", text)
        (RECORDED / f"{case.name}.json").write_text(fixed + "\n")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
