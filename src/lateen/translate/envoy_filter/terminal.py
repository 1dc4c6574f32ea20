"""Filters that end a chain: exactly one does, and it is the last. Envoy refuses any other order."""

from typing import Any

from lateen.translate.envoy_filter.fault import PatchFault

PREFIX = "type.googleapis.com/envoy.extensions.filters."
HTTP = frozenset((PREFIX + "http.router.v3.Router",))
NETWORK = frozenset(
    PREFIX + name
    for name in (
        "network.http_connection_manager.v3.HttpConnectionManager",
        "network.tcp_proxy.v3.TcpProxy",
        "network.redis_proxy.v3.RedisProxy",
        "network.thrift_proxy.v3.ThriftProxy",
        "network.dubbo_proxy.v3.DubboProxy",
        "network.generic_proxy.v3.GenericProxy",
        "network.echo.v3.Echo",
        "network.direct_response.v3.Config",
    )
)


def require_network(filters: Any) -> None:
    _require(filters, NETWORK, "a network filter")


def require_http(filters: Any) -> None:
    _require(filters, HTTP, "an HTTP filter")


def _require(filters: Any, terminal: frozenset[str], what: str) -> None:
    ends = [at for at, each in enumerate(filters) if each.typed_config.type_url in terminal]
    last = len(filters) - 1
    if ends and ends[0] != last:
        name = filters[ends[0]].name
        raise PatchFault(
            f"{what} cannot come after {name}, which ends the chain",
            f"use INSERT_BEFORE with a match of {name}",
        )
    if not ends and what == "an HTTP filter":
        raise PatchFault("the chain would end without a router", "keep envoy.filters.http.router")
