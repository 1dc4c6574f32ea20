"""What ProxyConfig a pod's proxy is started with, from everywhere that says something of it.

    MeshConfig.defaultConfig  <  ProxyConfig of the root namespace  <  of the pod's namespace
        <  annotation `proxy.istio.io/config`  <  ProxyConfig whose selector selects the pod

Of several objects on one level the oldest counts. A field of a later layer replaces that of an
earlier one; `proxyMetadata` and `environmentVariables` are laid over each other by name.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lateen.api.mesh_config import MeshConfig
from lateen.api.mesh_proxy_config import PROXY_DEFAULTS
from lateen.api.proxy_config import ProxyConfigResource
from lateen.api.resource import Resource
from lateen.config import mesh_config
from lateen.config.structure import plain

ANNOTATION = "proxy.istio.io/config"


def effective(
    mesh: MeshConfig,
    objects: Iterable[Resource[ProxyConfigResource]],
    *,
    namespace: str,
    labels: Mapping[str, str],
    annotation: Mapping[str, Any],
) -> dict[str, Any]:
    """Under JSON names; only what differs from the defaults of the API."""
    by_age = sorted(objects, key=lambda each: each.age)
    everywhere = [each for each in by_age if each.spec.selector is None]
    layers = (
        _of_mesh(mesh),
        _first(each for each in everywhere if each.namespace == mesh.root_namespace),
        _first(each for each in everywhere if each.namespace == namespace)
        if namespace != mesh.root_namespace
        else {},
        dict(annotation),
        _first(each for each in by_age if each.namespace == namespace and _selects(each, labels)),
    )
    result: dict[str, Any] = {}
    for layer in layers:
        result = mesh_config.proxy_laid_over(result, layer)
    return result


def _of_mesh(mesh: MeshConfig) -> dict[str, Any]:
    if mesh.default_config is None:
        return {}
    defaults = plain(PROXY_DEFAULTS)
    return {
        name: value
        for name, value in plain(mesh.default_config).items()
        if value is not None and defaults.get(name) != value
    }


def _first(found: Iterable[Resource[ProxyConfigResource]]) -> dict[str, Any]:
    for each in found:
        spec = each.spec
        layer: dict[str, Any] = {}
        if spec.concurrency is not None:
            layer["concurrency"] = spec.concurrency
        if spec.environment_variables:
            layer["proxyMetadata"] = dict(spec.environment_variables)
        if spec.image is not None:
            layer["image"] = plain(spec.image)
        return layer
    return {}


def _selects(resource: Resource[ProxyConfigResource], labels: Mapping[str, str]) -> bool:
    selector = resource.spec.selector
    return selector is not None and all(
        labels.get(name) == value for name, value in selector.match_labels.items()
    )
