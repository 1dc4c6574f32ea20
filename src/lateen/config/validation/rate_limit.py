"""RateLimit: its rules for requests and connections, the answer to refusals, the service."""

from lateen.api.duration import UNITS, Duration
from lateen.api.rate_limit import (
    ConnectionRule,
    Dimension,
    RateLimit,
    RateLimitRule,
    RateLimitService,
    RefusedResponse,
    is_global,
)
from lateen.api.resource import Resource
from lateen.config.validation import names
from lateen.config.validation.authorization_policy import check_rule, template_fault
from lateen.config.validation.http import (
    changed_header_fault,
    check_status,
    header_name_fault,
    header_value_fault,
)
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import GATEWAY_GROUP, check_selector, check_targets

RULES_LIMIT = 100  # each costs every request of the workload a little
DIMENSIONS_LIMIT = 8
HEADERS_LIMIT = 10  # as many as Envoy's filter adds
TEXT_LIMIT = 256
LONGEST_TIMEOUT = Duration(10 * UNITS["s"])
CANNOT_RENAME = ("remote_address", "destination")  # Envoy names these itself
OF_CONNECTIONS = ("remote_address", "fixed")


def check(resource: Resource[RateLimit], report: Report) -> None:
    spec = resource.spec
    check_selector(report, "spec.selector", spec.selector)
    check_targets(report, selector=spec.selector, target_ref=None, target_refs=spec.target_refs)
    for index, reference in enumerate(spec.target_refs):
        if (reference.group, reference.kind) != (GATEWAY_GROUP, "Gateway"):
            report.error(
                f"spec.targetRefs[{index}]",
                f"a RateLimit is attached to a Gateway of {GATEWAY_GROUP}, not {reference.kind}",
                "choose workloads with spec.selector",
            )
    if not spec.rules and not spec.connections:
        report.error("spec", "limits nothing", "add an entry to spec.rules or spec.connections")
    if len(spec.rules) > RULES_LIMIT:
        report.error("spec.rules", f"at most {RULES_LIMIT} rules, not {len(spec.rules)}")
    check_names(report, spec)
    for index, rule in enumerate(spec.rules):
        check_request_rule(report, f"spec.rules[{index}]", rule)
    for index, limit in enumerate(spec.connections):
        check_connection_rule(report, f"spec.connections[{index}]", limit)
    check_response(report, spec.response)
    check_service(report, spec)


def check_names(report: Report, spec: RateLimit) -> None:
    """They name counters: a limit that changes place keeps its count."""
    named = [(f"spec.rules[{at}].name", rule.name) for at, rule in enumerate(spec.rules)]
    named += [
        (f"spec.connections[{at}].name", rule.name) for at, rule in enumerate(spec.connections)
    ]
    seen: set[str] = set()
    for where, name in named:
        if not names.is_dns_label(name):
            report.error(where, f'"{name}" is not a name', "letters, digits and -, at most 63")
        elif name in seen:
            report.error(where, f'"{name}" is the name of another rule, too')
        seen.add(name)


# -- requests ----------------------------------------------------------------------------------


def check_request_rule(report: Report, path: str, rule: RateLimitRule) -> None:
    check_rule(report, path, rule)
    if len(rule.by) > DIMENSIONS_LIMIT:
        report.error(f"{path}.by", f"at most {DIMENSIONS_LIMIT} entries, not {len(rule.by)}")
    for index, dimension in enumerate(rule.by):
        check_dimension(report, f"{path}.by[{index}]", dimension)
    if rule.local is None and rule.global_ is None:
        report.error(path, "has no limit", "set local or global")
    if rule.local is not None:
        check_amount(report, f"{path}.local", rule.local.requests, "requests")
        check_burst(report, f"{path}.local", rule.local.burst, rule.local.requests)
    if rule.global_ is not None and not rule.global_.requests:
        check_asked_without_limit(report, path, rule)


def check_asked_without_limit(report: Report, path: str, rule: RateLimitRule) -> None:
    """The service is asked with `by` alone, so nothing else can be told it."""
    if not rule.by:
        report.error(
            f"{path}.global.requests",
            "is not set, and there is no entry in by to ask the service about",
            "set requests, or the entries that the service's own configuration is about",
        )
    if rule.from_ or rule.to or rule.when:
        report.error(
            f"{path}.global.requests",
            "must be set where from, to or when choose the requests",
        )


def check_amount(report: Report, path: str, amount: int, field: str) -> None:
    if not amount:
        report.error(
            f"{path}.{field}", "must be at least 1", "to refuse everything use AuthorizationPolicy"
        )


def check_burst(report: Report, path: str, burst: int, amount: int) -> None:
    if burst and burst < amount:
        report.warning(
            f"{path}.burst",
            f"is below the {amount} of a whole unit: only {burst} can come at once",
        )


def check_dimension(report: Report, path: str, by: Dimension) -> None:
    kind = next((name for name in Dimension.ONEOFS[0] if getattr(by, name) is not None), None)
    if kind is None:
        report.error(path, "says nothing", "set header, claim, principal, remoteAddress or path")
        return
    if by.key and kind in CANNOT_RENAME:
        report.error(f"{path}.key", "cannot be chosen for this entry; Envoy names it")
    check_text(report, f"{path}.key", by.key)
    if by.header is not None:
        fault = header_name_fault(by.header.name)
        if fault:
            report.error(f"{path}.header.name", fault)
    if by.claim is not None and not (by.claim.path and all(by.claim.path)):
        report.error(f"{path}.claim.path", "must name a claim", "for example [sub]")
    if by.path is not None:
        for index, template in enumerate(by.path.templates):
            check_template(report, f"{path}.path.templates[{index}]", template)
    if by.fixed is not None and not by.fixed.value:
        report.error(f"{path}.fixed.value", "must not be empty")
    check_prefixes(report, path, by)
    for name in ("header", "claim", "principal", "path"):
        value = getattr(by, name)
        if value is None:
            continue
        check_text(report, f"{path}.{name}.default", value.default)
        if not value.default:
            report.error(f"{path}.{name}.default", "must not be empty: Envoy sends no empty values")


def check_template(report: Report, path: str, template: str) -> None:
    fault = template_fault(template)
    if fault:
        report.error(path, f'"{template}" {fault}')
    elif not template.startswith("/"):
        report.error(path, f'"{template}" does not begin with /')
    elif "*" in template.replace("{**}", "").replace("{*}", ""):
        report.error(path, f'"{template}" has a plain *', "use {*} or {**}")


def check_prefixes(report: Report, path: str, by: Dimension) -> None:
    if by.remote_address is None:
        return
    for field, length, most in (
        ("ipv4Prefix", by.remote_address.ipv4_prefix, 32),
        ("ipv6Prefix", by.remote_address.ipv6_prefix, 128),
    ):
        if length is not None and length > most:
            report.error(f"{path}.remoteAddress.{field}", f"{length} is more than {most} bits")


def check_text(report: Report, path: str, text: str) -> None:
    if len(text) > TEXT_LIMIT:
        report.error(path, f"is longer than {TEXT_LIMIT} characters")
    if not text.isprintable():
        report.error(path, "has characters that cannot be printed")


# -- connections -------------------------------------------------------------------------------


def check_connection_rule(report: Report, path: str, rule: ConnectionRule) -> None:
    for index, port in enumerate(rule.ports):
        names.check_port(report, f"{path}.ports[{index}]", port)
    if rule.local is None and rule.global_ is None:
        report.error(path, "has no limit", "set local or global")
    if rule.local is not None:
        check_amount(report, f"{path}.local", rule.local.connections, "connections")
        check_burst(report, f"{path}.local", rule.local.burst, rule.local.connections)
    if rule.global_ is not None:
        check_amount(report, f"{path}.global", rule.global_.connections, "connections")


# -- answer and service ------------------------------------------------------------------------


def check_response(report: Report, response: RefusedResponse) -> None:
    check_status(report, "spec.response.status", response.status)
    if response.status < 400:
        report.error(
            "spec.response.status",
            f"{response.status} is no refusal; Envoy answers 429 in its place",
            "use 429, or another status from 400 on",
        )
    if len(response.headers) > HEADERS_LIMIT:
        report.error("spec.response.headers", f"at most {HEADERS_LIMIT} headers")
    for name, value in response.headers.items():
        fault = changed_header_fault(name) or header_value_fault(value)
        if fault:
            report.error(f"spec.response.headers[{name}]", fault)


def check_service(report: Report, spec: RateLimit) -> None:
    service = spec.service
    if service != RateLimitService() and not is_global(spec):
        report.warning("spec.service", "is without effect: no rule is global")
    if service.host:
        fault = names.fqdn_fault(service.host)
        if fault:
            report.error("spec.service.host", f'"{service.host}" {fault}')
    names.check_port(report, "spec.service.port", service.port)
    if not service.domain:
        report.error("spec.service.domain", "must not be empty")
    check_text(report, "spec.service.domain", service.domain)
    if service.timeout is not None and not 0 < service.timeout <= LONGEST_TIMEOUT:
        report.error(
            "spec.service.timeout",
            f"{service.timeout} is not from 1ms to {LONGEST_TIMEOUT}: requests wait that long",
        )
