"""Where the configuration of a proxy is read from: Envoy's /config_dump, live or in a file.

A file may also be what `lateen render -o json` prints, or Envoy's /clusters?format=json.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lateen.base.errors import LateenError
from lateen.envoy import admin

Resource = dict[str, Any]

RENDERED = ("listeners", "routes", "clusters", "endpoints")


class DumpError(LateenError):
    """The file is not a dump, or the proxy is not found."""


@dataclass
class ConfigDump:
    """The resources in force. `document` is everything, as it came."""

    document: Resource
    clusters: list[Resource] = field(default_factory=list)
    listeners: list[Resource] = field(default_factory=list)
    routes: list[Resource] = field(default_factory=list)
    endpoints: list[Resource] = field(default_factory=list)
    secrets: list[Resource] = field(default_factory=list)
    bootstrap: Resource = field(default_factory=dict)
    statuses: list[Resource] = field(default_factory=list)  # of endpoints, from /clusters


def from_admin(address: str) -> ConfigDump:
    proxy = admin.connect(address)
    found = parse(proxy.config_dump())
    found.statuses = proxy.clusters().get("cluster_statuses", [])
    return found


def from_file(path: str) -> ConfigDump:
    """`-` is standard input."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text()
        document = json.loads(text)
    except OSError as trouble:
        raise DumpError(f"{path}: {trouble.strerror or trouble}") from trouble
    except ValueError as trouble:
        raise DumpError(f"{path}: not JSON: {trouble}") from trouble
    if not isinstance(document, dict):
        raise DumpError(f"{path}: not a configuration dump: a JSON object is expected")
    return parse(document)


def parse(document: Resource) -> ConfigDump:
    found = ConfigDump(document)
    if "configs" in document:
        for part in document["configs"]:
            _add(found, part)
        return found
    if "cluster_statuses" in document:
        found.statuses = document["cluster_statuses"]
        return found
    if any(name in document for name in RENDERED):
        for name in RENDERED:
            setattr(found, name, document.get(name, []))
        return found
    raise DumpError(
        "not a configuration dump: expected what Envoy's /config_dump or `lateen render` prints"
    )


def _add(found: ConfigDump, part: Resource) -> None:
    kind = part.get("@type", "").rpartition(".")[2]
    if kind == "BootstrapConfigDump":
        found.bootstrap = part.get("bootstrap", {})
    elif kind == "ClustersConfigDump":
        found.clusters += _inner(part, "cluster", "dynamic_active_clusters", "static_clusters")
    elif kind == "ListenersConfigDump":
        found.listeners += _active_listeners(part)
    elif kind == "RoutesConfigDump":
        found.routes += _inner(
            part, "route_config", "dynamic_route_configs", "static_route_configs"
        )
    elif kind == "EndpointsConfigDump":
        found.endpoints += _inner(
            part, "endpoint_config", "dynamic_endpoint_configs", "static_endpoint_configs"
        )
    elif kind == "SecretsConfigDump":
        found.secrets += _secrets(part)


def _inner(part: Resource, name: str, *lists: str) -> list[Resource]:
    return [entry[name] for key in lists for entry in part.get(key, []) if name in entry]


def _active_listeners(part: Resource) -> list[Resource]:
    dynamic = (entry.get("active_state", {}) for entry in part.get("dynamic_listeners", []))
    found = [state["listener"] for state in dynamic if "listener" in state]
    return found + _inner(part, "listener", "static_listeners")


def _secrets(part: Resource) -> list[Resource]:
    states = {
        "dynamic_active_secrets": "ACTIVE",
        "static_secrets": "ACTIVE",
        "dynamic_warming_secrets": "WARMING",
    }
    return [
        {**entry, "state": state} for key, state in states.items() for entry in part.get(key, [])
    ]
