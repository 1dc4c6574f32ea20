"""What a request is counted by: the entries of a descriptor, as actions of Envoy.

    rate_limit = shop/api/per-user     which rule; only there when the rule covers the request
    x-user = alice                     one entry for each dimension of `by`

What Envoy's own actions cannot tell (a header with a default, the client's identity, the path
without its query) is an expression in CEL. A user's text enters expressions as literals only.
"""

import json
from typing import Any

from lateen.api.rate_limit import Dimension, Path, RateLimitRule
from lateen.envoy import messages, types
from lateen.translate.authorization.values import JWT_FILTER, JWT_PAYLOAD, literal

RULE_KEY = "rate_limit"
RBAC_METADATA = "envoy.filters.http.rbac"
VERDICT = "shadow_effective_policy_id"
EXPRESSION = "envoy.rate_limit_descriptors.expr"
KEYS = {
    "claim": "claim",
    "principal": "principal",
    "path": "path",
    "fixed": "generic_key",
    "destination": "destination_cluster",
}


def rule_action(name: str, verdict_prefix: str) -> Any:
    """The entry of the rule itself. With a prefix: only where the RBAC filter saw it hold."""
    made = types.RateLimitAction()
    if not verdict_prefix:
        made.generic_key.descriptor_key = RULE_KEY
        made.generic_key.descriptor_value = name
        return made
    made.metadata.descriptor_key = RULE_KEY
    made.metadata.metadata_key.key = RBAC_METADATA
    made.metadata.metadata_key.path.add(key=f"{verdict_prefix}{VERDICT}")
    made.metadata.source = "DYNAMIC"
    return made


def actions(rule: RateLimitRule) -> list[Any]:
    return [action(by) for by in rule.by]


def action(by: Dimension) -> Any:
    made = types.RateLimitAction()
    if by.header is not None:
        name = by.header.name.lower()
        quoted = text(name)
        found = f"{quoted} in request.headers ? request.headers[{quoted}]"
        return _expression(by.key or name, f"{found} : {text(by.header.default)}")
    if by.principal is not None:
        found = "connection.mtls ? connection.uri_san_peer_certificate"
        return _expression(key(by), f"{found} : {text(by.principal.default)}")
    if by.path is not None:
        return _expression(key(by), _path(by.path))
    if by.claim is not None:
        made.metadata.descriptor_key = key(by)
        made.metadata.metadata_key.key = JWT_FILTER
        for part in (JWT_PAYLOAD, *by.claim.path):
            made.metadata.metadata_key.path.add(key=part)
        made.metadata.default_value = by.claim.default
        made.metadata.source = "DYNAMIC"
    elif by.fixed is not None:
        made.generic_key.descriptor_key = key(by)
        made.generic_key.descriptor_value = by.fixed.value
    elif by.destination is not None:
        made.destination_cluster.SetInParent()
    elif by.remote_address is not None:
        _set_address(made, by.remote_address.ipv4_prefix, by.remote_address.ipv6_prefix)
    return made


def key(by: Dimension) -> str:
    """Under which the service is told the value."""
    if by.key:
        return by.key
    if by.header is not None:
        return by.header.name.lower()
    if by.remote_address is not None:
        is_masked = (by.remote_address.ipv4_prefix, by.remote_address.ipv6_prefix) != (None, None)
        return "masked_remote_address" if is_masked else "remote_address"
    return next(name for kind, name in KEYS.items() if getattr(by, kind) is not None)


def text(value: str) -> str:
    """As a literal of CEL, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _set_address(made: Any, ipv4: int | None, ipv6: int | None) -> None:
    if ipv4 is None and ipv6 is None:
        made.remote_address.SetInParent()
        return
    if ipv4 is not None:
        made.masked_remote_address.v4_prefix_mask_len.value = ipv4
    if ipv6 is not None:
        made.masked_remote_address.v6_prefix_mask_len.value = ipv6


def _expression(name: str, expression: str) -> Any:
    made = types.RateLimitAction()
    made.extension.name = EXPRESSION
    config = types.RateLimitExpression(descriptor_key=name, text=expression)
    made.extension.typed_config.CopyFrom(messages.pack(config))
    return made


def _path(path: Path) -> str:
    if not path.templates:
        return "request.url_path"
    chosen = text(path.default)
    for template in reversed(path.templates):
        matches = f"request.url_path.matches({text(template_regex(template))})"
        chosen = f"{matches} ? {text(template)} : {chosen}"
    return chosen


def template_regex(template: str) -> str:
    """`{*}` is one segment of the path, `{**}` any number of them."""
    segments = []
    for segment in template.split("/")[1:]:
        if segment == "{*}":
            segments.append("/[^/]+")
        elif segment == "{**}":
            segments.append("(?:/.*)?")
        else:
            segments.append("/" + literal(segment))
    return f"^{''.join(segments)}$"
