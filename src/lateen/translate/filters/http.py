"""The chain of HTTP filters in Istio's order, from parts that the stock Envoy has.

    policy (ext_authz, jwt_authn, rbac; given)  grpc_web  grpc_stats  alpn  fault  cors
    stateful_session  dynamic_forward_proxy  router

`alpn` stands for Istio's own filter: clients of the mesh offer `istio-http/1.1` or `istio-h2`
beside the real protocol, so that a PERMISSIVE server tells HTTP from TCP inside mutual TLS.

What few requests need stands in its place but is off (`disabled`): fault, cors, and on the way out
grpc_stats, alpn and stateful_session. Routes switch it on; see `translate.routes.on_demand`.
Whoever changes such a filter's own settings must switch it on too.
"""

from collections.abc import Iterable
from enum import Enum, auto
from functools import cache
from typing import Any

from lateen.envoy import messages, types
from lateen.translate import alpn
from lateen.translate.clusters.dns import dynamic_cache
from lateen.translate.families import DNS
from lateen.view.proxy import Families

GRPC_WEB = "envoy.filters.http.grpc_web"
GRPC_STATS = "envoy.filters.http.grpc_stats"
FAULT = "envoy.filters.http.fault"
CORS = "envoy.filters.http.cors"
STATEFUL_SESSION = "envoy.filters.http.stateful_session"
DYNAMIC_FORWARD_PROXY = "envoy.filters.http.dynamic_forward_proxy"
ROUTER = "envoy.filters.http.router"

SESSION_CONFIG = "envoy.extensions.filters.http.stateful_session.v3.StatefulSession"


class Direction(Enum):
    """Which way a filter chain faces."""

    OUTBOUND = auto()  # a sidecar's clients
    INBOUND = auto()  # a workload's port
    GATEWAY = auto()


def http_filters(
    direction: Direction,
    *,
    policy: Iterable[Any] = (),
    is_grpc_web: bool = False,
    resolves: bool = False,
    may_be_grpc: bool = False,
    hides_debug_headers: bool = False,
    families: Families = Families.IPV4,
) -> list[Any]:
    """`policy` are HttpFilters that decide whether a request may pass; they come first.

    `may_be_grpc`: gRPC messages are counted on every route, not only where a route asks for it.
    `hides_debug_headers`: no `x-envoy-*` headers in what passes.
    `families`: of the addresses that such a cluster takes.
    `resolves`: some route leads to a cluster that takes the address from the request's host.
    """
    made = list(policy)
    if is_grpc_web:
        made.append(_empty(GRPC_WEB, "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"))
    made.append(_grpc_stats(is_off=not may_be_grpc))
    if direction is not Direction.INBOUND:
        made.append(_alpn())
    made.append(_empty(FAULT, "envoy.extensions.filters.http.fault.v3.HTTPFault", is_off=True))
    made.append(_empty(CORS, "envoy.extensions.filters.http.cors.v3.Cors", is_off=True))
    if direction is not Direction.INBOUND:
        made.append(_empty(STATEFUL_SESSION, SESSION_CONFIG, is_off=True))
    if resolves:
        made.append(_dynamic_forward_proxy(DNS[families]))
    made.append(_router(hides_debug_headers=hides_debug_headers))
    return made


def http_filter(name: str, config: Any) -> Any:
    made = types.HttpFilter(name=name)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


@cache
def _empty(name: str, full_name: str, *, is_off: bool = False) -> Any:
    made = types.HttpFilter(name=name, disabled=is_off)
    made.typed_config.CopyFrom(messages.empty(full_name))
    return made


@cache
def _router(*, hides_debug_headers: bool) -> Any:
    return http_filter(ROUTER, types.Router(suppress_envoy_headers=hides_debug_headers))


@cache
def _dynamic_forward_proxy(family: str) -> Any:
    config = types.HttpDynamicForwardProxy()
    config.dns_cache_config.CopyFrom(dynamic_cache(family))
    return http_filter(DYNAMIC_FORWARD_PROXY, config)


@cache
def _grpc_stats(*, is_off: bool) -> Any:
    config = types.GrpcStats(emit_filter_state=True)
    config.stats_for_all_methods.value = False
    made = http_filter(GRPC_STATS, config)
    made.disabled = is_off
    return made


@cache
def _alpn() -> Any:
    """Read by the upstream TLS socket. Off unless a route asks for it: it is not cheap."""
    config = types.HttpSetFilterState()
    state = config.on_request_headers.add(object_key=alpn.STATE)
    state.shared_with_upstream = types.FilterStateValue.ONCE
    state.skip_if_empty = True
    state.format_string.omit_empty_values = True
    state.format_string.text_format_source.inline_string = alpn.OFFER
    made = http_filter(alpn.FILTER, config)
    made.disabled = True
    return made
