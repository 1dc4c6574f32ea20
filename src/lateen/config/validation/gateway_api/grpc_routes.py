"""GRPCRoute."""

import re

from lateen.api.gateway_api.route import GRPCMethodMatch, GRPCRouteRule, GRPCRouteSpec
from lateen.api.resource import Resource
from lateen.config.validation import re2
from lateen.config.validation.gateway_api import filters, references, shapes
from lateen.config.validation.gateway_api.http_routes import VALUE_TYPES, check_named
from lateen.config.validation.report import Report

SERVICE = re.compile(r"(?i)\.?[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*")
METHOD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
LONGEST = 1024
MOST_RULES, MOST_MATCHES = 16, 64


def check(resource: Resource[GRPCRouteSpec], report: Report) -> None:
    spec = resource.spec
    references.check_parents(report, spec.parent_refs)
    shapes.check_hostnames(report, "spec.hostnames", spec.hostnames)
    shapes.check_count(report, "spec.rules", spec.rules, most=MOST_RULES)
    shapes.check_unique(report, "spec.rules", "name", (rule.name for rule in spec.rules))
    for index, rule in enumerate(spec.rules):
        _check_rule(report, f"spec.rules[{index}]", rule)


def _check_rule(report: Report, path: str, rule: GRPCRouteRule) -> None:
    references.check_persistence(report, path, rule)
    shapes.check_count(report, f"{path}.matches", rule.matches, most=MOST_MATCHES)
    for index, match in enumerate(rule.matches):
        place = f"{path}.matches[{index}]"
        if match.method is not None:
            _check_method(report, f"{place}.method", match.method)
        check_named(report, f"{place}.headers", match.headers)
    types = filters.GRPC_TYPES
    filters.check_filters(report, f"{path}.filters", rule.filters, types=types)
    references.check_backends(report, f"{path}.backendRefs", rule.backend_refs)
    for index, backend in enumerate(rule.backend_refs):
        place = f"{path}.backendRefs[{index}].filters"
        filters.check_filters(report, place, backend.filters, types=types)


def _check_method(report: Report, path: str, method: GRPCMethodMatch) -> None:
    shapes.check_one_of(report, f"{path}.type", method.type, VALUE_TYPES)
    if not method.service and not method.method:
        report.error(path, "one or both of service and method must be set")
    for field, value, pattern in (
        ("service", method.service, SERVICE),
        ("method", method.method, METHOD),
    ):
        if not value:
            continue
        fault = re2.fault(value) if method.type == "RegularExpression" else ""
        exact = method.type != "Exact" or pattern.fullmatch(value) is not None
        if len(value) > LONGEST or fault or not exact:
            report.error(f"{path}.{field}", f'"{value}" is no {field}{f": {fault}" * bool(fault)}')
