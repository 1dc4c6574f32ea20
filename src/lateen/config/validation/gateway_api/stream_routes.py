"""TLSRoute, TCPRoute and UDPRoute."""

from collections.abc import Sequence

from lateen.api.gateway_api.route import StreamRouteRule, TCPRouteSpec, TLSRouteSpec
from lateen.api.resource import Resource
from lateen.config.validation.gateway_api import references, shapes
from lateen.config.validation.report import Report

MOST_RULES = 16


def check_tls(resource: Resource[TLSRouteSpec], report: Report) -> None:
    spec = resource.spec
    references.check_parents(report, spec.parent_refs)
    if resource.api_version.endswith("/v1") and not spec.hostnames:
        report.error("spec.hostnames", "must not be empty")
    shapes.check_hostnames(report, "spec.hostnames", spec.hostnames)
    _check_rules(report, spec.rules)


def check_tcp(resource: Resource[TCPRouteSpec], report: Report) -> None:
    references.check_parents(report, resource.spec.parent_refs)
    _check_rules(report, resource.spec.rules)


def _check_rules(report: Report, rules: Sequence[StreamRouteRule]) -> None:
    shapes.check_count(report, "spec.rules", rules, least=1, most=MOST_RULES)
    shapes.check_unique(report, "spec.rules", "name", (rule.name for rule in rules))
    for index, rule in enumerate(rules):
        references.check_backends(report, f"spec.rules[{index}].backendRefs", rule.backend_refs)
