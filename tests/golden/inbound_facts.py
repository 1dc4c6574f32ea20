"""What a user or a tool sees of inbound and gateway listeners, reduced so that two can be compared.

Made from messages in JSON, so it serves Istio's recorded output as well as Lateen's. Recording:

    python -m tests.golden.inbound_facts FOLDER_OF_CASES

The folder is that of `outbound_facts`; the world that all cases share is kept there.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lateen.translate import alpn
from lateen.translate.filters.http import GRPC_STATS
from lateen.translate.routes.headers import PEER_HEADERS
from tests.golden.outbound_facts import WITHOUT_DOMAIN

RECORDED = Path(__file__).parent / "istio_inbound"
POLICY = ("rbac", "ext_authz", "jwt_authn")
# They use what is not translated yet, or parts that only Istio's own proxy has.
UNUSABLE = ("envoy-filter-local-rate-limit", "telemetry")


def facts(listeners: list[dict[str, Any]], routes: list[dict[str, Any]]) -> dict[str, Any]:
    """`routes` of gateways; those of inbound listeners are inside them."""
    policy = [
        found for listener in listeners for chain in _chains(listener) for found in _policy(chain)
    ]
    distinct = {json.dumps(each, sort_keys=True): each for each in policy}
    return {
        "listeners": {each["name"]: _listener(each) for each in listeners},
        "routes": {each["name"]: _table(each) for each in routes},
        "policy": [distinct[text] for text in sorted(distinct)],
    }


def _chains(listener: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = listener.get("filter_chains", [])
    return found


def _listener(listener: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": listener["address"],
        "direction": listener["traffic_direction"],
        "inspectors": [
            [each["name"], each.get("filter_disabled")]
            for each in listener.get("listener_filters", [])
        ],
        "timeout": listener.get("listener_filters_timeout"),
        "chains": [_chain(chain) for chain in _chains(listener)],
    }


def _chain(chain: dict[str, Any]) -> dict[str, Any]:
    last = chain["filters"][-1]["typed_config"]
    kept = ("stat_prefix", "cluster", "server_name", "use_remote_address",
            "forward_client_cert_details", "set_current_client_cert_details")  # fmt: skip
    return {
        "name": chain.get("name", ""),
        "match": chain.get("filter_chain_match", {}),
        "tls": _tls(chain),
        "policy": [each["name"] for each in _policy(chain)],
        "logs": len(last.get("access_log", [])),
        "rds": last.get("rds", {}).get("route_config_name"),
        "inline": _inline(last),
        **{name: last[name] for name in kept if name in last},
    }


def _inline(manager: dict[str, Any]) -> Any:
    table = manager.get("route_config")
    return table and [table["name"], table["virtual_hosts"]]


def _policy(chain: dict[str, Any]) -> list[dict[str, Any]]:
    last = chain["filters"][-1]["typed_config"]
    found = [*last.get("http_filters", []), *chain["filters"]]
    return [each for each in found if each["name"].rpartition(".")[2] in POLICY]


def _tls(chain: dict[str, Any]) -> dict[str, Any] | None:
    if "transport_socket" not in chain:
        return None
    context = chain["transport_socket"]["typed_config"]
    common = context["common_tls_context"]
    roots = common.get("combined_validation_context", {}).get(
        "validation_context_sds_secret_config"
    )
    return {
        "alpn": common.get("alpn_protocols"),
        "certificates": [each["name"] for each in common["tls_certificate_sds_secret_configs"]],
        "roots": roots and roots["name"],
        "parameters": common.get("tls_params"),
        "client_certificate": context.get("require_client_certificate", False),
    }


def _table(table: dict[str, Any]) -> dict[str, Any]:
    for host in table.get("virtual_hosts", ()):
        for route in host.get("routes", ()):
            _drop_switch(route)
    # Istio's own proxy has a filter that takes these headers away; stock Envoy has this setting.
    if table.get("request_headers_to_remove") == list(PEER_HEADERS):
        table.pop("request_headers_to_remove")
    return {key: value for key, value in table.items() if key != "name"}


def _drop_switch(route: dict[str, Any]) -> None:
    """Some of Istio's filters are always on; Lateen's are by the routes that need them."""
    per_filter = route.get("typed_per_filter_config", {})
    for name in (alpn.FILTER, GRPC_STATS):
        per_filter.pop(name, None)
    if not per_filter:
        route.pop("typed_per_filter_config", None)


def record(source: Path) -> None:
    """Cases whose facts another case already has are left out."""
    RECORDED.mkdir(exist_ok=True)
    known = set()
    for case in sorted(path for path in source.iterdir() if path.is_dir()):
        if case.name in UNUSABLE:
            continue
        node = json.loads((case / "node.json").read_text())
        listeners = json.loads((case / "listeners.json").read_text())
        routes = json.loads((case / "routes.json").read_text())
        if node["type"] == "sidecar":
            routes = []
            listeners = [each for each in listeners if each["traffic_direction"] == "INBOUND"]
        found = facts(listeners, routes)
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
