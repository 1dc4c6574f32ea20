"""What a managed Gateway is given: ServiceAccount, Deployment and Service of its own.

    facts of the Gateway  ->  documents  ->  customised by ConfigMaps  ->  applied, run or printed

The Deployment is for the injection template of gateways, which adds image and arguments. A
HorizontalPodAutoscaler and a PodDisruptionBudget come with a ConfigMap that describes them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from lateen.api.gateway_api.gateway import GatewaySpec, Listener
from lateen.api.resource import Key, Resource
from lateen.config import proxy_config
from lateen.gateway_api import classes, inference_pool, sources
from lateen.gateway_api.classes import GatewayClass, account_name, deployed_name
from lateen.gateway_api.customisation import CustomisationError, customised
from lateen.gateway_api.listeners import attached_sets
from lateen.gateway_api.sources import Sources

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
CLASS_NAME = "gateway.networking.k8s.io/gateway-class-name"
CLASS_DEFAULTS = "gateway.istio.io/defaults-for-class"
MANAGED = "gateway.istio.io/managed"
SERVICE_TYPE = "networking.istio.io/service-type"
DATAPLANE_MODE = "istio.io/dataplane-mode"
NETWORK = "topology.istio.io/network"
TRAFFIC_DISTRIBUTION = "networking.istio.io/traffic-distribution"
RESERVED = "gateway.networking.k8s.io/"  # labels and annotations that users cannot set
QUIC_LISTENERS = "ISTIO_META_QUIC_LISTENERS"  # of proxyMetadata
STATUS_PORT = 15021
LONGEST_PORT_NAME = 63
OLD_GATEWAY_NAME = "istio.io/gateway-name"  # of Deployments whose selector cannot change
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
Document = dict[str, Any]


def generated(mesh: Sources) -> Iterator[Document]:
    """The objects of all Gateways of the mesh that are deployed by it, and of InferencePools."""
    for gateway in mesh.all_of_kind(sources.GATEWAY):
        yield from objects(mesh, gateway)
    for pool in mesh.all_of_kind(inference_pool.KIND):
        yield inference_pool.service(pool)


def objects(mesh: Sources, gateway: Resource[GatewaySpec]) -> Iterator[Document]:
    """None for a Gateway that is not ours to deploy, or whose customisation is not lawful."""
    of_class = classes.class_of(mesh, gateway.spec)
    if of_class is None or not of_class.is_deployed or not classes.is_managed(gateway.spec):
        return
    try:
        overlays = tuple(_overlays(mesh, gateway))
        made = [customised(each, overlays) for each in _plain(mesh, gateway, of_class)]
    except CustomisationError:
        return  # `deployment_fault` says why
    yield from (each for each in made if each is not None and _may_write(mesh, each))


def _may_write(mesh: Sources, document: Document) -> bool:
    """Not what the user has of that name already: such an object has no label of ours."""
    meta = document["metadata"]
    found = mesh.resource(Key(document["kind"], meta["namespace"], meta["name"]))
    return found is None or MANAGED in found.meta.labels


def deployment_fault(mesh: Sources, gateway: Resource[GatewaySpec]) -> str:
    """Why a Gateway that is ours to deploy is not; empty when it is."""
    of_class = classes.class_of(mesh, gateway.spec)
    if of_class is None or not of_class.is_deployed or not classes.is_managed(gateway.spec):
        return ""
    try:
        overlays = tuple(_overlays(mesh, gateway))
        for each in _plain(mesh, gateway, of_class):
            customised(each, overlays)
    except CustomisationError as wrong:
        return str(wrong)
    return ""


def _overlays(mesh: Sources, gateway: Resource[GatewaySpec]) -> Iterator[dict[str, str]]:
    """Defaults of the class (the oldest of several), then the Gateway's own parameters."""
    name = gateway.spec.gateway_class_name
    of_class = [
        each
        for each in mesh.of_kind("ConfigMap", mesh.root_namespace)
        if each.meta.labels.get(CLASS_DEFAULTS) == name
    ]
    if of_class:
        yield min(of_class, key=lambda each: each.age).spec.data
    infrastructure = gateway.spec.infrastructure
    reference = infrastructure.parameters_ref if infrastructure is not None else None
    if reference is None:
        return
    if (reference.group, reference.kind) != ("", "ConfigMap"):
        what = f"{reference.group}/{reference.kind}"
        raise CustomisationError(f"unknown infrastructure parameters type {what}")
    found = mesh.resource(Key("ConfigMap", gateway.namespace, reference.name))
    if found is None:
        place = f"{gateway.namespace}/{reference.name}"
        raise CustomisationError(f"parametersRef ConfigMap {place} does not exist")
    yield found.spec.data


def _plain(
    mesh: Sources, gateway: Resource[GatewaySpec], of_class: GatewayClass
) -> Iterator[Document]:
    name, account = deployed_name(mesh, gateway), account_name(mesh, gateway)
    labels, annotations = _labels(mesh, gateway, of_class), _annotations(gateway)
    selected = {GATEWAY_NAME: gateway.name}
    document = Meta(gateway, labels, annotations)
    yield document.of("v1", "ServiceAccount", account)
    mode = {} if DATAPLANE_MODE in labels else {DATAPLANE_MODE: "none"}
    template: Document = {
        "metadata": {
            "annotations": {**annotations, "inject.istio.io/templates": "gateway"},
            "labels": {**labels, **mode, "sidecar.istio.io/inject": "true"},
        },
        "spec": {
            "serviceAccountName": account,
            "containers": [{"name": "istio-proxy", "image": "auto"}],
        },
    }
    old = _old_selector(mesh, gateway, name)
    if old:
        template["metadata"]["labels"][OLD_GATEWAY_NAME] = old[OLD_GATEWAY_NAME]
    spec: Document = {"selector": {"matchLabels": old or selected}, "template": template}
    yield {**document.of("apps/v1", "Deployment", name), "spec": spec}
    yield _service(mesh, gateway, of_class, document, name)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    scaled = {"scaleTargetRef": target, "maxReplicas": 1}
    yield {**document.of("autoscaling/v2", "HorizontalPodAutoscaler", name), "spec": scaled}
    budget = {"selector": {"matchLabels": selected}}
    yield {**document.of("policy/v1", "PodDisruptionBudget", name), "spec": budget}


def _old_selector(mesh: Sources, gateway: Resource[GatewaySpec], name: str) -> dict[str, str]:
    """Of the Deployment that is there, when it was made with the label of old."""
    found = mesh.resource(Key("Deployment", gateway.namespace, name))
    selector = found.spec.selector if found is not None else None
    labels: dict[str, str] = selector.match_labels if selector is not None else {}
    return labels if OLD_GATEWAY_NAME in labels else {}


def _service(
    mesh: Sources,
    gateway: Resource[GatewaySpec],
    of_class: GatewayClass,
    document: "Meta",
    name: str,
) -> Document:
    service_type = gateway.meta.annotations.get(SERVICE_TYPE, of_class.service_type)
    spec: Document = {
        "type": service_type,
        "ipFamilyPolicy": "PreferDualStack",
        "selector": {GATEWAY_NAME: gateway.name},
        "ports": list(_ports(mesh, gateway, document.labels)),
    }
    addresses = [each.value for each in gateway.spec.addresses if each.type == "IPAddress"]
    if addresses and service_type == "LoadBalancer":
        spec["loadBalancerIP"] = addresses[0]
    made = document.of("v1", "Service", name)
    if of_class.prefers_close:
        annotations = made["metadata"]["annotations"]
        made["metadata"]["annotations"] = {TRAFFIC_DISTRIBUTION: "PreferClose", **annotations}
    return {**made, "spec": spec}


class Meta:
    """Metadata that all documents of a Gateway share."""

    def __init__(
        self, gateway: Resource[GatewaySpec], labels: dict[str, str], annotations: dict[str, str]
    ) -> None:
        self._gateway = gateway
        self.labels = labels
        self._annotations = annotations

    def of(self, version: str, kind: str, name: str) -> Document:
        gateway = self._gateway
        owner = {
            "apiVersion": gateway.api_version,
            "kind": "Gateway",
            "name": gateway.name,
            "uid": gateway.meta.uid,
        }
        return {
            "apiVersion": version,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": gateway.namespace,
                "annotations": dict(self._annotations),
                "labels": dict(self.labels),
                "ownerReferences": [owner],
            },
        }


def _annotations(gateway: Resource[GatewaySpec]) -> dict[str, str]:
    """Those for the infrastructure; without any, the Gateway's own."""
    infrastructure = gateway.spec.infrastructure
    own = infrastructure.annotations if infrastructure is not None else {}
    wanted = own or gateway.meta.annotations
    return {
        key: value
        for key, value in sorted(wanted.items())
        if key != LAST_APPLIED and not key.startswith((RESERVED, "gateway.istio.io/"))
    }


def _labels(
    mesh: Sources, gateway: Resource[GatewaySpec], of_class: GatewayClass
) -> dict[str, str]:
    infrastructure = gateway.spec.infrastructure
    of_infrastructure = infrastructure.labels if infrastructure is not None else {}
    written = of_infrastructure or gateway.meta.labels
    wanted = {key: value for key, value in written.items() if not key.startswith(RESERVED)}
    defaults: dict[str, str] = {}
    if not of_class.is_captured:
        if DATAPLANE_MODE not in gateway.meta.labels:
            defaults[DATAPLANE_MODE] = "none"
    elif mesh.network and NETWORK not in gateway.meta.labels:
        defaults[NETWORK] = mesh.network
    own = {
        MANAGED: of_class.controller.replace("/", "-"),
        CLASS_NAME: gateway.spec.gateway_class_name,
        GATEWAY_NAME: gateway.name,
    }
    return dict(sorted({**defaults, **wanted, **own}.items()))


def _ports(
    mesh: Sources, gateway: Resource[GatewaySpec], labels: dict[str, str]
) -> Iterator[Document]:
    """One for each port of a listener; of several listeners on a port the first names it.

    HTTPS is also offered over UDP when the proxy is to listen for HTTP/3.
    """
    quic = _listens_for_quic(mesh, gateway, labels)
    yield _port("status-port", STATUS_PORT, "tcp")
    seen: set[int] = set()
    for listener in _listeners(mesh, gateway):
        if listener.port not in seen:
            seen.add(listener.port)
            name = listener.name.replace(".", "-")[:LONGEST_PORT_NAME]
            yield _port(name, listener.port, listener.protocol.lower())
            if quic and listener.protocol == "HTTPS":
                yield {**_port(f"{name}-quic", listener.port, "https"), "protocol": "UDP"}


def _listens_for_quic(
    mesh: Sources, gateway: Resource[GatewaySpec], labels: dict[str, str]
) -> bool:
    """As the ProxyConfig of its proxy says in `proxyMetadata`."""
    written = _annotations(gateway).get(proxy_config.ANNOTATION, "")
    try:
        annotation = yaml.safe_load(written) or {}
    except yaml.YAMLError:
        annotation = {}  # the injector says what is wrong with it
    effective = proxy_config.effective(
        mesh.config,
        mesh.all_of_kind("ProxyConfig"),
        namespace=gateway.namespace,
        labels=labels,
        annotation=annotation if isinstance(annotation, dict) else {},
    )
    asked = (effective.get("proxyMetadata") or {}).get(QUIC_LISTENERS, "")
    return str(asked).lower() in ("true", "1")


def _port(name: str, number: int, protocol: str) -> Document:
    return {"name": name, "port": number, "protocol": "TCP", "appProtocol": protocol}


def _listeners(mesh: Sources, gateway: Resource[GatewaySpec]) -> Iterable[Listener]:
    yield from gateway.spec.listeners
    for key in attached_sets(mesh, gateway.key):
        found = mesh.resource(key)
        yield from found.spec.listeners if found is not None else ()
