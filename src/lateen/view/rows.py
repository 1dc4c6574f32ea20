"""Which index rows a resource belongs to, by its kind.

    kind               (kind, namespace)          all of a kind in a namespace
    all                (kind,)                    the same in all namespaces, but for `MANY`
    hostname           (hostname, namespace)      Services and ServiceEntries that define it
    namespaced host    (hostname,)                the same in all namespaces
    selector           (namespace, label, value)  Services and ServiceEntries by one of their labels
    workload           (namespace, label, value)  Pods and WorkloadEntries by every label
    address            (address,)                 what has an endpoint or a pod there
    slices             (namespace, service)       EndpointSlices
    virtual service    (gateway,)                 by qualified gateway name
    sidecar host       (bucket,)                  VirtualServices for sidecars by `hosts.bucket`
    destination rule   (namespace, bucket)
    gateway            (label, value) or ()       Gateways by one label of their selector
    gateway selector   (label, value, ...)        the same by the whole selector
    stream place       (address, port)            ServiceEntries by where clients send plain TCP
    only one           (kind, namespace, selector) kinds of which the oldest alone counts
    label use          (reason, label)            who asks for a label, or metadata, of a proxy
    network gateway    ()                         Services by which other networks enter
    node local         ()                         what asks for the node that a client is on

The rows follow from the resource alone and never from other resources.
"""

from collections.abc import Callable, Iterator
from typing import Any

from lateen.api.destination_rule import DestinationRule
from lateen.api.envoy_filter import EnvoyFilter
from lateen.api.gateway import Gateway
from lateen.api.kubernetes.namespace import Namespace
from lateen.api.kubernetes.pod import PodSpec
from lateen.api.kubernetes.service import Endpoints, EndpointSlice, ServiceSpec
from lateen.api.resource import Resource
from lateen.api.service_entry import ServiceEntry
from lateen.api.virtual_service import VirtualService
from lateen.api.workload_entry import WorkloadEntry
from lateen.catalog import kubernetes_service, pod, protocol
from lateen.catalog.workload import NETWORK
from lateen.view import failover, hosts, names
from lateen.view.index import Row

VERSION = "ISTIO_VERSION"  # the metadata of a node that says its version
LISTED = frozenset(("gateway selector", "hostname", "kind", "label use"))
CROWDED = frozenset(  # where several members can be a conflict
    (
        "destination rule", "hostname", "only one", "selector", "sidecar host", "stream place",
        "virtual service",
    )
)  # fmt: skip
SINGLE = frozenset(("Sidecar", "PeerAuthentication", "Telemetry", "ProxyConfig"))
ANY_ADDRESS = "0.0.0.0"
MANY = frozenset(("Pod", "Endpoints", "EndpointSlice", "Service", "ServiceEntry", "Secret"))


def rows(resource: Resource[Any], domain: str) -> set[Row]:
    found = {Row("kind", (resource.kind, resource.namespace))}
    if resource.kind not in MANY:
        found.add(Row("all", (resource.kind,)))
    found.update(_label_uses(resource.spec))
    if resource.kind in SINGLE:
        found.add(Row("only one", (resource.kind, resource.namespace, _selector_text(resource))))
    of_kind = BY_SPEC.get(type(resource.spec))
    if of_kind is not None:
        found.update(of_kind(resource, domain))
    return found


def _label_uses(spec: Any) -> Iterator[Row]:
    """Labels by which a policy chooses proxies: proxies differ in these."""
    for label in _selector_labels(spec):
        yield Row("label use", ("proxy", label))


def _selector_labels(spec: Any) -> dict[str, str]:
    """Of a policy, however its selector is called and built."""
    found: dict[str, str] = {}
    for name in ("selector", "workload_selector"):
        selector = getattr(spec, name, None)
        if selector is not None and not isinstance(selector, dict):
            selector = getattr(selector, "match_labels", None) or getattr(selector, "labels", {})
        if isinstance(selector, dict):
            found |= selector
    return found


def _selector_text(resource: Resource[Any]) -> str:
    labels = sorted(_selector_labels(resource.spec).items())
    refs = (f"{ref.kind}/{ref.name}" for ref in getattr(resource.spec, "target_refs", ()) or ())
    return ",".join((*(f"{label}={value}" for label, value in labels), *refs))


def _service(resource: Resource[ServiceSpec], domain: str) -> Iterator[Row]:
    host = kubernetes_service.hostname(resource.name, resource.namespace, domain)
    yield from _hostname(host, resource.namespace)
    yield from _selector(resource.namespace, resource.spec.selector)
    spec = resource.spec
    if NETWORK in resource.meta.labels:
        yield Row("network gateway", ())
    if spec.internal_traffic_policy == "Local" or kubernetes_service.prefers_node(
        resource.meta.annotations, spec.traffic_distribution
    ):
        yield Row("node local", ())


def _namespace(resource: Resource[Namespace], domain: str) -> Iterator[Row]:
    if kubernetes_service.prefers_node(resource.meta.annotations):
        yield Row("node local", ())


def _service_entry(resource: Resource[ServiceEntry], domain: str) -> Iterator[Row]:
    spec = resource.spec
    for host in spec.hosts:
        yield from _hostname(host, resource.namespace)
    if spec.workload_selector is not None:
        yield from _selector(resource.namespace, spec.workload_selector.labels)
    for endpoint in spec.endpoints:
        yield Row("address", (endpoint.address,))
    for port in spec.ports:
        if _is_stream(port.protocol):
            for address in spec.addresses or (ANY_ADDRESS,):
                yield Row("stream place", (address, str(port.number)))


def _is_stream(written: str) -> bool:
    """Connections that nothing but their address and port tells apart."""
    speaks = protocol.parse(written)
    return speaks.is_tcp and not speaks.is_tls


def _hostname(host: str, namespace: str) -> Iterator[Row]:
    yield Row("hostname", (host, namespace))
    yield Row("namespaced host", (host,))


def _selector(namespace: str, selector: dict[str, str]) -> Iterator[Row]:
    if selector:
        label, value = min(selector.items())
        yield Row("selector", (namespace, label, value))


def _pod(resource: Resource[PodSpec], domain: str) -> Iterator[Row]:
    for label, value in resource.meta.labels.items():
        yield Row("workload", (resource.namespace, label, value))
    for address in pod.addresses(resource):
        yield Row("address", (address,))


def _workload_entry(resource: Resource[WorkloadEntry], domain: str) -> Iterator[Row]:
    for label, value in {**resource.spec.labels, **resource.meta.labels}.items():
        yield Row("workload", (resource.namespace, label, value))
    yield Row("address", (resource.spec.address,))


def _endpoints(resource: Resource[Endpoints], domain: str) -> Iterator[Row]:
    for subset in resource.spec.subsets:
        for address in (*subset.addresses, *subset.not_ready_addresses):
            yield Row("address", (address.ip,))


def _endpoint_slice(resource: Resource[EndpointSlice], domain: str) -> Iterator[Row]:
    owner = resource.meta.labels.get("kubernetes.io/service-name")
    if owner:
        yield Row("slices", (resource.namespace, owner))
    for endpoint in resource.spec.endpoints:
        for address in endpoint.addresses:
            yield Row("address", (address,))


def _virtual_service(resource: Resource[VirtualService], domain: str) -> Iterator[Row]:
    spec = resource.spec
    if not spec.hosts:
        return  # a delegate: found by name
    gateways = names.gateway_names(spec.gateways, resource.namespace)
    for gateway in gateways:
        yield Row("virtual service", (gateway,))
    if names.MESH in gateways:
        for host in names.virtual_service_hosts(spec.hosts, resource.namespace, domain):
            yield Row("sidecar host", (hosts.bucket(host),))
    layer7 = (match.source_labels for route in spec.http for match in route.match)
    sni = (match.source_labels for route in spec.tls for match in route.match)
    layer4 = (match.source_labels for route in spec.tcp for match in route.match)
    for labels in (*layer7, *sni, *layer4):
        for label in labels:
            yield Row("label use", ("source", label))


def _destination_rule(resource: Resource[DestinationRule], domain: str) -> Iterator[Row]:
    host = hosts.qualified(resource.spec.host, resource.namespace, domain)
    yield Row("destination rule", (resource.namespace, hosts.bucket(host)))
    if resource.spec.workload_selector is not None:
        for label in resource.spec.workload_selector.match_labels:
            yield Row("label use", (f"client {resource.namespace}", label))
    for label in failover.labels_of_rule(resource.spec):
        yield Row("label use", ("failover", label))
    if failover.HOSTNAME in failover.priorities_of_rule(resource.spec):
        yield Row("node local", ())


def _envoy_filter(resource: Resource[EnvoyFilter], domain: str) -> Iterator[Row]:
    """Metadata of nodes by which its patches choose proxies: they differ in these, too."""
    for patch in resource.spec.config_patches:
        match = patch.match.proxy if patch.match is not None else None
        if match is None:
            continue
        if match.proxy_version:
            yield Row("label use", ("metadata", VERSION))
        for name in match.metadata:
            yield Row("label use", ("metadata", name))


def _gateway(resource: Resource[Gateway], domain: str) -> Iterator[Row]:
    selector = resource.spec.selector
    yield Row("gateway", min(selector.items()) if selector else ())
    whole = (part for pair in sorted(selector.items()) for part in pair)
    yield Row("gateway selector", tuple(whole))


BY_SPEC: dict[type[Any], Callable[[Resource[Any], str], Iterator[Row]]] = {
    DestinationRule: _destination_rule,
    EnvoyFilter: _envoy_filter,
    EndpointSlice: _endpoint_slice,
    Endpoints: _endpoints,
    Gateway: _gateway,
    Namespace: _namespace,
    PodSpec: _pod,
    ServiceEntry: _service_entry,
    ServiceSpec: _service,
    VirtualService: _virtual_service,
    WorkloadEntry: _workload_entry,
}
