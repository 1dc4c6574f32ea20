"""The network filters of RateLimits: how fast new connections come in, before anything else.

A port that several filter chains serve (mutual TLS and plaintext, HTTP and TCP) has one bucket.
"""

from collections.abc import Iterator
from typing import Any

from lateen.api.rate_limit import ConnectionRule, RateLimit
from lateen.api.resource import Resource
from lateen.envoy import messages, types
from lateen.translate.filters.network import network_filter
from lateen.translate.rate_limit.descriptors import RULE_KEY
from lateen.translate.rate_limit.http import SECONDS
from lateen.translate.rate_limit.limits import rate_limits
from lateen.translate.rate_limit.service import service, set_service
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass

LOCAL_RATE_LIMIT = "envoy.filters.network.local_ratelimit"
RATE_LIMIT = "envoy.filters.network.ratelimit"


def network_filters(mesh: Mesh, proxy_class: ProxyClass, port: int) -> list[Any]:
    """For the filter chains of a port; 0: those of all ports that no service has."""
    found = rate_limits(mesh, proxy_class.namespace, proxy_class.labels)
    return [
        _filter(mesh, resource, rule, port)
        for resource, rule in _rules(found)
        if _is_for(rule, port)
    ]


def _rules(
    found: tuple[Resource[RateLimit], ...],
) -> Iterator[tuple[Resource[RateLimit], ConnectionRule]]:
    for resource in found:
        for rule in resource.spec.connections:
            yield resource, rule


def _is_for(rule: ConnectionRule, port: int) -> bool:
    return not rule.ports or port in rule.ports


def _filter(mesh: Mesh, resource: Resource[RateLimit], rule: ConnectionRule, port: int) -> Any:
    name = f"{resource.namespace}/{resource.name}/{rule.name}"
    if rule.local is not None:
        config = types.NetworkLocalRateLimit(stat_prefix=name, share_key=f"{name}:{port}")
        config.token_bucket.max_tokens = rule.local.burst or rule.local.connections
        config.token_bucket.tokens_per_fill.value = rule.local.connections
        config.token_bucket.fill_interval.CopyFrom(messages.seconds(SECONDS[rule.local.unit]))
        return network_filter(LOCAL_RATE_LIMIT, config)
    asking = types.NetworkRateLimit(stat_prefix=name)
    set_service(asking, service(mesh, resource.spec, resource.namespace))
    descriptor = asking.descriptors.add()
    descriptor.entries.add(key=RULE_KEY, value=name)
    if rule.global_ is not None:
        descriptor.limit.requests_per_unit = rule.global_.connections
        descriptor.limit.unit = rule.global_.unit.value
    return network_filter(RATE_LIMIT, asking)
