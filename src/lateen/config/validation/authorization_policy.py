"""AuthorizationPolicy: its action, and the rules with sources, operations and conditions."""

import re
from collections.abc import Sequence

from lateen.api.authorization_policy import (
    Action,
    AuthorizationPolicy,
    Condition,
    Operation,
    Rule,
    Source,
)
from lateen.api.resource import Resource, Spec
from lateen.config.validation import names
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_selector, check_targets

DRY_RUN = "istio.io/dry-run"
EMPTY_RULE_HINT = "add an empty rule {} to have it apply to every request"

HTTP_SOURCES = ("request_principals", "not_request_principals")
HTTP_OPERATIONS = (
    "hosts",
    "not_hosts",
    "methods",
    "not_methods",
    "paths",
    "not_paths",
)
UNSUPPORTED_BY_CUSTOM = (
    "principals",
    "not_principals",
    "request_principals",
    "not_request_principals",
    "namespaces",
    "not_namespaces",
    "service_accounts",
    "not_service_accounts",
)
PLAIN_KEYS = frozenset(
    (
        "source.namespace",
        "source.principal",
        "source.serviceAccount",
        "source.trustDomain",
        "request.auth.principal",
        "request.auth.audiences",
        "request.auth.presenter",
        "connection.sni",
    )
)
ADDRESS_KEYS = frozenset(("source.ip", "remote.ip", "destination.ip"))
IDENTITY_KEYS = frozenset(
    ("source.namespace", "source.principal", "source.serviceAccount", "source.trustDomain")
)
BRACKETED = (
    re.compile(r"request\.headers\[[^\]]+\]"),
    re.compile(r"request\.auth\.claims(?:\[[^\]]+\])+"),
    re.compile(r"experimental\.envoy\.filters\.[^\[]+\[[^\]]+(?:\[[^\]]*\])?\]*"),
)
TEMPLATE_LITERAL = re.compile(r"[A-Za-z0-9\-._~%!$&'()+,;:@=]*")


def check(resource: Resource[AuthorizationPolicy], report: Report) -> None:
    spec = resource.spec
    check_selector(report, "spec.selector", spec.selector)
    check_targets(
        report,
        selector=spec.selector,
        target_ref=spec.target_ref,
        target_refs=spec.target_refs,
    )
    check_dry_run(report, resource)
    check_action(report, spec)
    for index, rule in enumerate(spec.rules):
        check_rule(report, f"spec.rules[{index}]", rule)
        if spec.action is Action.DENY and denies_all_tcp(rule):
            report.warning(
                f"spec.rules[{index}]",
                "this DENY rule uses HTTP attributes and names no port: it denies all traffic to "
                "TCP ports under its scope",
                "add to.operation.ports",
            )


def check_dry_run(report: Report, resource: Resource[AuthorizationPolicy]) -> None:
    value = resource.meta.annotations.get(DRY_RUN)
    if value is None:
        return
    path = f"metadata.annotations[{DRY_RUN}]"
    if value.lower() not in ("true", "false", "1", "0", "t", "f"):
        report.error(path, f'"{value}" is neither true nor false')
    if resource.spec.action not in (Action.ALLOW, Action.DENY):
        report.error(path, f"dry run is for ALLOW and DENY, not {resource.spec.action}")


def check_action(report: Report, spec: AuthorizationPolicy) -> None:
    provider = spec.provider.name if spec.provider is not None else ""
    if spec.action is Action.CUSTOM:
        if not spec.rules:
            report.error(
                "spec.rules", "CUSTOM action without rules is meaningless", EMPTY_RULE_HINT
            )
        if not provider:
            report.error("spec.provider.name", "CUSTOM action needs the name of a provider")
        for index, rule in enumerate(spec.rules):
            check_custom(report, f"spec.rules[{index}]", rule)
        return
    if provider:
        report.error("spec.provider", f"provider must not be set with {spec.action} action")
    if spec.action is Action.ALLOW and not spec.rules:
        report.warning("spec.rules", "ALLOW without rules never matches and so denies all requests")
    if spec.action is Action.DENY and not spec.rules:
        report.error("spec.rules", "DENY action without rules is meaningless", EMPTY_RULE_HINT)


def check_custom(report: Report, path: str, rule: Rule) -> None:
    """An external authorizer is asked before identities are known to Envoy's filter."""
    for index, entry in enumerate(rule.from_):
        for field in UNSUPPORTED_BY_CUSTOM:
            if entry.source is not None and getattr(entry.source, field):
                report.error(
                    f"{path}.from[{index}].source.{camel(field)}",
                    f"{camel(field)} is not supported with CUSTOM action",
                )
    for index, condition in enumerate(rule.when):
        if condition.key in IDENTITY_KEYS or condition.key.startswith("request.auth."):
            report.error(
                f"{path}.when[{index}].key",
                f"{condition.key} is not supported with CUSTOM action",
            )


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def denies_all_tcp(rule: Rule) -> bool:
    """On a TCP connection HTTP attributes are left out of a rule, which so widens."""
    operations = [entry.operation for entry in rule.to if entry.operation is not None]
    if any(operation.ports or operation.not_ports for operation in operations):
        return False
    if any(condition.key == "destination.port" for condition in rule.when):
        return False
    sources = [entry.source for entry in rule.from_ if entry.source is not None]
    return (
        any(getattr(source, field) for source in sources for field in HTTP_SOURCES)
        or any(getattr(one, field) for one in operations for field in HTTP_OPERATIONS)
        or any(condition.key.startswith("request.") for condition in rule.when)
    )


def check_rule(report: Report, path: str, rule: Rule) -> None:
    for index, entry in enumerate(rule.from_):
        where = f"{path}.from[{index}].source"
        if entry.source is None or entry.source == Source():
            report.error(where, "source must not be empty")
        else:
            check_source(report, where, entry.source)
    for index, target in enumerate(rule.to):
        where = f"{path}.to[{index}].operation"
        if target.operation is None or target.operation == Operation():
            report.error(where, "operation must not be empty")
        else:
            check_operation(report, where, target.operation)
    for index, condition in enumerate(rule.when):
        check_condition(report, f"{path}.when[{index}]", condition)


def check_source(report: Report, path: str, source: Source) -> None:
    check_no_empty(report, path, source)
    for field in ("ip_blocks", "not_ip_blocks", "remote_ip_blocks", "not_remote_ip_blocks"):
        check_blocks(report, f"{path}.{camel(field)}", getattr(source, field))
    accounts = source.service_accounts or source.not_service_accounts
    others = (
        source.principals or source.not_principals or source.namespaces or source.not_namespaces
    )
    if accounts and others:
        report.error(path, "Cannot set serviceAccounts with namespaces or principals")
    for field in ("service_accounts", "not_service_accounts"):
        for index, account in enumerate(getattr(source, field)):
            fault = account_fault(account)
            if fault:
                report.error(f"{path}.{camel(field)}[{index}]", fault)


def account_fault(account: str) -> str:
    if "*" in account:
        return f'"{account}": a service account has no wildcard'
    if account.count("/") > 1:
        return f'"{account}" is not of the form NAME or NAMESPACE/NAME'
    namespace, slash, name = account.rpartition("/")
    if (slash and not namespace) or not name:
        return f'"{account}" is not of the form NAME or NAMESPACE/NAME'
    return ""


def check_no_empty(report: Report, path: str, lists: Spec) -> None:
    for field in lists.__struct_fields__:
        for index, value in enumerate(getattr(lists, field)):
            if not value:
                report.error(f"{path}.{camel(field)}[{index}]", "must not be empty")


def check_blocks(report: Report, path: str, blocks: Sequence[str]) -> None:
    for index, block in enumerate(blocks):
        if block:
            names.check_subnet(report, f"{path}[{index}]", block)


def check_operation(report: Report, path: str, operation: Operation) -> None:
    check_no_empty(report, path, operation)
    for field in ("ports", "not_ports"):
        check_port_texts(report, f"{path}.{camel(field)}", getattr(operation, field))
    for field in ("paths", "not_paths"):
        for index, value in enumerate(getattr(operation, field)):
            fault = template_fault(value)
            if fault:
                report.error(f"{path}.{camel(field)}[{index}]", f'"{value}" {fault}')


def check_port_texts(report: Report, path: str, ports: Sequence[str]) -> None:
    for index, port in enumerate(ports):
        if port and not (port.isdigit() and 1 <= int(port) <= 65535):
            report.error(f"{path}[{index}]", f'"{port}" is not a port from 1 to 65535')


def template_fault(path: str) -> str:
    """`{*}` stands for one segment, `{**}` for the rest; neither mixes with a plain `*`."""
    if "{" not in path and "}" not in path:
        return ""
    after_rest = False
    for segment in path.strip("/").split("/"):
        if segment in ("{*}", "{**}"):
            if after_rest:
                return "has an operator after {**}, which must be the last one"
            after_rest = segment == "{**}"
        elif "{" in segment or "}" in segment:
            return f'has an unsupported template in "{segment}"; use {{*}} or {{**}}'
        elif "*" in segment:
            return "mixes * with a template"
        elif not TEMPLATE_LITERAL.fullmatch(segment):
            return f'has a character in "{segment}" that a template cannot have'
    return ""


def check_condition(report: Report, path: str, condition: Condition) -> None:
    key, values = condition.key, (*condition.values, *condition.not_values)
    if not key:
        report.error(f"{path}.key", "key must not be empty")
        return
    if not values:
        report.error(path, "at least one of values or notValues must be set")
    for field, entries in (("values", condition.values), ("notValues", condition.not_values)):
        for index, value in enumerate(entries):
            if not value:
                report.error(f"{path}.{field}[{index}]", "must not be empty")
        if key in ADDRESS_KEYS:
            check_blocks(report, f"{path}.{field}", entries)
        elif key == "destination.port":
            check_port_texts(report, f"{path}.{field}", entries)
    if key not in ADDRESS_KEYS and key != "destination.port" and not is_known(key):
        report.error(
            f"{path}.key",
            f'unknown attribute "{key}"',
            "for example source.ip, request.headers[name], request.auth.claims[name]",
        )


def is_known(key: str) -> bool:
    return key in PLAIN_KEYS or any(form.fullmatch(key) for form in BRACKETED)
