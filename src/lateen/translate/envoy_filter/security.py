"""Which patches touch what keeps a workload safe: worth a second look, so they are pointed out."""

from typing import Any

from lateen.api.envoy_filter import EnvoyConfigObjectMatch, Operation

GUARDS = (
    "envoy.filters.http.rbac",
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.ext_authz",
    "envoy.filters.network.rbac",
    "envoy.filters.network.ext_authz",
)
WEAKENS = (
    Operation.REMOVE,
    Operation.REPLACE,
    Operation.MERGE,
    Operation.MERGE_AND_REPLACE_LIST,
)


def concern(operation: Operation, match: EnvoyConfigObjectMatch, message: Any) -> str:
    """What the patch does to security; empty for most."""
    if operation in WEAKENS:
        name = _filter_name(match)
        if name.startswith(GUARDS):
            return f"the patch changes or removes {name}, which decides who may pass"
    if message is not None and _sets(message, "transport_socket"):
        return "the patch sets a transport socket, which decides about TLS"
    return ""


def _filter_name(match: EnvoyConfigObjectMatch) -> str:
    chain = match.listener.filter_chain if match.listener is not None else None
    found = chain.filter if chain is not None else None
    if found is None:
        return ""
    return found.sub_filter.name if found.sub_filter is not None else found.name


def _sets(message: Any, field: str) -> bool:
    return field in message.DESCRIPTOR.fields_by_name and message.HasField(field)
