"""Filters of routes and of their backends: one field for the type, and which may stand together."""

import re
from collections.abc import Sequence

from lateen.api.gateway_api.route import (
    HTTPCORSFilter,
    HTTPHeader,
    HTTPHeaderFilter,
    HTTPPathModifier,
    HTTPRequestMirrorFilter,
    HTTPRequestRedirectFilter,
    RouteFilter,
)
from lateen.config.validation.gateway_api import references, shapes
from lateen.config.validation.report import Report

FIELDS = {  # by type: the field as users write it, and as the struct has it
    "RequestHeaderModifier": ("requestHeaderModifier", "request_header_modifier"),
    "ResponseHeaderModifier": ("responseHeaderModifier", "response_header_modifier"),
    "RequestMirror": ("requestMirror", "request_mirror"),
    "RequestRedirect": ("requestRedirect", "request_redirect"),
    "URLRewrite": ("urlRewrite", "url_rewrite"),
    "CORS": ("cors", "cors"),
}
OTHERS = ("ExtensionRef", "ExternalAuth")  # known, and nothing here describes them
GRPC_TYPES = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef")
REPEATED = ("RequestMirror", *OTHERS)
MOST = 16
REDIRECT_CODES = (301, 302, 303, 307, 308)
FULL, PREFIX = "ReplaceFullPath", "ReplacePrefixMatch"
ORIGIN = re.compile(r"\*|https?://(?:\*|(?:\*\.)?[A-Za-z0-9.-]+)(?::(?:\d{1,5}|\*))?")


def check_filters(
    report: Report, path: str, filters: Sequence[RouteFilter], *, types: Sequence[str] = ()
) -> None:
    shapes.check_count(report, path, filters, most=MOST)
    known = types or (*FIELDS, *OTHERS)
    seen: set[str] = set()
    for index, each in enumerate(filters):
        place = f"{path}[{index}]"
        shapes.check_one_of(report, f"{place}.type", each.type, known)
        _check_fields(report, place, each)
        _check_content(report, place, each)
        if each.type in seen and each.type not in REPEATED:
            report.error(place, f"{each.type} filter cannot be repeated")
        seen.add(each.type)
    if {"RequestRedirect", "URLRewrite"} <= seen:
        report.error(path, "RequestRedirect and URLRewrite cannot stand together")


def _check_fields(report: Report, path: str, each: RouteFilter) -> None:
    """The field of the type, and no other."""
    for kind, (written, name) in FIELDS.items():
        is_set = getattr(each, name) is not None
        if kind == each.type and not is_set:
            report.error(f"{path}.{written}", f"must be set for type {kind}")
        elif kind != each.type and is_set:
            report.error(f"{path}.{written}", f'cannot be set for type "{each.type}"')


def _check_content(report: Report, path: str, each: RouteFilter) -> None:
    for kind in ("RequestHeaderModifier", "ResponseHeaderModifier"):
        written, name = FIELDS[kind]
        modifier = getattr(each, name)
        if modifier is not None:
            _check_headers(report, f"{path}.{written}", modifier)
    if each.request_mirror is not None:
        _check_mirror(report, f"{path}.requestMirror", each.request_mirror)
    if each.request_redirect is not None:
        _check_redirect(report, f"{path}.requestRedirect", each.request_redirect)
    if each.url_rewrite is not None:
        place, rewrite = f"{path}.urlRewrite", each.url_rewrite
        if rewrite.hostname:
            shapes.check_hostname(report, f"{place}.hostname", rewrite.hostname, wildcard=False)
        _check_modifier(report, f"{place}.path", rewrite.path)
    if each.cors is not None:
        _check_cors(report, f"{path}.cors", each.cors)


def _check_headers(report: Report, path: str, modifier: HTTPHeaderFilter) -> None:
    for field, headers in (("set", modifier.set), ("add", modifier.add)):
        _check_header_list(report, f"{path}.{field}", headers)
    shapes.check_count(report, f"{path}.remove", modifier.remove, most=MOST)


def _check_header_list(report: Report, path: str, headers: Sequence[HTTPHeader]) -> None:
    shapes.check_count(report, path, headers, most=MOST)
    for index, header in enumerate(headers):
        shapes.check_header_name(report, f"{path}[{index}].name", header.name)
        if not header.value:
            report.error(f"{path}[{index}].value", "must not be empty")
    shapes.check_unique(report, path, "name", (header.name for header in headers))


def _check_mirror(report: Report, path: str, mirror: HTTPRequestMirrorFilter) -> None:
    if mirror.backend_ref is None:
        report.error(f"{path}.backendRef", "must be set")
    else:
        references.check_backend(report, f"{path}.backendRef", mirror.backend_ref)
    if mirror.percent is not None and mirror.fraction is not None:
        report.error(path, "only one of percent and fraction may be set")
    if mirror.percent is not None and not 0 <= mirror.percent <= 100:
        report.error(f"{path}.percent", f"{mirror.percent} must be from 0 to 100")
    part = mirror.fraction
    if part is not None and not 0 <= part.numerator <= part.denominator:
        report.error(f"{path}.fraction", "numerator must be from 0 to the denominator")
    if part is not None and part.denominator < 1:
        report.error(f"{path}.fraction.denominator", "must be at least 1")


def _check_redirect(report: Report, path: str, redirect: HTTPRequestRedirectFilter) -> None:
    if redirect.scheme:
        shapes.check_one_of(report, f"{path}.scheme", redirect.scheme, ("http", "https"))
    if redirect.hostname:
        shapes.check_hostname(report, f"{path}.hostname", redirect.hostname, wildcard=False)
    if redirect.port is not None:
        shapes.check_port(report, f"{path}.port", redirect.port)
    if redirect.status_code not in REDIRECT_CODES:
        known = ", ".join(map(str, REDIRECT_CODES))
        report.error(f"{path}.statusCode", f"{redirect.status_code} redirects nobody", known)
    _check_modifier(report, f"{path}.path", redirect.path)


def _check_modifier(report: Report, path: str, modifier: HTTPPathModifier | None) -> None:
    if modifier is None:
        return
    shapes.check_one_of(report, f"{path}.type", modifier.type, (FULL, PREFIX))
    fields = ((FULL, modifier.replace_full_path), (PREFIX, modifier.replace_prefix_match))
    for kind, value in fields:
        written = kind[0].lower() + kind[1:]
        if modifier.type == kind and value is None:
            report.error(f"{path}.{written}", f"must be set for type {kind}")
        elif modifier.type != kind and value is not None:
            report.error(f"{path}.{written}", f'cannot be set for type "{modifier.type}"')


def _check_cors(report: Report, path: str, cors: HTTPCORSFilter) -> None:
    for index, origin in enumerate(cors.allow_origins):
        if not ORIGIN.fullmatch(origin):
            hint = "such as https://example.com or https://*.example.com"
            report.error(f"{path}.allowOrigins[{index}]", f'"{origin}" is no origin', hint)
    for field, items in (
        ("allowOrigins", cors.allow_origins),
        ("allowMethods", cors.allow_methods),
        ("allowHeaders", cors.allow_headers),
    ):
        if "*" in items and len(items) > 1:
            report.error(f"{path}.{field}", '"*" cannot stand with others')
    if cors.max_age < 0:
        report.error(f"{path}.maxAge", "must be at least 1")


def replaces_prefix(filters: Sequence[RouteFilter]) -> bool:
    """Whether a path prefix is replaced, so that the rule must match by one."""
    modifiers = [each.request_redirect.path for each in filters if each.request_redirect]
    modifiers += [each.url_rewrite.path for each in filters if each.url_rewrite]
    return any(each is not None and each.type == PREFIX for each in modifiers)
