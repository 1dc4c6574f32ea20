"""The ProxyConfig of every pod: the mesh's, those of the kind, and the pod's annotation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from lateen.api.mesh_config import MeshConfig
from lateen.api.proxy_config import ProxyConfigResource
from lateen.api.resource import Resource
from lateen.config import proxy_config
from lateen.view import mesh_settings
from lateen.view.mesh import CONFIG, CONFIG_MAP, Settings

MERGE_METRICS = "prometheus.istio.io/merge-metrics"
ROOT_NAMESPACE = Settings.root_namespace


@dataclass(frozen=True)
class ProxyConfigs:
    """What the manifests say of proxies."""

    mesh: MeshConfig
    objects: tuple[Resource[ProxyConfigResource], ...] = ()

    def effective(
        self, namespace: str, labels: Mapping[str, str], annotations: Mapping[str, str]
    ) -> dict[str, Any]:
        """Of one pod, under JSON names."""
        return proxy_config.effective(
            self.mesh,
            self.objects,
            namespace=namespace,
            labels=labels,
            annotation=annotated(annotations),
        )

    def merges_metrics(self, annotations: Mapping[str, str]) -> bool:
        """The pod's annotation, else `enablePrometheusMerge` of the mesh."""
        written = annotations.get(MERGE_METRICS)
        if written is not None:
            return written.strip().lower() == "true"
        return self.mesh.enable_prometheus_merge is not False


def of_resources(resources: Iterable[Resource[Any]]) -> ProxyConfigs:
    known = tuple(resources)
    return ProxyConfigs(
        mesh=_mesh_config(known),
        objects=tuple(each for each in known if isinstance(each.spec, ProxyConfigResource)),
    )


def annotated(annotations: Mapping[str, str]) -> dict[str, Any]:
    """The annotation `proxy.istio.io/config`; empty when it is none that can be read."""
    try:
        content = yaml.safe_load(annotations.get(proxy_config.ANNOTATION, "")) or {}
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def _mesh_config(resources: tuple[Resource[Any], ...]) -> MeshConfig:
    """As the control plane reads it; what is wrong with it is the control plane's to say."""
    written: MeshConfig | str = ""
    for each in resources:
        if each.kind == CONFIG:
            written = each.spec
            break
        if (each.kind, each.name, each.namespace) == ("ConfigMap", CONFIG_MAP, ROOT_NAMESPACE):
            written = each.spec.data.get("mesh", "")
    return mesh_settings.effective(ROOT_NAMESPACE, written)[0]
