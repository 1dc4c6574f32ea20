"""The admin interface: readiness, metrics and what the control plane holds.

/ready  /metrics  /debug/list  /debug/syncz  /debug/config_dump?proxyID=NAME.NAMESPACE
/debug/registryz  /debug/push_status  /debug/statuses  /debug/token_keys  /version
"""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from lateen.base.metrics import Registry
from lateen.base.problem import Problem
from lateen.control.http import Answer, Page, Query, as_json, text
from lateen.envoy import messages, redaction, schema
from lateen.gateway_api import status
from lateen.view import service as services
from lateen.view.mesh import Mesh
from lateen.xds import kinds, report
from lateen.xds.groups import Group
from lateen.xds.server import DiscoveryServer
from lateen.xds.stream import Stream

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_PAGES = frozenset(
    ("/ready", "/metrics", "/version")
)  # they tell nothing of the mesh's objects
DUMPS = {  # what Envoy's own config_dump calls each type: (message, list, item)
    kinds.CLUSTER: ("ClustersConfigDump", "dynamic_active_clusters", "cluster"),
    kinds.ENDPOINT: ("EndpointsConfigDump", "dynamic_endpoint_configs", "endpoint_config"),
    kinds.LISTENER: ("ListenersConfigDump", "dynamic_listeners", "listener"),
    kinds.ROUTE: ("RoutesConfigDump", "dynamic_route_configs", "route_config"),
    kinds.SECRET: ("SecretsConfigDump", "dynamic_active_secrets", "secret"),
    kinds.EXTENSION: ("EcdsConfigDump", "ecds_filters", "ecds_filter"),
}


class Pages:
    """Answers from the live state; nothing is computed unless it is asked for."""

    def __init__(
        self,
        *,
        mesh: Mesh,
        server: DiscoveryServer,
        metrics: Registry,
        ready: Callable[[], bool],
        problems: Callable[[], Iterable[Problem]],
        token_keys: Callable[[], list[dict[str, Any]]] = list,
    ) -> None:
        self._mesh = mesh
        self._server = server
        self._metrics = metrics
        self._ready = ready
        self._problems = problems
        self._token_keys = token_keys

    def table(self) -> Mapping[str, Page]:
        return {
            "/ready": self._readiness,
            "/metrics": self._measured,
            "/version": lambda _: as_json({"version": version("lateen"), "component": "control"}),
            "/debug/list": self._list,
            "/debug": self._list,
            "/debug/syncz": self._sync,
            "/debug/config_dump": self._config_dump,
            "/debug/registryz": self._registry,
            "/debug/push_status": self._push_status,
            "/debug/statuses": self._statuses,
            "/debug/token_keys": lambda _: as_json(self._token_keys()),
        }

    def _readiness(self, query: Query) -> Answer:
        return text("ready\n") if self._ready() else text("still reading configuration\n", 503)

    def _measured(self, query: Query) -> Answer:
        return Answer(200, self._metrics.text().encode(), METRICS_TYPE)

    def _list(self, query: Query) -> Answer:
        return text("".join(f"{path}\n" for path in self.table()))

    def _sync(self, query: Query) -> Answer:
        found = report.proxies(self._server.connected())
        wanted = query.parameters.get("proxyID", "")
        return as_json([each.as_json() for each in found if wanted in ("", each.proxy)])

    def _config_dump(self, query: Query) -> Answer:
        wanted = query.parameters.get("proxyID", "")
        if not wanted:
            return text("which proxy? /debug/config_dump?proxyID=NAME.NAMESPACE\n", 400)
        for stream in self._server.connected():
            if stream.proxy is not None and stream.proxy.id == wanted:
                return as_json({"configs": config_dump(stream)})
        return text(f"no proxy {wanted} is connected\n", 404)

    def _registry(self, query: Query) -> Answer:
        mesh = self._mesh
        found = (services.service(mesh, *pair) for pair in services.hostnames(mesh))
        return as_json([msgspec.to_builtins(one) for one in found if one is not None])

    def _push_status(self, query: Query) -> Answer:
        return as_json(
            {
                "failures": self._server.failures(),
                "problems": [str(problem) for problem in self._problems()],
            }
        )

    def _statuses(self, query: Query) -> Answer:
        """Of Gateway API objects and Ingresses, as they are at this moment."""
        return as_json(list(status.documents(self._mesh)))


def config_dump(stream: Stream) -> list[dict[str, Any]]:
    """What the proxy of a stream was told, in the shape of Envoy's own config dump.

    As there, private keys are not shown.
    """
    return [
        _dump(type_url, watch.group)
        for type_url, watch in stream.watches.items()
        if type_url in DUMPS
    ]


def _dump(type_url: str, group: Group) -> dict[str, Any]:
    message, items, item = DUMPS[type_url]
    resources = [
        {"name": name, "version_info": cell.version, item: _shown(type_url, cell.content)}
        for name, cell in group.cells.items()
        if cell.content is not None
    ]
    return {"@type": f"type.googleapis.com/envoy.admin.v3.{message}", items: resources}


def _shown(type_url: str, content: bytes) -> Any:
    full_name = type_url.rpartition("/")[2]
    document = messages.to_json(schema.message(full_name).FromString(content))
    return {"@type": type_url, **redaction.redacted(document, full_name)}
