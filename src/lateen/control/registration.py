"""Workloads that register themselves: a WorkloadEntry for each connected proxy of a WorkloadGroup.

    node metadata AUTO_REGISTER_GROUP  ->  WorkloadGroup of the proxy's namespace  ->  WorkloadEntry

The entry is `<group>-<address>[-<network>]`; it is there while the proxy has a stream and for a
moment afterwards, so that a reconnection changes nothing. Where the group or the proxy has a probe,
the entry takes traffic once the proxy says that it is healthy. Entries live in this process alone:
after a restart the proxies register again.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from lateen.api.resource import Change, Key, ObjectMeta, Resource
from lateen.api.workload_entry import WorkloadEntry
from lateen.api.workload_group import WorkloadGroup
from lateen.base.clock import Clock
from lateen.base.problem import Origin
from lateen.catalog.service import Locality
from lateen.catalog.workload import LOCALITY, identity
from lateen.catalog.workload_entry import HEALTH_CHECKS
from lateen.view.mesh import Mesh
from lateen.view.proxy import Proxy
from lateen.xds.transport.status import CallRefused, Status

log = logging.getLogger(__name__)

GROUP = "AUTO_REGISTER_GROUP"  # node metadata
GROUP_ANNOTATION = "istio.io/autoRegistrationGroup"
CONNECTED_AT = "istio.io/connectedAt"
CONTROLLER = "istio.io/workloadController"
GRACE_SECONDS = 10.0  # after the last stream of a proxy has ended
LONGEST_NAME = 253

After = Callable[[float, Callable[[], None]], Callable[[], None]]


class Registration:
    """Owns the entries that it made. `after` acts later, and returns how to stop that."""

    def __init__(
        self,
        mesh: Mesh,
        *,
        controller: str,
        clock: Clock,
        after: After,
        changed: Callable[[], None],
    ) -> None:
        self._mesh, self._controller, self._clock = mesh, controller, clock
        self._after, self._changed = after, changed
        self.grace_seconds = GRACE_SECONDS
        self._streams: dict[Key, int] = {}
        self._leaving: dict[Key, Callable[[], None]] = {}

    def arrived(self, proxy: Proxy, metadata: Mapping[str, Any], identity: str) -> None:
        """CallRefused when the proxy may not register in the group that it names, or there is none.

        `identity` is what its credential proves; empty: nothing.
        """
        name = str(metadata.get(GROUP) or "")
        if not name:
            return
        namespace = proxy.proxy_class.namespace
        group = self._mesh.resource(Key("WorkloadGroup", namespace, name))
        if group is None:
            text = f"there is no WorkloadGroup {namespace}/{name} to register in"
            raise CallRefused(Status.NOT_FOUND, text)
        self._check(proxy, group, identity)
        key = _key(proxy, metadata)
        stop = self._leaving.pop(key, None)
        if stop is not None:
            stop()
        self._streams[key] = self._streams.get(key, 0) + 1
        if stop is None and self._streams[key] == 1:
            self._apply(key, self._entry(key, group, proxy, metadata))
            log.info("workload registered", extra={"entry": str(key), "group": name})

    def left(self, proxy: Proxy) -> None:
        key = _key(proxy, dict(proxy.metadata))
        if key not in self._streams:
            return
        self._streams[key] -= 1
        if not self._streams[key]:
            del self._streams[key]
            self._leaving[key] = self._after(self.grace_seconds, lambda: self._remove(key))

    def reported(self, proxy: Proxy, problem: str | None) -> None:
        """The proxy's probe: None is healthy, text says what is not well."""
        key = _key(proxy, dict(proxy.metadata))
        entry = self._mesh.resource(key)
        if key not in self._streams or entry is None:
            return
        healthy = {
            "type": "Healthy",
            "status": "True" if problem is None else "False",
            "message": problem or "",
        }
        self._apply(key, replace(entry, status={"conditions": [healthy]}))

    def _check(self, proxy: Proxy, group: Resource[WorkloadGroup], proven: str) -> None:
        template = group.spec.template
        account = template.service_account if template is not None else ""
        namespace = proxy.proxy_class.namespace
        wanted = identity(self._mesh.trust_domain, namespace, account)
        is_own = proven.startswith(f"spiffe://{self._mesh.trust_domain}/ns/{namespace}/sa/")
        if not is_own or (account and proven != wanted):
            shown = wanted if account else f"an identity of namespace {namespace}"
            text = f"WorkloadGroup {namespace}/{group.name} is for {shown}, not for {proven or '-'}"
            raise CallRefused(Status.PERMISSION_DENIED, text)

    def _entry(
        self, key: Key, group: Resource[WorkloadGroup], proxy: Proxy, metadata: Mapping[str, Any]
    ) -> Resource[WorkloadEntry]:
        spec = group.spec
        template = spec.template or WorkloadEntry()
        of_group = spec.metadata
        node = metadata.get("LABELS")
        labels = {
            **template.labels,
            **(of_group.labels if of_group is not None else {}),
            **({str(name): str(value) for name, value in node.items()} if node else {}),
        }
        annotations = {
            **(of_group.annotations if of_group is not None else {}),
            GROUP_ANNOTATION: group.name,
            CONTROLLER: self._controller,
            CONNECTED_AT: datetime.fromtimestamp(self._clock(), UTC).isoformat(),
        }
        if spec.probe is not None or _has_probe(metadata):
            annotations[HEALTH_CHECKS] = "true"
        entry = replace(
            template,
            address=proxy.addresses[0],
            labels=labels,
            network=str(metadata.get("NETWORK") or "") or template.network,
            locality=_written(proxy, labels) or template.locality,
        )
        return Resource(
            kind="WorkloadEntry",
            api_version="networking.istio.io/v1",
            meta=ObjectMeta(
                name=key.name, namespace=key.namespace, labels=labels, annotations=annotations
            ),
            spec=entry,
            origin=Origin(f"registered in WorkloadGroup {group.namespace}/{group.name}"),
        )

    def _remove(self, key: Key) -> None:
        self._leaving.pop(key, None)
        self._apply(key, None)
        log.info("workload has left", extra={"entry": str(key)})

    def _apply(self, key: Key, resource: Resource[WorkloadEntry] | None) -> None:
        self._mesh.apply([Change(key, resource)])
        self._changed()


def _key(proxy: Proxy, metadata: Mapping[str, Any]) -> Key:
    """Names hold no colons: those of IPv6 addresses become dashes."""
    address = proxy.addresses[0] if proxy.addresses else ""
    parts: Iterable[str] = (
        str(metadata.get(GROUP) or ""),
        address.replace(":", "-"),
        str(metadata.get("NETWORK") or ""),
    )
    name = "-".join(part for part in parts if part)
    return Key("WorkloadEntry", proxy.proxy_class.namespace, name[-LONGEST_NAME:].lstrip("-."))


def _has_probe(metadata: Mapping[str, Any]) -> bool:
    config = metadata.get("PROXY_CONFIG")
    return isinstance(config, Mapping) and bool(config.get("readinessProbe"))


def _written(proxy: Proxy, labels: Mapping[str, str]) -> str:
    """The locality that the node claims; one of its labels has been taken already."""
    place: Locality = proxy.proxy_class.locality
    if labels.get(LOCALITY) or place == Locality():
        return ""
    return "/".join((place.region, place.zone, place.subzone)).rstrip("/")
