"""What a Gateway without addresses is given: ServiceAccount, Deployment and Service of its own.

The Deployment is for the injection template of gateways, which adds image and arguments. The
objects are plain documents, as they are applied or printed.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from lateen.api.gateway_api.gateway import GatewaySpec
from lateen.api.resource import Resource
from lateen.gateway_api import sources
from lateen.gateway_api.listeners import account_name, attached_sets, controller, deployed_name
from lateen.gateway_api.sources import Sources

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
CLASS_NAME = "gateway.networking.k8s.io/gateway-class-name"
MANAGED = "gateway.istio.io/managed"
SERVICE_TYPE = "networking.istio.io/service-type"
DATAPLANE_MODE = "istio.io/dataplane-mode"
RESERVED = "gateway.networking.k8s.io/"  # labels and annotations that users cannot set
STATUS_PORT = 15021
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
Document = dict[str, Any]


def generated(mesh: Sources) -> Iterator[Document]:
    """The objects of all Gateways of the mesh that are deployed by it."""
    for gateway in mesh.all_of_kind(sources.GATEWAY):
        if is_deployed(mesh, gateway):
            yield from objects(mesh, gateway)


def is_deployed(mesh: Sources, gateway: Resource[GatewaySpec]) -> bool:
    """Not when its addresses name what serves it."""
    ours = controller(mesh, gateway.spec.gateway_class_name) == sources.CONTROLLER
    return ours and not any(each.type == "Hostname" for each in gateway.spec.addresses)


def objects(mesh: Sources, gateway: Resource[GatewaySpec]) -> Iterator[Document]:
    name = deployed_name(gateway)
    selected = {GATEWAY_NAME: gateway.name}
    yield _document("v1", "ServiceAccount", gateway, account_name(gateway))
    template = {
        "metadata": {
            "annotations": {**_annotations(gateway), "inject.istio.io/templates": "gateway"},
            "labels": {**_labels(gateway), "sidecar.istio.io/inject": "true"},
        },
        "spec": {
            "serviceAccountName": account_name(gateway),
            "containers": [{"name": "istio-proxy", "image": "auto"}],
        },
    }
    spec: Document = {"selector": {"matchLabels": selected}, "template": template}
    yield {**_document("apps/v1", "Deployment", gateway, name), "spec": spec}
    service_type = gateway.meta.annotations.get(SERVICE_TYPE, "LoadBalancer")
    service: Document = {
        "type": service_type,
        "ipFamilyPolicy": "PreferDualStack",
        "selector": selected,
        "ports": list(_ports(mesh, gateway)),
    }
    addresses = [each.value for each in gateway.spec.addresses if each.type == "IPAddress"]
    if addresses and service_type == "LoadBalancer":
        service["loadBalancerIP"] = addresses[0]
    yield {**_document("v1", "Service", gateway, name), "spec": service}


def _document(version: str, kind: str, gateway: Resource[GatewaySpec], name: str) -> Document:
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
            "annotations": _annotations(gateway),
            "labels": _labels(gateway),
            "ownerReferences": [owner],
        },
    }


def _annotations(gateway: Resource[GatewaySpec]) -> dict[str, str]:
    """Those for the infrastructure; without any, the Gateway's own."""
    infrastructure = gateway.spec.infrastructure
    wanted = infrastructure.annotations if infrastructure is not None else gateway.meta.annotations
    return {
        key: value
        for key, value in sorted(wanted.items())
        if key != LAST_APPLIED and not key.startswith((RESERVED, "gateway.istio.io/"))
    }


def _labels(gateway: Resource[GatewaySpec]) -> dict[str, str]:
    infrastructure = gateway.spec.infrastructure
    written = infrastructure.labels if infrastructure is not None else gateway.meta.labels
    wanted = {key: value for key, value in written.items() if not key.startswith(RESERVED)}
    own = {
        MANAGED: sources.CONTROLLER.replace("/", "-"),
        CLASS_NAME: gateway.spec.gateway_class_name,
        GATEWAY_NAME: gateway.name,
    }
    return dict(sorted({DATAPLANE_MODE: "none", **wanted, **own}.items()))


def _ports(mesh: Sources, gateway: Resource[GatewaySpec]) -> Iterator[Document]:
    yield _port("status-port", STATUS_PORT, "tcp")
    seen: set[int] = set()
    for listener in _listeners(mesh, gateway):
        if listener.port not in seen:
            seen.add(listener.port)
            yield _port(listener.name, listener.port, listener.protocol.lower())


def _port(name: str, number: int, protocol: str) -> Document:
    return {"name": name, "port": number, "protocol": "TCP", "appProtocol": protocol}


def _listeners(mesh: Sources, gateway: Resource[GatewaySpec]) -> Iterable[Any]:
    yield from gateway.spec.listeners
    for key in attached_sets(mesh, gateway.key):
        found = mesh.resource(key)
        yield from found.spec.listeners if found is not None else ()
