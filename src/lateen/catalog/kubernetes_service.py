"""A Kubernetes Service as a Service of the mesh."""

from collections.abc import Mapping

from lateen.api.kubernetes.service import ServicePort, ServiceSpec
from lateen.api.resource import Resource
from lateen.catalog import protocol
from lateen.catalog.service import Port, Registry, Resolution, Service

EXPORT_TO = "networking.istio.io/exportTo"
TRAFFIC_DISTRIBUTION = "networking.istio.io/traffic-distribution"
SAME_NODE = "PreferSameNode"
DISTRIBUTIONS = {
    name.lower(): name for name in ("PreferClose", "PreferSameZone", SAME_NODE, "PreferSameNetwork")
}


def hostname(name: str, namespace: str, domain: str) -> str:
    return f"{name}.{namespace}.svc.{domain}"


def needs_address(resource: Resource[ServiceSpec]) -> bool:
    """Whether the API server would give it a ClusterIP, and nobody has."""
    spec = resource.spec
    return not spec.cluster_ip and not spec.cluster_ips and spec.type != "ExternalName"


def service(
    resource: Resource[ServiceSpec],
    *,
    domain: str,
    allocated: str = "",
    of_namespace: Mapping[str, str] = {},
) -> Service:
    """`allocated` is the ClusterIP of a Service that lacks one; empty: it stays without.

    `of_namespace` are the annotations of its namespace, which may set a default.
    """
    spec, meta = resource.spec, resource.meta
    headless = "None" in (spec.cluster_ip, *spec.cluster_ips)
    exports = meta.annotations.get(EXPORT_TO, "")
    return Service(
        hostname=hostname(meta.name, meta.namespace, domain),
        namespace=meta.namespace,
        name=meta.name,
        registry=Registry.KUBERNETES,
        resolution=_resolution(spec, headless),
        ports=tuple(_port(port) for port in spec.ports),
        addresses=() if headless else _addresses(spec) or ((allocated,) if allocated else ()),
        headless=headless,
        external_name=spec.external_name if spec.type == "ExternalName" else "",
        export_to=frozenset(
            meta.namespace if target.strip() == "." else target.strip()
            for target in exports.split(",")
            if target.strip()
        ),
        labels=tuple(sorted(meta.labels.items())),
        selector=tuple(sorted(spec.selector.items())),
        internal_traffic_policy_local=spec.internal_traffic_policy == "Local",
        traffic_distribution=_traffic_distribution(resource, of_namespace),
        session_affinity_client_ip=spec.session_affinity == "ClientIP",
        publish_not_ready=spec.publish_not_ready_addresses,
        age=resource.age,
        source=resource.key,
    )


def _resolution(spec: ServiceSpec, headless: bool) -> Resolution:
    if spec.type == "ExternalName":
        return Resolution.ALIAS
    return Resolution.PASSTHROUGH if headless else Resolution.CLIENT_SIDE


def _addresses(spec: ServiceSpec) -> tuple[str, ...]:
    return spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())


def _port(port: ServicePort) -> Port:
    return Port(
        name=port.name,
        number=port.port,
        protocol=protocol.of_kubernetes_port(
            port.port,
            name=port.name,
            transport=port.protocol,
            app_protocol=port.app_protocol,
        ),
        target_port=port.target_port or None,
    )


def prefers_node(annotations: Mapping[str, str], field: str | None = "") -> bool:
    """Whether a Service, or a Namespace for its Services, asks for endpoints on a client's node."""
    written = field or annotations.get(TRAFFIC_DISTRIBUTION) or ""
    return DISTRIBUTIONS.get(written.lower()) == SAME_NODE


def _traffic_distribution(resource: Resource[ServiceSpec], of_namespace: Mapping[str, str]) -> str:
    """The field, else the annotation of the Service, else that of its namespace."""
    written = (
        resource.spec.traffic_distribution
        or resource.meta.annotations.get(TRAFFIC_DISTRIBUTION)
        or of_namespace.get(TRAFFIC_DISTRIBUTION)
        or ""
    )
    return DISTRIBUTIONS.get(written.lower(), "")
