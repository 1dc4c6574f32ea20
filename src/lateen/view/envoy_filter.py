"""Which patches of which EnvoyFilters concern a proxy, in the order in which they are applied.

    priority (lowest first)  ->  root namespace first  ->  age  ->  name

An EnvoyFilter concerns the proxies of its namespace, or all when it stands in the root namespace,
that its selector or its target references choose; a patch of it concerns those of them whose
version and metadata match. What a patch does to a resource is not looked at here.
"""

import re
from hashlib import blake2b
from typing import Any, NamedTuple

from lateen.api.envoy_filter import EnvoyConfigObjectPatch, EnvoyFilter, ProxyMatch
from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.view.mesh import Mesh
from lateen.view.proxy import PatchName, ProxyClass
from lateen.view.rows import VERSION
from lateen.view.selection import selects

KIND = "EnvoyFilter"
GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"  # on proxies of Gateway API gateways
GATEWAY_GROUP = "gateway.networking.k8s.io"
DIGEST_BYTES = 8
LONGEST_VERSION = 1024  # a longer expression matches nothing


class Selected(NamedTuple):
    """One EnvoyFilter and which of its `configPatches` concern the proxy."""

    key: Key
    patches: tuple[int, ...]


@derived
def selection(mesh: Mesh, proxy_class: ProxyClass) -> tuple[Selected, ...]:
    """In order of application; empty for a proxy that no EnvoyFilter concerns."""
    found = [
        resource
        for namespace in dict.fromkeys((mesh.root_namespace, proxy_class.namespace))
        for resource in mesh.of_kind(KIND, namespace)
        if _concerns(resource, proxy_class)
    ]
    found.sort(key=lambda resource: _order(resource, mesh.root_namespace))
    selected = (Selected(resource.key, _patches(resource, proxy_class)) for resource in found)
    return tuple(each for each in selected if each.patches)


def _order(resource: Resource[EnvoyFilter], root: str) -> tuple[Any, ...]:
    return (resource.spec.priority, resource.namespace != root, resource.age)


def _concerns(resource: Resource[EnvoyFilter], proxy_class: ProxyClass) -> bool:
    spec = resource.spec
    if spec.target_refs:
        gateway = proxy_class.label(GATEWAY_NAME)
        return resource.namespace == proxy_class.namespace and any(
            (ref.group, ref.kind, ref.name) == (GATEWAY_GROUP, "Gateway", gateway)
            and ref.namespace in ("", resource.namespace)
            for ref in spec.target_refs
        )
    selector = spec.workload_selector
    return selector is None or selects(selector.labels, proxy_class.labels)


def _patches(resource: Resource[EnvoyFilter], proxy_class: ProxyClass) -> tuple[int, ...]:
    return tuple(
        index
        for index, patch in enumerate(resource.spec.config_patches)
        if _is_of_proxy(patch, proxy_class)
        and not (
            proxy_class.left_out
            and PatchName(resource.key, index, digest(patch)) in proxy_class.left_out
        )
    )


def patch_named(mesh: Mesh, name: PatchName) -> EnvoyConfigObjectPatch | None:
    """None when it is not written so any more."""
    resource = mesh.resource(name.owner)
    patches = resource.spec.config_patches if resource is not None else ()
    found = patches[name.place] if name.place < len(patches) else None
    return found if found is not None and digest(found) == name.digest else None


def digest(patch: EnvoyConfigObjectPatch) -> str:
    """Differs for patches that say something else."""
    return blake2b(repr(patch).encode(), digest_size=DIGEST_BYTES).hexdigest()


def _is_of_proxy(patch: EnvoyConfigObjectPatch, proxy_class: ProxyClass) -> bool:
    match = patch.match.proxy if patch.match is not None else None
    return match is None or _matches(match, dict(proxy_class.settings))


def _matches(match: ProxyMatch, metadata: dict[str, str]) -> bool:
    if match.proxy_version and not _is_version(match.proxy_version, metadata.get(VERSION, "")):
        return False
    return match.metadata.items() <= metadata.items()


def _is_version(pattern: str, version: str) -> bool:
    """The expression may match anywhere in the version; a proxy without one never matches."""
    if not version or len(pattern) > LONGEST_VERSION:
        return False
    try:
        return re.search(pattern, version) is not None
    except re.error:
        return False
