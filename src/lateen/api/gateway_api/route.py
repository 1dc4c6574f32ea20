"""HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute: which traffic goes to which backends."""

from typing import Any

from lateen.api.duration import Duration
from lateen.api.gateway_api.references import BackendObjectReference, ParentReference
from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32


class HTTPPathMatch(OpenSpec, frozen=True):
    type: str = "PathPrefix"
    value: str = "/"


class NamedMatch(OpenSpec, frozen=True):
    """HTTPHeaderMatch, GRPCHeaderMatch and HTTPQueryParamMatch"""

    type: str = "Exact"
    name: str = ""
    value: str = ""


class HTTPRouteMatch(OpenSpec, frozen=True):
    path: HTTPPathMatch | None = None
    headers: tuple[NamedMatch, ...] = ()
    query_params: tuple[NamedMatch, ...] = ()
    method: str = ""


class HTTPHeader(OpenSpec, frozen=True):
    name: str = ""
    value: str = ""


class HTTPHeaderFilter(OpenSpec, frozen=True):
    set: tuple[HTTPHeader, ...] = ()
    add: tuple[HTTPHeader, ...] = ()
    remove: tuple[str, ...] = ()


class Fraction(OpenSpec, frozen=True):
    numerator: Int32 = 0
    denominator: Int32 = 100


class HTTPRequestMirrorFilter(OpenSpec, frozen=True):
    backend_ref: BackendObjectReference | None = None
    percent: Int32 | None = None
    fraction: Fraction | None = None


class HTTPPathModifier(OpenSpec, frozen=True):
    type: str = ""
    replace_full_path: str | None = None
    replace_prefix_match: str | None = None


class HTTPRequestRedirectFilter(OpenSpec, frozen=True):
    scheme: str = ""
    hostname: str = ""
    path: HTTPPathModifier | None = None
    port: Int32 | None = None
    status_code: Int32 = 302


class HTTPURLRewriteFilter(OpenSpec, frozen=True):
    hostname: str = ""
    path: HTTPPathModifier | None = None


class HTTPCORSFilter(OpenSpec, frozen=True):
    allow_origins: tuple[str, ...] = ()
    allow_credentials: bool | None = None
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: Int32 = 0


class RouteFilter(OpenSpec, frozen=True):
    """HTTPRouteFilter and GRPCRouteFilter"""

    type: str = ""
    request_header_modifier: HTTPHeaderFilter | None = None
    response_header_modifier: HTTPHeaderFilter | None = None
    request_mirror: HTTPRequestMirrorFilter | None = None
    request_redirect: HTTPRequestRedirectFilter | None = None
    url_rewrite: HTTPURLRewriteFilter | None = None
    cors: HTTPCORSFilter | None = None


class BackendRef(BackendObjectReference, frozen=True):
    """BackendRef, HTTPBackendRef and GRPCBackendRef"""

    weight: Int32 = 1
    filters: tuple[RouteFilter, ...] = ()


class HTTPRouteTimeouts(OpenSpec, frozen=True):
    request: Duration | None = None
    backend_request: Duration | None = None


class HTTPRouteRetry(OpenSpec, frozen=True):
    codes: tuple[Int32, ...] = ()
    attempts: Int32 | None = None
    backoff: Duration | None = None


class HTTPRouteRule(OpenSpec, frozen=True):
    name: str = ""
    matches: tuple[HTTPRouteMatch, ...] = ()
    filters: tuple[RouteFilter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()
    timeouts: HTTPRouteTimeouts | None = None
    retry: HTTPRouteRetry | None = None
    session_persistence: dict[str, Any] | None = None


class GRPCMethodMatch(OpenSpec, frozen=True):
    type: str = "Exact"
    service: str = ""
    method: str = ""


class GRPCRouteMatch(OpenSpec, frozen=True):
    method: GRPCMethodMatch | None = None
    headers: tuple[NamedMatch, ...] = ()


class GRPCRouteRule(OpenSpec, frozen=True):
    name: str = ""
    matches: tuple[GRPCRouteMatch, ...] = ()
    filters: tuple[RouteFilter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()
    session_persistence: dict[str, Any] | None = None


class StreamRouteRule(OpenSpec, frozen=True):
    """TLSRouteRule, TCPRouteRule and UDPRouteRule"""

    name: str = ""
    backend_refs: tuple[BackendRef, ...] = ()


class HTTPRouteSpec(OpenSpec, frozen=True):
    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[HTTPRouteRule, ...] = ()


class GRPCRouteSpec(OpenSpec, frozen=True):
    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[GRPCRouteRule, ...] = ()


class TLSRouteSpec(OpenSpec, frozen=True):
    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[StreamRouteRule, ...] = ()


class TCPRouteSpec(OpenSpec, frozen=True):
    parent_refs: tuple[ParentReference, ...] = ()
    rules: tuple[StreamRouteRule, ...] = ()


RouteSpec = HTTPRouteSpec | GRPCRouteSpec | TLSRouteSpec | TCPRouteSpec
