"""Which AuthorizationPolicies govern a workload, by action.

Those of the root namespace and of the workload's own; selectors pick workloads in either. Policies
that are attached by reference (`targetRef`) belong to gateways of the Gateway API and are not for
ordinary proxies.
"""

from dataclasses import dataclass
from typing import Any

from lateen.api.authorization_policy import Action, AuthorizationPolicy
from lateen.api.resource import Resource
from lateen.base.incremental import derived
from lateen.view.mesh import Mesh
from lateen.view.selection import Labels, selects

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
            if governs(policy, labels):
                found[policy.spec.action].append(policy)
    return Policies(
        custom=tuple(found[Action.CUSTOM]),
        audit=tuple(found[Action.AUDIT]),
        deny=tuple(found[Action.DENY]),
        allow=tuple(found[Action.ALLOW]),
    )


def governs(resource: Resource[Any], labels: Labels) -> bool:
    """Whether a policy, by selector or reference, is for a workload with these labels."""
    spec = resource.spec
    references = (*spec.target_refs, *((spec.target_ref,) if spec.target_ref else ()))
    if references:
        gateway = dict(labels).get(GATEWAY_LABEL, "")
        return bool(gateway) and any(
            reference.kind == "Gateway" and reference.name == gateway for reference in references
        )
    return selects(spec.selector.match_labels if spec.selector else {}, labels)


def is_dry_run(policy: Resource[Any]) -> bool:
    return policy.meta.annotations.get(DRY_RUN, "").lower() in ("true", "1", "t")
