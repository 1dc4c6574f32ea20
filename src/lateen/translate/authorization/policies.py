"""Which AuthorizationPolicies govern a workload, by action.

Those of the root namespace and of the workload's own; selectors pick workloads in either. Policies
that are attached by reference (`targetRefs`, or `targetRef` where there are none) are for gateways
of the Gateway API, and those of their own namespace alone.
"""

from dataclasses import dataclass
from typing import Any

from lateen.api.authorization_policy import Action, AuthorizationPolicy
from lateen.api.resource import Resource
from lateen.base.incremental import derived
from lateen.view.mesh import Mesh
from lateen.view.selection import Labels, selects

GATEWAY_GROUP = "gateway.networking.k8s.io"
GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"
DRY_RUN = "istio.io/dry-run"

Policy = Resource[AuthorizationPolicy]


@dataclass(frozen=True)
class Policies:
    """Root namespace first, then by name."""

    custom: tuple[Policy, ...] = ()
    audit: tuple[Policy, ...] = ()
    deny: tuple[Policy, ...] = ()
    allow: tuple[Policy, ...] = ()


@derived
def policies(mesh: Mesh, namespace: str, labels: Labels) -> Policies:
    found: dict[Action, list[Policy]] = {action: [] for action in Action}
    for owner in dict.fromkeys((mesh.root_namespace, namespace)):
        for policy in mesh.of_kind("AuthorizationPolicy", owner):
            if governs(policy, namespace, labels):
                found[policy.spec.action].append(policy)
    return Policies(
        custom=tuple(found[Action.CUSTOM]),
        audit=tuple(found[Action.AUDIT]),
        deny=tuple(found[Action.DENY]),
        allow=tuple(found[Action.ALLOW]),
    )


def governs(resource: Resource[Any], namespace: str, labels: Labels) -> bool:
    """Whether a policy, by reference or selector, is for a workload of the namespace."""
    spec = resource.spec
    references = spec.target_refs or ((spec.target_ref,) if spec.target_ref else ())
    if not references:
        return selects(spec.selector.match_labels if spec.selector else {}, labels)
    gateway = dict(labels).get(GATEWAY_LABEL, "")
    if not gateway or resource.namespace != namespace:
        return False
    return any(
        reference.group == GATEWAY_GROUP
        and reference.kind == "Gateway"
        and reference.name == gateway
        and reference.namespace in ("", namespace)
        for reference in references
    )


def is_dry_run(policy: Resource[Any]) -> bool:
    return policy.meta.annotations.get(DRY_RUN, "").lower() in ("true", "1", "t")
