"""ProxyConfig, the kind: settings with which proxies of chosen workloads are started."""

from lateen.api.resource import Spec
from lateen.api.scalars import Int32
from lateen.api.selector import WorkloadSelector


class ProxyImage(Spec, frozen=True):
    image_type: str = ""


class ProxyConfigResource(Spec, frozen=True):
    """istio.networking.v1beta1.ProxyConfig"""

    selector: WorkloadSelector | None = None
    concurrency: Int32 | None = None
    environment_variables: dict[str, str] = {}
    image: ProxyImage | None = None
