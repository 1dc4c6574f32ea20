"""Whether a pod's only work is a proxy: a gateway or waypoint, as Istio's manifests write them."""

from lateen.api.kubernetes.pod import PodSpec
from lateen.api.resource import ObjectMeta

TEMPLATES = "inject.istio.io/templates"
PROXY_CONTAINER = "istio-proxy"
PROXY_IMAGES = ("auto", "proxyv2")
PROXY_ROLES = (("proxy", "router"), ("proxy", "waypoint"))


def is_gateway(meta: ObjectMeta, spec: PodSpec) -> bool:
    """By the injection template `gateway`, or by a container `istio-proxy` that is alone."""
    if "gateway" in meta.annotations.get(TEMPLATES, "").split(","):
        return True
    if len(spec.containers) != 1:
        return False
    only = spec.containers[0]
    image = only.image.rpartition("/")[2].partition(":")[0]
    is_proxy = image in PROXY_IMAGES or tuple(only.args[:2]) in PROXY_ROLES
    return only.name == PROXY_CONTAINER and is_proxy
