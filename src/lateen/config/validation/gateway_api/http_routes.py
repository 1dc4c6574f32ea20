"""HTTPRoute."""

import re
from collections.abc import Sequence

from lateen.api.gateway_api.route import (
    HTTPPathMatch,
    HTTPRouteMatch,
    HTTPRouteRule,
    HTTPRouteSpec,
    NamedMatch,
)
from lateen.api.resource import Resource
from lateen.config.validation import re2
from lateen.config.validation.gateway_api import filters, references, shapes
from lateen.config.validation.report import Report

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
PATH_TYPES = ("Exact", "PathPrefix", "RegularExpression")
VALUE_TYPES = ("Exact", "RegularExpression")
PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
FORBIDDEN = ("//", "/./", "/../", "%2f", "%2F", "#")
FORBIDDEN_ENDS = ("/..", "/.")
LONGEST_PATH, LONGEST_VALUE = 1024, 4096
MOST_RULES, MOST_MATCHES, MOST_MATCHES_OF_ALL, MOST_NAMED = 16, 64, 128, 16
FIRST_RETRIED, LAST_RETRIED = 400, 599


def check(resource: Resource[HTTPRouteSpec], report: Report) -> None:
    spec = resource.spec
    references.check_parents(report, spec.parent_refs)
    shapes.check_hostnames(report, "spec.hostnames", spec.hostnames)
    shapes.check_count(report, "spec.rules", spec.rules, most=MOST_RULES)
    shapes.check_unique(report, "spec.rules", "name", (rule.name for rule in spec.rules))
    if sum(len(rule.matches) for rule in spec.rules) > MOST_MATCHES_OF_ALL:
        report.error("spec.rules", f"have more than {MOST_MATCHES_OF_ALL} matches together")
    for index, rule in enumerate(spec.rules):
        _check_rule(report, f"spec.rules[{index}]", rule)


def _check_rule(report: Report, path: str, rule: HTTPRouteRule) -> None:
    shapes.check_count(report, f"{path}.matches", rule.matches, most=MOST_MATCHES)
    for index, match in enumerate(rule.matches):
        _check_match(report, f"{path}.matches[{index}]", match)
    filters.check_filters(report, f"{path}.filters", rule.filters)
    references.check_backends(report, f"{path}.backendRefs", rule.backend_refs)
    for index, backend in enumerate(rule.backend_refs):
        filters.check_filters(report, f"{path}.backendRefs[{index}].filters", backend.filters)
    if rule.backend_refs and any(each.request_redirect is not None for each in rule.filters):
        report.error(f"{path}.backendRefs", "cannot stand together with a RequestRedirect filter")
    references.check_persistence(report, path, rule)
    _check_prefix(report, path, rule)
    _check_times(report, path, rule)


def _check_prefix(report: Report, path: str, rule: HTTPRouteRule) -> None:
    """A prefix can be replaced only where exactly one is matched. Without matches that is `/`."""
    groups = [(f"{path}.filters", rule.filters)]
    groups += [
        (f"{path}.backendRefs[{index}].filters", backend.filters)
        for index, backend in enumerate(rule.backend_refs)
    ]
    paths = [match.path for match in rule.matches]
    by_prefix = len(paths) == 1 and (paths[0] is None or paths[0].type == "PathPrefix")
    for place, found in groups:
        if filters.replaces_prefix(found) and paths and not by_prefix:
            report.error(place, "ReplacePrefixMatch needs exactly one match, of type PathPrefix")


def _check_times(report: Report, path: str, rule: HTTPRouteRule) -> None:
    if rule.timeouts is not None:
        whole, part = rule.timeouts.request, rule.timeouts.backend_request
        shapes.check_duration(report, f"{path}.timeouts.request", whole)
        shapes.check_duration(report, f"{path}.timeouts.backendRequest", part)
        if whole and part and part > whole:
            report.error(f"{path}.timeouts.backendRequest", "cannot be longer than request")
    if rule.retry is not None:
        for index, code in enumerate(rule.retry.codes):
            if not FIRST_RETRIED <= code <= LAST_RETRIED:
                place = f"{path}.retry.codes[{index}]"
                report.error(place, f"{code} must be from {FIRST_RETRIED} to {LAST_RETRIED}")
        shapes.check_duration(report, f"{path}.retry.backoff", rule.retry.backoff)


def _check_match(report: Report, path: str, match: HTTPRouteMatch) -> None:
    if match.path is not None:
        _check_path(report, f"{path}.path", match.path)
    if match.method:
        shapes.check_one_of(report, f"{path}.method", match.method, METHODS)
    check_named(report, f"{path}.headers", match.headers)
    check_named(report, f"{path}.queryParams", match.query_params)


def _check_path(report: Report, path: str, match: HTTPPathMatch) -> None:
    value, place = match.value, f"{path}.value"
    shapes.check_one_of(report, f"{path}.type", match.type, PATH_TYPES)
    if len(value) > LONGEST_PATH:
        report.error(place, f"is too long: at most {LONGEST_PATH} characters")
    if match.type == "RegularExpression":
        fault = re2.fault(value)
        if fault:
            report.error(place, f'"{value}" is no regular expression of RE2: {fault}')
        return
    if not value.startswith("/"):
        report.error(place, f'"{value}" must begin with /')
        return
    for part in FORBIDDEN:
        if part in value:
            report.error(place, f'"{value}" must not contain "{part}"')
    if value.endswith(FORBIDDEN_ENDS):
        report.error(place, f'"{value}" must not end with . or ..')
    if not PATH.fullmatch(value):
        report.error(place, f'"{value}" has characters that no path has', "write them as %20")


def check_named(report: Report, path: str, matches: Sequence[NamedMatch]) -> None:
    """Matches of headers or query parameters."""
    shapes.check_count(report, path, matches, most=MOST_NAMED)
    shapes.check_unique(report, path, "name", (match.name for match in matches))
    for index, match in enumerate(matches):
        place = f"{path}[{index}]"
        shapes.check_one_of(report, f"{place}.type", match.type, VALUE_TYPES)
        shapes.check_header_name(report, f"{place}.name", match.name)
        if not 0 < len(match.value) <= LONGEST_VALUE:
            report.error(f"{place}.value", f"must have 1 to {LONGEST_VALUE} characters")
        elif match.type == "RegularExpression":
            fault = re2.fault(match.value)
            if fault:
                shown = f'"{match.value}" is no regular expression of RE2: {fault}'
                report.error(f"{place}.value", shown)
