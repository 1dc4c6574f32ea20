"""Which RateLimits are for a workload: those of the root namespace, then those of its own.

As with Istio's policies, selectors pick workloads in either, and a Gateway of the Gateway API is
picked by reference. All of them apply, by name within a namespace.
"""

from typing import Any

from lateen.api.rate_limit import RateLimit
from lateen.api.resource import Resource
from lateen.base.incremental import derived
from lateen.translate import metadata, names
from lateen.translate.authorization.policies import GATEWAY_LABEL
from lateen.view.mesh import Mesh
from lateen.view.selection import Labels, selects

KIND = "RateLimit"
POLICIES = "policies"


@derived
def rate_limits(mesh: Mesh, namespace: str, labels: Labels) -> tuple[Resource[RateLimit], ...]:
    return tuple(
        found
        for owner in dict.fromkeys((mesh.root_namespace, namespace))
        for found in mesh.of_kind(KIND, owner)
        if governs(found, namespace, labels)
    )


def governs(resource: Resource[RateLimit], namespace: str, labels: Labels) -> bool:
    spec = resource.spec
    if spec.target_refs:
        gateway = dict(labels).get(GATEWAY_LABEL, "")
        return resource.namespace == namespace and any(
            reference.name == gateway for reference in spec.target_refs
        )
    return selects(spec.selector.match_labels if spec.selector else {}, labels)


def add_metadata(chain: Any, mesh: Mesh, namespace: str, labels: Labels) -> None:
    """Names the RateLimits in the metadata of a filter chain, beside what it was made from."""
    found = rate_limits(mesh, namespace, labels)
    if not found:
        return
    listed = metadata.istio_struct(chain).fields[POLICIES].list_value.values
    for resource in found:
        listed.add().string_value = names.config_path(resource.key)
