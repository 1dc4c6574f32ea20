"""How the pods of a mesh would be started: what the agent is told, and what it tells Envoy."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from lateen.agent import proxy_metadata
from lateen.agent.address import Address
from lateen.agent.bootstrap import document
from lateen.api.resource import Resource
from lateen.local import agent_config, plan, settings
from lateen.local.injection import ProxyRole
from lateen.local.network import Attachment, Network

PROXY_CONFIG = "PROXY_CONFIG"  # metadata that repeats what was written, whether or not it counts
SOCKETS = document.Sockets(Address(path="xds"), Address(path="sds"), Address(path="status"))
# Those members of a network that an agent's settings depend on.
NETWORK = SimpleNamespace(
    captures=True, discovery_host="10.0.0.1", resolver="", socket_mark=0, unprivileged=False
)


def pods(resources: Iterable[Resource[Any]]) -> Iterator[tuple[str, bytes]]:
    known = tuple(resources)
    for pod in plan.plan(known, settings.Settings()).pods:
        if pod.proxy is ProxyRole.NONE:
            continue
        given = agent_config.settings(
            pod,
            Attachment(address="10.1.0.99", application="10.1.0.99"),
            cast("Network", NETWORK),
            folder=Path("/pod"),
            log_file=Path("/pod/log"),
            root_cert=Path("/pod/root.pem"),
            discovery_port=15012,
            trust_domain="cluster.local",
        )
        told = proxy_metadata.applied(given)
        bootstrap = document.bootstrap(told, SOCKETS)
        for metadata in (told.node.metadata, bootstrap["node"]["metadata"]):
            metadata.pop(PROXY_CONFIG, None)
        yield pod.workload, msgspec.json.encode(told) + json.dumps(bootstrap).encode()
