"""Which pods get a proxy, by the labels that Istio's injector goes by.

Pod label `sidecar.istio.io/inject` decides where the namespace does not forbid injection; else the
namespace's `istio-injection: enabled` or `istio.io/rev`. A pod whose only work is a proxy (template
`gateway`, or a container `istio-proxy` alone) is a gateway.
"""

from collections.abc import Mapping
from enum import StrEnum

from lateen.api.kubernetes.pod import Container, PodTemplateSpec
from lateen.catalog.proxy_role import PROXY_CONTAINER, is_gateway

INJECT = "sidecar.istio.io/inject"
NAMESPACE, REVISION = "istio-injection", "istio.io/rev"
PROXY_CONTAINERS = (PROXY_CONTAINER, "istio-init", "istio-validation")
SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")


class ProxyRole(StrEnum):
    NONE = "none"
    SIDECAR = "sidecar"
    GATEWAY = "gateway"


def role(
    template: PodTemplateSpec, namespace: str, namespace_labels: Mapping[str, str]
) -> ProxyRole:
    if is_gateway(template.metadata, template.spec):
        return ProxyRole.GATEWAY
    return ProxyRole.SIDECAR if _injects(template, namespace, namespace_labels) else ProxyRole.NONE


def is_proxy(container: Container, role: ProxyRole) -> bool:
    """Whether the container stands for the proxy itself, which the agent runs here."""
    return role is not ProxyRole.NONE and container.name in PROXY_CONTAINERS


def _injects(
    template: PodTemplateSpec, namespace: str, namespace_labels: Mapping[str, str]
) -> bool:
    meta = template.metadata
    if template.spec.host_network or namespace in SYSTEM_NAMESPACES:
        return False
    if namespace_labels.get(NAMESPACE) == "disabled":
        return False
    wish = meta.labels.get(INJECT) or meta.annotations.get(INJECT)
    if wish is not None:
        return wish == "true"
    if NAMESPACE in namespace_labels:
        return namespace_labels[NAMESPACE] == "enabled"
    return bool(namespace_labels.get(REVISION) or meta.labels.get(REVISION))
