"""Which patches touch what keeps a workload safe: worth a second look, so they are pointed out."""

from typing import Any

from lateen.api.envoy_filter import ApplyTo, EnvoyConfigObjectMatch, Operation, PatchContext

GUARDS = (
    "envoy.filters.http.rbac",
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.ext_authz",
    "envoy.filters.http.oauth2",
    "envoy.filters.http.basic_auth",
    "envoy.filters.http.api_key_auth",
    "envoy.filters.network.rbac",
    "envoy.filters.network.ext_authz",
)
WEAKENS = (
    Operation.REMOVE,
    Operation.REPLACE,
    Operation.MERGE,
    Operation.MERGE_AND_REPLACE_LIST,
)
FILTERS = (ApplyTo.NETWORK_FILTER, ApplyTo.HTTP_FILTER)
ENFORCING = (ApplyTo.LISTENER, ApplyTo.FILTER_CHAIN)
SOCKETS = ("transport_socket", "transport_socket_matches")
PER_ROUTE = "typed_per_filter_config"


def concern(
    apply_to: ApplyTo, operation: Operation, match: EnvoyConfigObjectMatch, message: Any
) -> str:
    """What the patch does to security; empty for most."""
    if apply_to in FILTERS and operation in WEAKENS:
        name = _filter_name(apply_to, match)
        if name.startswith(GUARDS):
            return f"the patch changes or removes {name}, which decides who may pass"
        if not name and message is not None and guards(message):
            return "the patch changes filters that decide who may pass"
    if apply_to in ENFORCING and operation is Operation.REMOVE and _is_inbound(match):
        return f"the patch removes a {apply_to}, and with it the policies that it enforces"
    if message is None:
        return ""
    if any(_sets(message, field) for field in SOCKETS):
        return "the patch sets a transport socket, which decides about TLS"
    weakened = [name for name in sorted(_per_route(message)) if name.startswith(GUARDS)]
    if weakened:
        return f"the patch gives routes their own {weakened[0]}, which decides who may pass"
    return ""


def guards(message: Any) -> bool:
    """Whether the patch brings a filter that decides who may pass."""
    fields = message.DESCRIPTOR.fields_by_name
    if "name" not in fields or "typed_config" not in fields:
        return False
    kinds = (name.removeprefix("envoy.filters.") for name in GUARDS)
    written = message.typed_config.type_url
    return message.name.startswith(GUARDS) or any(
        f".filters.{kind}.v3." in written for kind in kinds
    )


def _is_inbound(match: EnvoyConfigObjectMatch) -> bool:
    return match.context is not PatchContext.SIDECAR_OUTBOUND


def _filter_name(apply_to: ApplyTo, match: EnvoyConfigObjectMatch) -> str:
    chain = match.listener.filter_chain if match.listener is not None else None
    found = chain.filter if chain is not None else None
    if match.waypoint is not None:
        found = match.waypoint.filter
    if found is None:
        return ""
    if apply_to is ApplyTo.HTTP_FILTER:
        return found.sub_filter.name if found.sub_filter is not None else ""
    return found.name


def _sets(message: Any, field: str) -> bool:
    found = message.DESCRIPTOR.fields_by_name.get(field)
    if found is None:
        return False
    return bool(getattr(message, field)) if found.is_repeated else message.HasField(field)


def _per_route(message: Any) -> set[str]:
    """Of a route, a virtual host, or a route configuration and all in it."""
    found: set[str] = set()
    if PER_ROUTE in message.DESCRIPTOR.fields_by_name:
        found.update(getattr(message, PER_ROUTE))
    for inner in ("virtual_hosts", "routes"):
        if inner in message.DESCRIPTOR.fields_by_name:
            for each in getattr(message, inner):
                found |= _per_route(each)
    return found
