"""Rules of HTTPRoutes and GRPCRoutes as routes of a VirtualService, one for each match."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from lateen.api.duration import Duration
from lateen.api.gateway_api.route import (
    BackendRef,
    GRPCRouteMatch,
    GRPCRouteRule,
    HTTPCORSFilter,
    HTTPHeaderFilter,
    HTTPRequestMirrorFilter,
    HTTPRequestRedirectFilter,
    HTTPRouteMatch,
    HTTPRouteRetry,
    HTTPRouteRule,
    HTTPRouteTimeouts,
    HTTPURLRewriteFilter,
    NamedMatch,
    RouteFilter,
)
from lateen.api.resource import Resource
from lateen.api.virtual_service import (
    CorsPolicy,
    Destination,
    HeaderOperations,
    Headers,
    HTTPDirectResponse,
    HTTPMatchRequest,
    HTTPMirrorPolicy,
    HTTPRedirect,
    HTTPRetry,
    HTTPRewrite,
    HTTPRoute,
    HTTPRouteDestination,
    Percent,
    RedirectPortSelection,
    RegexRewrite,
    StringMatch,
    UnmatchedPreflights,
)
from lateen.gateway_api.backends import Backend, Referrer, backend
from lateen.gateway_api.credentials import Fault, joined
from lateen.gateway_api.sources import Sources

RETRY_ON = ("connect-failure", "refused-stream", "unavailable", "cancelled")
DEFAULT_ATTEMPTS = 2
ANY_ORIGIN = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$"
NOWHERE = Destination()
HEADER_FILTERS = ("RequestHeaderModifier", "ResponseHeaderModifier")
GRPC_FILTERS = (*HEADER_FILTERS, "RequestMirror")
HTTP_FILTERS = (*GRPC_FILTERS, "RequestRedirect", "URLRewrite", "CORS")
NO_BACKEND = HTTPDirectResponse(status=500)
Rule = HTTPRouteRule | GRPCRouteRule


@dataclass(frozen=True, slots=True)
class Converted:
    """The routes of a rule and what is wrong with it; None: the whole route is out of service."""

    routes: tuple[HTTPRoute, ...] | None
    fault: Fault | None = None


def rule_routes(
    mesh: Sources, referrer: Referrer, route: Resource[Any], rule: Rule, index: int
) -> Converted:
    backends = [
        (reference, backend(mesh, referrer, reference))
        for reference in rule.backend_refs
        if reference.weight > 0
    ]
    fatal = _fatal(rule, backends)
    if fatal is not None:
        return Converted(None, fatal)
    made = HTTPRoute(name=rule.name or f"{route.namespace}.{route.name}.{index}")
    made, mirror_fault, mirror_is_fatal = _filtered(mesh, referrer, made, rule.filters)
    if mirror_is_fatal and isinstance(rule, GRPCRouteRule):
        return Converted(None, mirror_fault)
    if isinstance(rule, HTTPRouteRule):
        made = _timed(made, rule.timeouts, rule.retry)
    if made.redirect is None or backends:
        made = _forwarded(made, backends)
    faults = [found.fault for _, found in backends if found.fault is not None]
    matches = tuple(_matches(rule.matches))
    routes = tuple(replace(made, match=(match,)) for match in matches) or (made,)
    return Converted(routes, joined(faults[-1] if faults else None, mirror_fault))


def _fatal(rule: Rule, backends: list[tuple[BackendRef, Backend]]) -> Fault | None:
    """What no request can be served with."""
    known = HTTP_FILTERS if isinstance(rule, HTTPRouteRule) else GRPC_FILTERS
    for each in rule.filters:
        if each.type not in known:
            return Fault("InvalidFilter", f'unsupported filter type "{each.type}"')
    if isinstance(rule, GRPCRouteRule):
        for match in rule.matches:
            if match.method is not None and not (match.method.service or match.method.method):
                message = "gRPC match must have method or service defined"
                return Fault("InvalidConfiguration", message)
    for reference, found in backends:
        if found.is_fatal:
            return found.fault
        for each in reference.filters:
            if each.type not in HEADER_FILTERS:
                return Fault("InvalidFilter", f'unsupported filter type "{each.type}"')
    return None


# -- matches -----------------------------------------------------------------------------------


def _matches(matches: Iterable[HTTPRouteMatch | GRPCRouteMatch]) -> Iterator[HTTPMatchRequest]:
    for match in matches:
        if isinstance(match, GRPCRouteMatch):
            yield HTTPMatchRequest(uri=_grpc_path(match), headers=_named(match.headers))
            continue
        yield HTTPMatchRequest(
            uri=_path(match),
            method=StringMatch(exact=match.method) if match.method else None,
            headers=_named(match.headers),
            query_params=_named(match.query_params),
        )


def _path(match: HTTPRouteMatch) -> StringMatch | None:
    if match.path is None:
        return None
    value = match.path.value
    if match.path.type == "Exact":
        return StringMatch(exact=value)
    if match.path.type == "RegularExpression":
        return StringMatch(regex=value)
    return StringMatch(prefix=value.rstrip("/") or "/")


def _grpc_path(match: GRPCRouteMatch) -> StringMatch | None:
    method = match.method
    if method is None:
        return None
    if method.type == "RegularExpression":
        if not method.method:
            return StringMatch(regex=f"/{method.service}/.+")
        return StringMatch(regex=f"/{method.service or '[^/]+'}/{method.method}")
    if method.service and method.method:
        return StringMatch(exact=f"/{method.service}/{method.method}")
    if method.service:
        return StringMatch(prefix=f"/{method.service}/")
    return StringMatch(regex=f"/[^/]+/{method.method}")


def _named(matches: Iterable[NamedMatch]) -> dict[str, StringMatch]:
    """By name; of several for one name the first counts."""
    found: dict[str, StringMatch] = {}
    for match in matches:
        pattern = match.type == "RegularExpression"
        value = StringMatch(regex=match.value) if pattern else StringMatch(exact=match.value)
        found.setdefault(match.name, value)
    return found


# -- filters -----------------------------------------------------------------------------------


def _filtered(
    mesh: Sources, referrer: Referrer, made: HTTPRoute, filters: Iterable[RouteFilter]
) -> tuple[HTTPRoute, Fault | None, bool]:
    """The route with its filters, what is wrong with its mirrors, and whether that is a mirror."""
    fault: Fault | None = None
    is_fatal = False
    for each in filters:
        if each.request_header_modifier is not None or each.response_header_modifier is not None:
            made = replace(made, headers=_headers(made.headers, each))
        elif each.request_redirect is not None:
            made = replace(made, redirect=_redirect(each.request_redirect))
        elif each.url_rewrite is not None:
            made = replace(made, rewrite=_rewrite(each.url_rewrite))
        elif each.cors is not None:
            made = replace(made, cors_policy=_cors(each.cors))
        elif each.request_mirror is not None and each.request_mirror.backend_ref is not None:
            found = backend(mesh, referrer, each.request_mirror.backend_ref)
            if found.fault is not None or found.destination is None:
                fault, is_fatal = found.fault, True
            else:
                copy = _mirror(found.destination, each.request_mirror)
                made = replace(made, mirrors=(*made.mirrors, copy))
    return made, fault, is_fatal


def _headers(old: Headers | None, each: RouteFilter) -> Headers:
    request, response = each.request_header_modifier, each.response_header_modifier
    old = old or Headers()
    return Headers(
        request=_operations(request) if request is not None else old.request,
        response=_operations(response) if response is not None else old.response,
    )


def _operations(wanted: HTTPHeaderFilter) -> HeaderOperations:
    return HeaderOperations(
        set={each.name: each.value for each in wanted.set},
        add={each.name: each.value for each in wanted.add},
        remove=wanted.remove,
    )


def _redirect(wanted: HTTPRequestRedirectFilter) -> HTTPRedirect:
    derived = None
    if wanted.port is None:
        derived = (
            RedirectPortSelection.FROM_PROTOCOL_DEFAULT
            if wanted.scheme
            else RedirectPortSelection.FROM_REQUEST_PORT
        )
    path = wanted.path
    prefix = path.replace_prefix_match if path is not None else None
    return HTTPRedirect(
        scheme=wanted.scheme,
        authority=wanted.hostname,
        port=wanted.port,
        derive_port=derived,
        redirect_code=wanted.status_code,
        uri=(path.replace_full_path or "") if path is not None else "",
        prefix_rewrite=(prefix or "/") if prefix is not None else "",
    )


def _rewrite(wanted: HTTPURLRewriteFilter) -> HTTPRewrite | None:
    made = HTTPRewrite(authority=wanted.hostname)
    if wanted.path is None:
        return made if wanted.hostname else None
    if wanted.path.type == "ReplaceFullPath":
        full = wanted.path.replace_full_path or "/"
        return replace(made, uri_regex_rewrite=RegexRewrite(match="/.*", rewrite=full))
    prefix = (wanted.path.replace_prefix_match or "").removesuffix("/")
    return replace(made, uri=prefix or "/")


def _mirror(destination: Destination, wanted: HTTPRequestMirrorFilter) -> HTTPMirrorPolicy:
    share: Percent | None = None
    if wanted.fraction is not None:
        part = 100.0 * wanted.fraction.numerator / (wanted.fraction.denominator or 100)
        share = Percent(value=part)
    elif wanted.percent is not None:
        share = Percent(value=float(wanted.percent))
    return HTTPMirrorPolicy(destination=destination, percentage=share)


def _cors(wanted: HTTPCORSFilter) -> CorsPolicy:
    return CorsPolicy(
        allow_origins=tuple(_origin(each) for each in wanted.allow_origins),
        allow_methods=wanted.allow_methods,
        allow_headers=wanted.allow_headers,
        expose_headers=wanted.expose_headers,
        allow_credentials=wanted.allow_credentials,
        max_age=Duration(wanted.max_age * 10**9) if wanted.max_age else None,
        unmatched_preflights=UnmatchedPreflights.IGNORE,
    )


def _origin(origin: str) -> StringMatch:
    if origin == "*":
        return StringMatch(regex=ANY_ORIGIN)
    if "*" not in origin:
        return StringMatch(exact=origin)
    pattern = ".*".join(part.replace(".", r"\.") for part in origin.split("*"))
    return StringMatch(regex=f"^{pattern}$")


# -- where requests go -------------------------------------------------------------------------


def _timed(
    made: HTTPRoute, timeouts: HTTPRouteTimeouts | None, retry: HTTPRouteRetry | None
) -> HTTPRoute:
    retries = _retries(retry) if retry is not None else None
    timeout = None
    if timeouts is not None:
        timeout = timeouts.request or None  # 0s: no limit
        if timeouts.backend_request:
            if retries is not None and retries.attempts:
                retries = replace(retries, per_try_timeout=timeouts.backend_request)
            else:
                timeout = timeouts.backend_request
    return replace(made, timeout=timeout, retries=retries)


def _retries(wanted: HTTPRouteRetry) -> HTTPRetry:
    if wanted.attempts == 0:
        return HTTPRetry()
    return HTTPRetry(
        attempts=wanted.attempts or DEFAULT_ATTEMPTS,
        backoff=wanted.backoff,
        retry_on=",".join((*RETRY_ON, *map(str, wanted.codes))),
    )


def _forwarded(made: HTTPRoute, backends: list[tuple[BackendRef, Backend]]) -> HTTPRoute:
    """The share of a backend that cannot be used is answered 500; so is a rule without weights."""
    usable = [(reference, found.destination or NOWHERE) for reference, found in backends]
    if not usable:
        return replace(made, direct_response=NO_BACKEND, rewrite=None, mirrors=())
    alone = len(usable) == 1
    return replace(
        made,
        route=tuple(
            HTTPRouteDestination(
                destination=destination,
                weight=0 if alone else reference.weight,
                headers=_backend_headers(reference.filters),
            )
            for reference, destination in usable
        ),
    )


def _backend_headers(filters: Iterable[RouteFilter]) -> Headers | None:
    found: Headers | None = None
    for each in filters:
        if each.request_header_modifier is not None or each.response_header_modifier is not None:
            found = _headers(found, each)
    return found
