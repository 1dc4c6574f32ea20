"""The filters that enforce AuthorizationPolicy before a request or connection goes on.

    CUSTOM   not offered here: what such a policy covers is denied, never let through
    AUDIT    RBAC, action LOG
    DENY     RBAC, action DENY
    ALLOW    RBAC, action ALLOW: with any such policy, what none of them allows is refused

Each action is one filter; its dry runs are the filter's shadow rules.
"""

from collections.abc import Iterable
from typing import Any

from lateen.api.authorization_policy import Action, Rule
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate.authorization import rule as rules
from lateen.translate.authorization.policies import Policies, Policy, is_dry_run, policies
from lateen.translate.authorization.rule import Context
from lateen.translate.authorization.trust_domain import TrustDomains
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.selection import Labels

HTTP_RBAC = "envoy.filters.http.rbac"
NETWORK_RBAC = "envoy.filters.network.rbac"
DRY_RUN_PREFIXES = {
    Action.ALLOW: "istio_dry_run_allow_",
    Action.DENY: "istio_dry_run_deny_",
}
TCP_STATISTICS = "tcp."
ENVOY_ACTIONS = {Action.ALLOW: "ALLOW", Action.DENY: "DENY", Action.AUDIT: "LOG"}


def http_filters(mesh: Mesh, proxy_class: ProxyClass) -> list[Any]:
    """HttpFilters, in the order in which they decide."""
    return [
        types.HttpFilter.FromString(each)
        for each in _filters(mesh, proxy_class.namespace, proxy_class.labels, False)
    ]


def network_filters(mesh: Mesh, proxy_class: ProxyClass) -> list[Any]:
    """Network filters for what is not HTTP."""
    return [
        types.Filter.FromString(each)
        for each in _filters(mesh, proxy_class.namespace, proxy_class.labels, True)
    ]


@derived
def _filters(mesh: Mesh, namespace: str, labels: Labels, is_tcp: bool) -> tuple[bytes, ...]:
    domains = TrustDomains(
        tuple(dict.fromkeys((mesh.trust_domain, *mesh.config.trust_domain_aliases)))
    )
    return tuple(
        messages.serialize(each)
        for each in built(policies(mesh, namespace, labels), domains, is_tcp=is_tcp)
    )


def built(found: Policies, domains: TrustDomains, *, is_tcp: bool) -> list[Any]:
    """The filters of some policies."""
    groups = (
        (Action.DENY, found.custom),
        (Action.AUDIT, found.audit),
        (Action.DENY, found.deny),
        (Action.ALLOW, found.allow),
    )
    return [
        _filter(_rbac(group, action, domains, is_tcp=is_tcp), is_tcp=is_tcp)
        for action, group in groups
        if group
    ]


def _filter(config: Any, *, is_tcp: bool) -> Any:
    made = types.Filter(name=NETWORK_RBAC) if is_tcp else types.HttpFilter(name=HTTP_RBAC)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


def _rbac(group: Iterable[Policy], action: Action, domains: TrustDomains, *, is_tcp: bool) -> Any:
    made = types.NetworkRbac(stat_prefix=TCP_STATISTICS) if is_tcp else types.HttpRbac()
    made.shadow_rules_stat_prefix = DRY_RUN_PREFIXES[Action.ALLOW]
    for policy in group:
        dry = is_dry_run(policy)
        target = made.shadow_rules if dry else made.rules
        target.action = ENVOY_ACTIONS[action]
        target.SetInParent()
        if dry and action in DRY_RUN_PREFIXES:
            made.shadow_rules_stat_prefix = DRY_RUN_PREFIXES[action]
        context = Context(policy.namespace, action, is_tcp, domains)
        _add_policy(target, policy, context)
    return made


def _add_policy(target: Any, policy: Policy, context: Context) -> None:
    if not policy.spec.rules:
        target.policies[_name(policy, 0)].CopyFrom(rules.never())
    for index, written in enumerate(policy.spec.rules):
        found = rules.policy(written or Rule(), context)
        if found is not None:
            target.policies[_name(policy, index)].CopyFrom(found)


def _name(policy: Policy, index: int) -> str:
    return f"ns[{policy.namespace}]-policy[{policy.name}]-rule[{index}]"
