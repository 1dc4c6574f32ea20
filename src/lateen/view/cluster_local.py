"""Services that stay inside each cluster: their endpoints of other clusters are not called.

`serviceSettings` of the mesh says which; of the patterns that match a host the most specific
counts. Some services of Kubernetes itself and the control plane are local unless it says otherwise.
"""

from lateen.base.incremental import derived
from lateen.view import hosts
from lateen.view.mesh import Mesh

CONTROL_PLANE = "istiod.istio-system.svc"


def is_cluster_local(mesh: Mesh, hostname: str) -> bool:
    """Reads the mesh configuration alone."""
    patterns = _patterns(mesh)
    matching = [pattern for pattern in patterns if hosts.matches(pattern, hostname)]
    return bool(matching) and patterns[min(matching, key=hosts.specificity)]


@derived
def _patterns(mesh: Mesh) -> dict[str, bool]:
    domain = mesh.domain
    defaults = mesh.config.default_config
    discovery = (defaults.discovery_address if defaults is not None else "").partition(":")[0]
    found = {
        f"*.kube-system.svc.{domain}": True,
        f"kubernetes.default.svc.{domain}": True,
        f"{CONTROL_PLANE}.{domain}": True,
    }
    if discovery:
        found[f"{discovery}.{domain}" if discovery.endswith(".svc") else discovery] = True
    for setting in mesh.config.service_settings:
        is_local = setting.settings is not None and setting.settings.cluster_local
        found.update(dict.fromkeys(setting.hosts, is_local))
    return found
