"""One HTTP route of a VirtualService: what it matches, and what it does with the request."""

from collections.abc import Mapping

from lateen.api.virtual_service import (
    Abort,
    CorsPolicy,
    Delay,
    HeaderOperations,
    Headers,
    HTTPDirectResponse,
    HTTPFaultInjection,
    HTTPMatchRequest,
    HTTPRedirect,
    HTTPRewrite,
    HTTPRoute,
    HTTPRouteDestination,
    StringMatch,
)
from lateen.config.validation import http, names, re2
from lateen.config.validation.destinations import check_destination, check_gateway_names
from lateen.config.validation.report import Report

BODY_LIMIT = 1024 * 1024
BODY_WARNING = 100 * 1024  # every proxy holds every body in memory


def check_http_route(report: Report, path: str, route: HTTPRoute, *, is_delegate: bool) -> None:
    if route.delegate is not None and is_delegate:
        report.error(f"{path}.delegate", "a delegate cannot have a delegate itself")
    check_action(report, path, route)
    for index, match in enumerate(route.match):
        check_match(report, f"{path}.match[{index}]", match)
    check_headers(report, f"{path}.headers", route.headers)
    check_cors(report, f"{path}.corsPolicy", route.cors_policy)
    check_fault(report, f"{path}.fault", route.fault)
    check_mirrors(report, path, route)
    check_redirect(report, f"{path}.redirect", route)
    check_direct_response(report, f"{path}.directResponse", route.direct_response)
    check_rewrite(report, f"{path}.rewrite", route.rewrite)
    http.check_retries(report, f"{path}.retries", route.retries)
    http.check_duration(report, f"{path}.timeout", route.timeout)
    check_destinations(report, f"{path}.route", route.route)
    check_authority(report, path, route)


def check_action(report: Report, path: str, route: HTTPRoute) -> None:
    """A route does one thing: forward, redirect, answer, or delegate."""
    if route.delegate is not None:
        for field, present in (
            ("route", bool(route.route)),
            ("redirect", route.redirect is not None),
            ("directResponse", route.direct_response is not None),
        ):
            if present:
                report.error(
                    path, f"HTTP route cannot contain both {field} and delegate", "keep one of them"
                )
        return
    if route.redirect is not None:
        exclude(report, path, route, "redirect", "directResponse")
    elif route.direct_response is not None:
        exclude(report, path, route, "directResponse", "redirect")
    elif not route.route:
        report.error(
            path,
            "HTTP route, redirect or direct_response is required",
            "add route: with a destination",
        )


def exclude(report: Report, path: str, route: HTTPRoute, action: str, other: str) -> None:
    present = {
        "route": bool(route.route),
        "fault": route.fault is not None,
        "rewrite": route.rewrite is not None,
        other: (route.direct_response if other == "directResponse" else route.redirect) is not None,
    }
    for field, is_set in present.items():
        if is_set:
            report.error(
                path, f"HTTP route cannot contain both {field} and {action}", "keep one of them"
            )


def check_match(report: Report, path: str, match: HTTPMatchRequest) -> None:
    for field, value in (
        ("uri", match.uri),
        ("scheme", match.scheme),
        ("method", match.method),
        ("authority", match.authority),
    ):
        http.check_string_match(report, f"{path}.{field}", value)
    check_header_matches(report, f"{path}.headers", match.headers)
    check_header_matches(report, f"{path}.withoutHeaders", match.without_headers)
    for name, value in match.query_params.items():
        where = f"{path}.queryParams[{name}]"
        if not name:
            report.error(where, "query parameter name cannot be empty")
        http.check_string_match(report, where, value)
    if match.port:
        names.check_port(report, f"{path}.port", match.port)
    names.check_labels(report, f"{path}.sourceLabels", match.source_labels)
    check_gateway_names(report, f"{path}.gateways", match.gateways)
    if match.source_namespace and not names.is_namespace(match.source_namespace):
        report.error(f"{path}.sourceNamespace", f'"{match.source_namespace}" is not a namespace')


def check_header_matches(report: Report, path: str, headers: Mapping[str, StringMatch]) -> None:
    for name, match in headers.items():
        where = f"{path}[{name}]"
        fault = http.matched_header_fault(name)
        if fault:
            report.error(where, fault)
        http.check_string_match(report, where, match)


def check_headers(report: Report, path: str, headers: Headers | None) -> None:
    if headers is None:
        return
    check_operations(report, f"{path}.request", headers.request)
    check_operations(report, f"{path}.response", headers.response)


def check_operations(report: Report, path: str, operations: HeaderOperations | None) -> None:
    if operations is None:
        return
    for field, values in (("set", operations.set), ("add", operations.add)):
        for name, value in values.items():
            where = f"{path}.{field}[{name}]"
            for fault in (http.changed_header_fault(name), http.header_value_fault(value)):
                if fault:
                    report.error(where, fault)
    for index, name in enumerate(operations.remove):
        fault = http.changed_header_fault(name)
        if fault:
            report.error(f"{path}.remove[{index}]", fault)


def check_cors(report: Report, path: str, policy: CorsPolicy | None) -> None:
    if policy is None:
        return
    for index, origin in enumerate(policy.allow_origins):
        http.check_string_match(report, f"{path}.allowOrigins[{index}]", origin, exact_empty=False)
    for index, method in enumerate(policy.allow_methods):
        if method not in CORS_METHODS:
            report.error(f"{path}.allowMethods[{index}]", f'"{method}" is not an HTTP method')
    for field, values in (
        ("allowHeaders", policy.allow_headers),
        ("exposeHeaders", policy.expose_headers),
    ):
        for index, name in enumerate(values):
            fault = http.header_name_fault(name) if name != "*" else ""
            if fault:
                report.error(f"{path}.{field}[{index}]", fault)
    check_max_age(report, f"{path}.maxAge", policy)


CORS_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*")
)


def check_max_age(report: Report, path: str, policy: CorsPolicy) -> None:
    if policy.max_age is None:
        return
    http.check_duration(report, path, policy.max_age)
    if policy.max_age % 10**9 and not policy.max_age % http.MILLISECOND:
        report.error(path, f"maxAge is in whole seconds, not {policy.max_age}")


def check_fault(report: Report, path: str, fault: HTTPFaultInjection | None) -> None:
    if fault is None:
        return
    if fault.delay is None and fault.abort is None:
        report.error(path, "HTTP fault injection must have an abort and/or a delay")
    if fault.delay is not None:
        check_delay(report, f"{path}.delay", fault.delay)
    if fault.abort is not None:
        check_abort(report, f"{path}.abort", fault.abort)


def check_delay(report: Report, path: str, delay: Delay) -> None:
    http.check_percent(report, f"{path}.percentage", delay.percentage)
    if delay.percent:
        report.warning(
            f"{path}.percent", "percent is deprecated", "use percentage", code="deprecated"
        )
        if not 0 <= delay.percent <= 100:
            report.error(f"{path}.percent", f"must be from 0 to 100, not {delay.percent}")
    http.check_duration(report, f"{path}.fixedDelay", delay.fixed_delay)
    if delay.exponential_delay is not None:
        report.error(
            f"{path}.exponentialDelay", "exponentialDelay is not supported", "use fixedDelay"
        )


def check_abort(report: Report, path: str, abort: Abort) -> None:
    http.check_percent(report, f"{path}.percentage", abort.percentage)
    if abort.http_status is not None:
        http.check_status(report, f"{path}.httpStatus", abort.http_status)
    if abort.grpc_status is not None and abort.grpc_status not in http.GRPC_STATUSES:
        report.error(f"{path}.grpcStatus", f'"{abort.grpc_status}" is not a gRPC status')
    if abort.http2_error is not None:
        report.error(f"{path}.http2Error", "http2Error is not supported", "use httpStatus")


def check_mirrors(report: Report, path: str, route: HTTPRoute) -> None:
    if route.mirror is not None and route.mirrors:
        report.error(path, "HTTP route cannot contain both mirror and mirrors", "use mirrors")
    if route.mirror is not None:
        check_destination(report, f"{path}.mirror", route.mirror)
    for index, mirror in enumerate(route.mirrors):
        where = f"{path}.mirrors[{index}]"
        check_destination(report, f"{where}.destination", mirror.destination)
        http.check_percent(report, f"{where}.percentage", mirror.percentage)
    http.check_percent(report, f"{path}.mirrorPercentage", route.mirror_percentage)
    if route.mirror_percent is not None:
        report.warning(
            f"{path}.mirrorPercent",
            'using deprecated setting "mirrorPercent"',
            "use mirrorPercentage",
            code="deprecated",
        )
        if route.mirror_percent > 100:
            report.error(
                f"{path}.mirrorPercent", f"must be from 0 to 100, not {route.mirror_percent}"
            )


def check_redirect(report: Report, path: str, route: HTTPRoute) -> None:
    redirect = route.redirect
    if redirect is None:
        return
    if not names_a_target(redirect):
        report.error(path, "redirect must specify uri, authority, scheme, or port")
    if redirect.uri and redirect.prefix_rewrite:
        report.error(path, "uri and prefixRewrite exclude each other", "keep one of them")
    if redirect.prefix_rewrite and not only_prefixes(route):
        report.error(
            f"{path}.prefixRewrite", "prefixRewrite needs a prefix match on uri in every match"
        )
    code = redirect.redirect_code
    if code and not 300 <= code <= 399:
        report.error(f"{path}.redirectCode", f"{code} is not a redirect status (300 to 399)")
    if redirect.scheme and redirect.scheme not in ("http", "https"):
        report.error(f"{path}.scheme", f'"{redirect.scheme}" is neither http nor https')
    if redirect.port is not None:
        names.check_port(report, f"{path}.port", redirect.port)


def names_a_target(redirect: HTTPRedirect) -> bool:
    return bool(
        redirect.uri
        or redirect.prefix_rewrite
        or redirect.authority
        or redirect.scheme
        or redirect.port is not None
        or redirect.derive_port is not None
    )


def only_prefixes(route: HTTPRoute) -> bool:
    return all(match.uri is None or match.uri.prefix is not None for match in route.match)


def check_direct_response(report: Report, path: str, response: HTTPDirectResponse | None) -> None:
    if response is None:
        return
    http.check_status(report, f"{path}.status", response.status)
    if response.body is None:
        return
    text, data = response.body.string, response.body.bytes
    size = len(text.encode()) if text is not None else len(data or b"")
    if size > BODY_LIMIT:
        report.error(f"{path}.body", f"response body is {size} bytes; at most 1 MB is allowed")
    elif size > BODY_WARNING:
        report.warning(
            f"{path}.body",
            f"response body is {size} bytes; over 100 KB it costs every proxy memory",
        )


def check_rewrite(report: Report, path: str, rewrite: HTTPRewrite | None) -> None:
    if rewrite is None:
        return
    regex = rewrite.uri_regex_rewrite
    if rewrite.uri and regex is not None:
        report.error(path, "rewrite may contain only one of uri and uriRegexRewrite")
    if not rewrite.uri and regex is None and not rewrite.authority:
        report.error(path, "rewrite must specify uri, uriRegexRewrite, or authority")
    if regex is not None:
        where = f"{path}.uriRegexRewrite"
        if not regex.match or not regex.rewrite:
            report.error(where, "uriRegexRewrite requires both match and rewrite")
        http.check_regex(report, f"{where}.match", regex.match)
        fault = re2.rewrite_fault(regex.rewrite, regex.match)
        if fault:
            report.error(f"{where}.rewrite", fault)


def check_destinations(report: Report, path: str, routes: tuple[HTTPRouteDestination, ...]) -> None:
    total = 0
    for index, route in enumerate(routes):
        where = f"{path}[{index}]"
        check_destination(report, f"{where}.destination", route.destination)
        check_headers(report, f"{where}.headers", route.headers)
        if route.weight < 0:
            report.error(f"{where}.weight", f"weight {route.weight} is negative")
        total += max(route.weight, 0)
    if len(routes) > 1 and total == 0:
        report.error(path, "total destination weight = 0", "give each destination a weight")


def check_authority(report: Report, path: str, route: HTTPRoute) -> None:
    """At one level the authority is rewritten in one place; the route's own wins over others."""
    rewrites = bool(route.rewrite and route.rewrite.authority)
    if authorities(route.headers) + rewrites > 1:
        report.error(path, "sets the authority more than once", "keep one of them")
    for index, destination in enumerate(route.route):
        if authorities(destination.headers) > 1:
            report.error(
                f"{path}.route[{index}].headers",
                "sets the authority more than once",
                "keep one of them",
            )


def authorities(headers: Headers | None) -> int:
    if headers is None or headers.request is None:
        return 0
    names_set = (*headers.request.set, *headers.request.add)
    return sum(name.lower() in ("host", ":authority") for name in names_set)
