"""The HTTP filters of RateLimits, in the order in which they act:

    rbac               sees which rules cover the request, and refuses nothing (shadow rules)
    local_ratelimit    token buckets at this proxy, one filter for each RateLimit
    ratelimit          asks the service, one question for all rules that are answered alike

They stand behind authentication and authorization: what those refuse is not counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lateen.api.authorization_policy import Action
from lateen.api.rate_limit import (
    LocalLimit,
    RateLimit,
    RateLimitHeaders,
    RateLimitRule,
    RefusedResponse,
    Unit,
)
from lateen.api.resource import Resource
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate.authorization import rule as rules
from lateen.translate.authorization.rule import Context
from lateen.translate.authorization.trust_domain import TrustDomains
from lateen.translate.filters.http import http_filter
from lateen.translate.rate_limit import descriptors
from lateen.translate.rate_limit.limits import rate_limits
from lateen.translate.rate_limit.service import Service, service, set_service
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.selection import Labels

HTTP_RBAC = "envoy.filters.http.rbac"
LOCAL_RATE_LIMIT = "envoy.filters.http.local_ratelimit"
RATE_LIMIT = "envoy.filters.http.ratelimit"
STATISTICS = "istio_rate_limit"  # begins like what the bootstrap keeps
VALUES_KEPT = 10_000  # budgets of single values at a proxy; the least used are forgotten first
SECONDS = {Unit.SECOND: 1, Unit.MINUTE: 60, Unit.HOUR: 3600, Unit.DAY: 86400}
TOO_MANY_REQUESTS = 429


def http_filters(mesh: Mesh, proxy_class: ProxyClass) -> list[Any]:
    made = _filters(mesh, proxy_class.namespace, proxy_class.labels)
    return [types.HttpFilter.FromString(each) for each in made]


@derived
def _filters(mesh: Mesh, namespace: str, labels: Labels) -> tuple[bytes, ...]:
    found = rate_limits(mesh, namespace, labels)
    domains = TrustDomains(
        tuple(dict.fromkeys((mesh.trust_domain, *mesh.config.trust_domain_aliases)))
    )
    made = [_condition(each, rule, domains) for each, rule in _conditional(found)]
    made += [_local(each) for each in found if any(rule.local for rule in each.spec.rules)]
    made += [_global(question, asked) for question, asked in _questions(mesh, found).items()]
    return tuple(messages.serialize(each) for each in made)


# -- which rules cover a request ---------------------------------------------------------------


def rule_name(resource: Resource[RateLimit], rule: RateLimitRule) -> str:
    return f"{resource.namespace}/{resource.name}/{rule.name}"


def _conditional(
    found: Iterable[Resource[RateLimit]],
) -> list[tuple[Resource[RateLimit], RateLimitRule]]:
    return [(each, rule) for each in found for rule in each.spec.rules if _is_conditional(rule)]


def _is_conditional(rule: RateLimitRule) -> bool:
    return bool(rule.from_ or rule.to or rule.when)


def _verdict_prefix(resource: Resource[RateLimit], rule: RateLimitRule) -> str:
    """Of the RBAC filter's metadata and statistics; no name of Kubernetes has an underscore."""
    if not _is_conditional(rule):
        return ""
    return f"rate_limit_{resource.namespace}_{resource.name}_{rule.name}_"


def _condition(resource: Resource[RateLimit], rule: RateLimitRule, domains: TrustDomains) -> Any:
    """Shadow rules write the name of the policy that matched where the counting looks for it."""
    config = types.HttpRbac(shadow_rules_stat_prefix=_verdict_prefix(resource, rule))
    config.shadow_rules.action = "ALLOW"
    context = Context(resource.namespace, Action.DENY, False, domains)
    policy = rules.policy(rule, context)
    config.shadow_rules.policies[rule_name(resource, rule)].CopyFrom(policy or rules.never())
    return http_filter(HTTP_RBAC, config)


# -- local -------------------------------------------------------------------------------------


def _local(resource: Resource[RateLimit]) -> Any:
    spec = resource.spec
    config = types.HttpLocalRateLimit(
        stat_prefix=f"{STATISTICS}.{resource.namespace}.{resource.name}",
        rate_limited_as_resource_exhausted=True,
    )
    config.always_consume_default_token_bucket.value = False
    config.max_dynamic_descriptors.value = VALUES_KEPT
    _set_always(config.filter_enabled)
    _set_always(config.filter_enforced)
    for rule in spec.rules:
        if rule.local is not None:
            _add_actions(config, resource, rule)
            _add_bucket(config.descriptors.add(), resource, rule, rule.local)
    response = spec.response
    if response.status != TOO_MANY_REQUESTS:
        config.status.code = response.status
    if response.rate_limit_headers is RateLimitHeaders.DRAFT_VERSION_03:
        config.enable_x_ratelimit_headers = "DRAFT_VERSION_03"
        config.enable_retry_after_header = True
    _add_headers(config, response)
    return http_filter(LOCAL_RATE_LIMIT, config)


def _add_bucket(
    made: Any, resource: Resource[RateLimit], rule: RateLimitRule, limit: LocalLimit
) -> None:
    """An entry without a value stands for all values, each with a bucket of its own."""
    made.entries.add(key=descriptors.RULE_KEY, value=rule_name(resource, rule))
    for by in rule.by:
        made.entries.add(key=descriptors.key(by), value=by.fixed.value if by.fixed else "")
    made.token_bucket.max_tokens = limit.burst or limit.requests
    made.token_bucket.tokens_per_fill.value = limit.requests
    made.token_bucket.fill_interval.CopyFrom(messages.seconds(SECONDS[limit.unit]))
    made.shadow_mode = rule.shadow


def _set_always(target: Any) -> None:
    target.default_value.numerator = 100


# -- global ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What rules must agree in to be asked about, and refused, together."""

    service: Service
    status: int
    headers: tuple[tuple[str, str], ...]
    tells_limits: bool
    shadow: bool


def _questions(
    mesh: Mesh, found: Iterable[Resource[RateLimit]]
) -> dict[Question, list[tuple[Resource[RateLimit], RateLimitRule]]]:
    made: dict[Question, list[tuple[Resource[RateLimit], RateLimitRule]]] = {}
    for resource in found:
        response = resource.spec.response
        for rule in resource.spec.rules:
            if rule.global_ is None:
                continue
            question = Question(
                service=service(mesh, resource.spec, resource.namespace),
                status=response.status,
                headers=tuple(sorted(response.headers.items())),
                tells_limits=response.rate_limit_headers is RateLimitHeaders.DRAFT_VERSION_03,
                shadow=rule.shadow,
            )
            made.setdefault(question, []).append((resource, rule))
    return made


def _global(question: Question, asked: Iterable[tuple[Resource[RateLimit], RateLimitRule]]) -> Any:
    config = types.HttpRateLimit(rate_limited_as_resource_exhausted=True)
    set_service(config, question.service)
    for resource, rule in asked:
        _add_actions(config, resource, rule)
    if question.shadow:
        config.filter_enforced.default_value.numerator = 0
    if question.status != TOO_MANY_REQUESTS:
        config.rate_limited_status.code = question.status
    if question.tells_limits:
        config.enable_x_ratelimit_headers = "DRAFT_VERSION_03"
        config.enable_retry_after_header = True
    for name, value in question.headers:
        _add_header(config, name, value)
    return http_filter(RATE_LIMIT, config)


# -- shared ------------------------------------------------------------------------------------


def _add_actions(config: Any, resource: Resource[RateLimit], rule: RateLimitRule) -> None:
    """How the descriptor is made. A global limit goes with it, so that any server knows it."""
    made = config.rate_limits.add()
    limit = rule.global_
    if limit is None or limit.requests:
        prefix = _verdict_prefix(resource, rule)
        made.actions.append(descriptors.rule_action(rule_name(resource, rule), prefix))
    made.actions.extend(descriptors.actions(rule))
    if limit is not None and limit.requests:
        made.limit.rate_limit.requests_per_unit = limit.requests
        made.limit.rate_limit.unit = limit.unit.value


def _add_headers(config: Any, response: RefusedResponse) -> None:
    for name, value in sorted(response.headers.items()):
        _add_header(config, name, value)


def _add_header(config: Any, name: str, value: str) -> None:
    made = config.response_headers_to_add.add()
    made.header.key = name
    made.header.value = value
    made.append_action = "OVERWRITE_IF_EXISTS_OR_ADD"
