"""The proxies that a set of documents is of interest to: one for each way they choose workloads.

Service, Sidecar, policies, ...   a sidecar with the labels that they select
Pod, Deployment, WorkloadEntry    the sidecar beside it
Gateway                           a gateway with its selector
Gateway of the Gateway API        the gateway, or waypoint, that stands for it
each namespace                    a sidecar without labels
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

from lateen.api.resource import Resource
from lateen.simulate.configuration import configuration
from lateen.translate import discovery
from lateen.view.envoy_filter import GATEWAY_NAME
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.proxy_class import classify, proxy_from_description

ROOT = "istio-system"


class Described(NamedTuple):
    """A proxy as `lateen render --proxy` would be told of it."""

    kind: str
    namespace: str
    labels: tuple[tuple[str, str], ...] = ()
    address: str = "127.0.0.1"
    settings: tuple[tuple[str, str], ...] = ()  # of the node's metadata

    def __str__(self) -> str:
        labels = ",".join(f"{name}={value}" for name, value in self.labels)
        settings = "".join(f" {name}={value}" for name, value in self.settings)
        return f"{self.kind}.{self.namespace}[{labels}]@{self.address}{settings}"

    def proxy_class(self, mesh: Mesh) -> ProxyClass:
        description = {
            "type": self.kind,
            "name": "app",
            "namespace": self.namespace,
            "labels": dict(self.labels),
            "ips": self.address.split(","),
            "metadata": dict(self.settings),
        }
        return classify(mesh, proxy_from_description(description, mesh).proxy_class)


def of_resources(resources: Iterable[Resource[Any]]) -> tuple[Described, ...]:
    """In order of first mention."""
    found = {Described("sidecar", "default"): None}
    for resource in resources:
        found.update(dict.fromkeys(_of(resource)))
    return tuple(found)


def _of(resource: Resource[Any]) -> Iterator[Described]:
    namespace = resource.namespace or "default"
    spec = resource.spec
    if resource.kind == "Gateway":
        yield from _gateway(resource)
        return
    if resource.kind == "Pod":
        address = resource.status.pod_ip if resource.status is not None else ""
        yield _sidecar(namespace, resource.meta.labels, address)
    elif resource.kind in ("Deployment", "StatefulSet", "DaemonSet"):
        yield _sidecar(namespace, spec.template.metadata.labels)
    elif resource.kind == "WorkloadEntry":
        yield _sidecar(namespace, {**spec.labels, **resource.meta.labels}, _ip(spec.address))
    elif resource.kind != "Namespace":
        selector = getattr(spec, "selector", None) or getattr(spec, "workload_selector", None)
        labels = _labels(selector)
        yield _sidecar(namespace, labels)
        if resource.kind == "EnvoyFilter":
            yield Described("router", namespace, _pairs(labels))
            yield Described("waypoint", namespace, _pairs(labels))


def _gateway(resource: Resource[Any]) -> Iterator[Described]:
    """Of either API: Istio's chooses by labels, in all namespaces."""
    class_name = getattr(resource.spec, "gateway_class_name", None)
    if class_name is None:
        labels = _pairs(resource.spec.selector)
        yield Described("router", ROOT, labels)
        yield Described("router", resource.namespace or "default", labels)
        return
    kind = "waypoint" if "waypoint" in class_name else "router"
    yield Described(kind, resource.namespace or "default", ((GATEWAY_NAME, resource.name),))


def _sidecar(namespace: str, labels: Mapping[str, str], address: str = "") -> Described:
    return Described("sidecar", namespace, _pairs(labels), address or "127.0.0.1")


def _ip(address: str) -> str:
    """The address, unless a name or a socket stands for it."""
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def _labels(selector: Any) -> Mapping[str, str]:
    """Selectors are maps of labels, or hold one."""
    if isinstance(selector, Mapping):
        return selector
    for name in ("match_labels", "labels"):
        found = getattr(selector, name, None)
        if isinstance(found, Mapping):
            return found
    return {}


def _pairs(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((labels or {}).items()))


def cells(mesh: Mesh, proxy_class: ProxyClass) -> dict[tuple[str, str], bytes | None]:
    """The bytes of every resource that the proxy would fetch, by type and name."""
    held = configuration(mesh, proxy_class)
    by_name = {
        discovery.ROUTE: held.routes,
        discovery.ENDPOINT: held.endpoints,
        discovery.SECRET: held.secrets,
    }
    return {
        (kind, name): discovery.cell(mesh, proxy_class, kind, name).read()
        for kind in discovery.KINDS
        for name in (*discovery.names(mesh, proxy_class, kind), *by_name.get(kind, ()))
    }
