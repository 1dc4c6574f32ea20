"""VirtualService: where requests and connections for a host go."""

from enum import StrEnum

from lateen.api.duration import Duration
from lateen.api.resource import Spec
from lateen.api.scalars import Base64, Int32, UInt32


class PortSelector(Spec, frozen=True):
    number: UInt32 = 0


class Destination(Spec, frozen=True):
    host: str = ""
    subset: str = ""
    port: PortSelector | None = None


class HeaderOperations(Spec, frozen=True):
    set: dict[str, str] = {}
    add: dict[str, str] = {}
    remove: tuple[str, ...] = ()


class Headers(Spec, frozen=True):
    request: HeaderOperations | None = None
    response: HeaderOperations | None = None


class StringMatch(Spec, frozen=True):
    ONEOFS = (("exact", "prefix", "regex"),)

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None


class Percent(Spec, frozen=True):
    value: float = 0.0


class Delegate(Spec, frozen=True):
    name: str = ""
    namespace: str = ""


class HTTPMatchRequest(Spec, frozen=True):
    name: str = ""
    uri: StringMatch | None = None
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: dict[str, StringMatch] = {}
    port: UInt32 = 0
    source_labels: dict[str, str] = {}
    gateways: tuple[str, ...] = ()
    query_params: dict[str, StringMatch] = {}
    ignore_uri_case: bool = False
    without_headers: dict[str, StringMatch] = {}
    source_namespace: str = ""
    stat_prefix: str = ""


class HTTPRouteDestination(Spec, frozen=True):
    destination: Destination | None = None
    weight: Int32 = 0
    headers: Headers | None = None


class RouteDestination(Spec, frozen=True):
    destination: Destination | None = None
    weight: Int32 = 0


class L4MatchAttributes(Spec, frozen=True):
    destination_subnets: tuple[str, ...] = ()
    port: UInt32 = 0
    source_subnet: str = ""
    source_labels: dict[str, str] = {}
    gateways: tuple[str, ...] = ()
    source_namespace: str = ""


class TLSMatchAttributes(Spec, frozen=True):
    sni_hosts: tuple[str, ...] = ()
    destination_subnets: tuple[str, ...] = ()
    port: UInt32 = 0
    source_subnet: str = ""
    source_labels: dict[str, str] = {}
    gateways: tuple[str, ...] = ()
    source_namespace: str = ""


class RedirectPortSelection(StrEnum):
    FROM_PROTOCOL_DEFAULT = "FROM_PROTOCOL_DEFAULT"
    FROM_REQUEST_PORT = "FROM_REQUEST_PORT"


class HTTPRedirect(Spec, frozen=True):
    ONEOFS = (("port", "derive_port"),)

    uri: str = ""
    prefix_rewrite: str = ""
    authority: str = ""
    port: UInt32 | None = None
    derive_port: RedirectPortSelection | None = None
    scheme: str = ""
    redirect_code: UInt32 = 0


class HTTPBody(Spec, frozen=True):
    ONEOFS = (("string", "bytes"),)

    string: str | None = None
    bytes: Base64 | None = None


class HTTPDirectResponse(Spec, frozen=True):
    status: UInt32 = 0
    body: HTTPBody | None = None


class RegexRewrite(Spec, frozen=True):
    match: str = ""
    rewrite: str = ""


class HTTPRewrite(Spec, frozen=True):
    uri: str = ""
    authority: str = ""
    uri_regex_rewrite: RegexRewrite | None = None


class HTTPRetry(Spec, frozen=True):
    attempts: Int32 = 0
    per_try_timeout: Duration | None = None
    retry_on: str = ""
    retry_remote_localities: bool | None = None
    retry_ignore_previous_hosts: bool | None = None
    backoff: Duration | None = None


class UnmatchedPreflights(StrEnum):
    UNSPECIFIED = "UNSPECIFIED"
    FORWARD = "FORWARD"
    IGNORE = "IGNORE"


class CorsPolicy(Spec, frozen=True):
    allow_origin: tuple[str, ...] = ()
    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: Duration | None = None
    allow_credentials: bool | None = None
    unmatched_preflights: UnmatchedPreflights = UnmatchedPreflights.UNSPECIFIED


class Delay(Spec, frozen=True):
    """HTTPFaultInjection.Delay"""

    ONEOFS = (("fixed_delay", "exponential_delay"),)

    percent: Int32 = 0
    fixed_delay: Duration | None = None
    exponential_delay: Duration | None = None
    percentage: Percent | None = None


class Abort(Spec, frozen=True):
    """HTTPFaultInjection.Abort"""

    ONEOFS = (("http_status", "grpc_status", "http2_error"),)

    http_status: Int32 | None = None
    grpc_status: str | None = None
    http2_error: str | None = None
    percentage: Percent | None = None


class HTTPFaultInjection(Spec, frozen=True):
    delay: Delay | None = None
    abort: Abort | None = None


class HTTPMirrorPolicy(Spec, frozen=True):
    destination: Destination | None = None
    percentage: Percent | None = None


class HTTPRoute(Spec, frozen=True):
    name: str = ""
    match: tuple[HTTPMatchRequest, ...] = ()
    route: tuple[HTTPRouteDestination, ...] = ()
    redirect: HTTPRedirect | None = None
    direct_response: HTTPDirectResponse | None = None
    delegate: Delegate | None = None
    rewrite: HTTPRewrite | None = None
    timeout: Duration | None = None
    retries: HTTPRetry | None = None
    fault: HTTPFaultInjection | None = None
    mirror: Destination | None = None
    mirrors: tuple[HTTPMirrorPolicy, ...] = ()
    mirror_percent: UInt32 | None = None
    mirror_percentage: Percent | None = None
    cors_policy: CorsPolicy | None = None
    headers: Headers | None = None


class TLSRoute(Spec, frozen=True):
    match: tuple[TLSMatchAttributes, ...] = ()
    route: tuple[RouteDestination, ...] = ()


class TCPRoute(Spec, frozen=True):
    match: tuple[L4MatchAttributes, ...] = ()
    route: tuple[RouteDestination, ...] = ()


class VirtualService(Spec, frozen=True):
    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    http: tuple[HTTPRoute, ...] = ()
    tls: tuple[TLSRoute, ...] = ()
    tcp: tuple[TCPRoute, ...] = ()
    export_to: tuple[str, ...] = ()
