"""The filters that enforce AuthorizationPolicy before a request or connection goes on.

    CUSTOM   an authorization service decides, see `external`
    AUDIT    RBAC, action LOG
    DENY     RBAC, action DENY
    ALLOW    RBAC, action ALLOW: with any such policy, what none of them allows is refused

Each action is one filter; its dry runs are the filter's shadow rules.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lateen.api.authorization_policy import Action, Rule
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate.authorization import external, tokens
from lateen.translate.authorization import rule as rules
from lateen.translate.authorization.policies import Policy, is_dry_run, policies
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
BAD_CUSTOM = "-deny-due-to-bad-CUSTOM-action"  # no provider can decide
ENVOY_ACTIONS = {Action.ALLOW: "ALLOW", Action.DENY: "DENY", Action.AUDIT: "LOG"}


def http_filters(mesh: Mesh, proxy_class: ProxyClass) -> list[Any]:
    """HttpFilters, in the order in which they decide: CUSTOM, tokens, AUDIT, DENY, ALLOW."""
    namespace, labels = proxy_class.namespace, proxy_class.labels
    made = [types.HttpFilter.FromString(each) for each in _asked(mesh, namespace, labels, False)]
    checked = tokens.http_filter(mesh, proxy_class)
    if checked is not None:
        made.append(checked)
    made += [types.HttpFilter.FromString(each) for each in _ruled(mesh, namespace, labels, False)]
    return made


def network_filters(mesh: Mesh, proxy_class: ProxyClass) -> list[Any]:
    """Network filters for what is not HTTP."""
    namespace, labels = proxy_class.namespace, proxy_class.labels
    found = (*_asked(mesh, namespace, labels, True), *_ruled(mesh, namespace, labels, True))
    return [types.Filter.FromString(each) for each in found]


@derived
def _asked(mesh: Mesh, namespace: str, labels: Labels, is_tcp: bool) -> tuple[bytes, ...]:
    """What asks an authorization service."""
    found = policies(mesh, namespace, labels)
    made = _custom(mesh, found.custom, _domains(mesh), is_tcp=is_tcp)
    return tuple(messages.serialize(each) for each in made)


@derived
def _ruled(mesh: Mesh, namespace: str, labels: Labels, is_tcp: bool) -> tuple[bytes, ...]:
    """What decides by the policies' own rules."""
    found = policies(mesh, namespace, labels)
    groups = (
        (Action.AUDIT, found.audit),
        (Action.DENY, found.deny),
        (Action.ALLOW, found.allow),
    )
    return tuple(
        messages.serialize(
            _filter(_rbac(group, action, _domains(mesh), is_tcp=is_tcp), is_tcp=is_tcp)
        )
        for action, group in groups
        if group
    )


def _domains(mesh: Mesh) -> TrustDomains:
    return TrustDomains(
        tuple(dict.fromkeys((mesh.trust_domain, *mesh.config.trust_domain_aliases)))
    )


def _filter(config: Any, *, is_tcp: bool) -> Any:
    made = types.Filter(name=NETWORK_RBAC) if is_tcp else types.HttpFilter(name=HTTP_RBAC)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


def _empty(*, is_tcp: bool) -> Any:
    return types.NetworkRbac(stat_prefix=TCP_STATISTICS) if is_tcp else types.HttpRbac()


def _rbac(group: Iterable[Policy], action: Action, domains: TrustDomains, *, is_tcp: bool) -> Any:
    made = _empty(is_tcp=is_tcp)
    made.shadow_rules_stat_prefix = DRY_RUN_PREFIXES[Action.ALLOW]
    for policy in group:
        dry = is_dry_run(policy)
        target = made.shadow_rules if dry else made.rules
        target.action = ENVOY_ACTIONS[action]
        target.SetInParent()
        if dry and action in DRY_RUN_PREFIXES:
            made.shadow_rules_stat_prefix = DRY_RUN_PREFIXES[action]
        _add_policy(target, policy, Context(policy.namespace, action, is_tcp, domains))
    return made


def _custom(
    mesh: Mesh, group: Iterable[Policy], domains: TrustDomains, *, is_tcp: bool
) -> list[Any]:
    """By provider's name. Without leave for several, two providers are like one that is unknown."""
    by_provider: dict[str, list[Policy]] = {}
    for policy in group:
        if not is_dry_run(policy):
            name = policy.spec.provider.name if policy.spec.provider else ""
            by_provider.setdefault(name, []).append(policy)
    is_only = len(by_provider) == 1
    if not is_only and not mesh.settings.multiple_custom_providers:
        by_provider = {"": [each for given in by_provider.values() for each in given]}
    made = []
    for name, enforced in sorted(by_provider.items()):
        if enforced:
            found = external.find_provider(mesh, name)
            provider = replace(found, is_only=is_only) if found is not None else None
            made += _of_provider(provider, enforced, domains, is_tcp=is_tcp)
    return made


def _of_provider(
    provider: external.Provider | None,
    enforced: Iterable[Policy],
    domains: TrustDomains,
    *,
    is_tcp: bool,
) -> list[Any]:
    if provider is not None and is_tcp and not external.speaks_tcp(provider):
        return []
    made = _empty(is_tcp=is_tcp)
    made.shadow_rules_stat_prefix = external.SHADOW_PREFIX
    target = made.rules if provider is None else made.shadow_rules
    target.action = "DENY"
    for policy in enforced:
        context = Context(policy.namespace, Action.CUSTOM, is_tcp, domains)
        if provider is None:
            _add_policy(target, policy, context, suffix=BAD_CUSTOM)
        else:
            _add_policy(target, policy, context, prefix=f"{provider.policy_prefix}-")
    if provider is None:
        return [_filter(made, is_tcp=is_tcp)]
    asks = external.network_filter if is_tcp else external.http_filter
    return [_filter(made, is_tcp=is_tcp), asks(provider)]


def _add_policy(
    target: Any, policy: Policy, context: Context, *, prefix: str = "", suffix: str = ""
) -> None:
    name = f"{prefix}ns[{policy.namespace}]-policy[{policy.name}]-rule"
    if not policy.spec.rules:
        target.policies[f"{name}[0]{suffix}"].CopyFrom(rules.never())
    for index, written in enumerate(policy.spec.rules):
        found = rules.policy(written or Rule(), context)
        if found is not None:
            target.policies[f"{name}[{index}]{suffix}"].CopyFrom(found)
