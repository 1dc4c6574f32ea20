"""HTTP as several kinds mention it: header names and values, statuses, retries, durations."""

import re
from http import HTTPStatus

from lateen.api.duration import Duration
from lateen.api.virtual_service import HTTPRetry, Percent, StringMatch
from lateen.config.validation import re2
from lateen.config.validation.report import Report

MILLISECOND = 10**6
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
STRICT_NAME = re.compile(r"[-_A-Za-z0-9]+")
CLAIM = re.compile(r"@request\.auth\.claims(?:\..+|(?:\[[^\]]+\])+)")
COMMAND = re.compile(r"%[A-Z_0-9]+(?:\([^)]*\))?(?::\d+)?%")

RETRY_POLICIES = frozenset(
    (
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "envoy-ratelimited",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    )
)
STATUSES = frozenset(status.value for status in HTTPStatus)
GRPC_STATUSES = frozenset(
    (
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    )
)


def header_name_fault(name: str) -> str:
    if not name:
        return "header name cannot be empty"
    bare = name[1:] if name.startswith(":") else name
    if not TOKEN.fullmatch(bare):
        return f'"{name}" is not an HTTP header name'
    return ""


def changed_header_fault(name: str) -> str:
    """A header that a route sets, adds or removes; of the pseudo-headers only the authority."""
    if name.startswith(":") and name.lower() != ":authority":
        return f'"{name}": a header that is changed cannot begin with :'
    return header_name_fault(name)


def strict_header_name_fault(name: str) -> str:
    """A header that we write ourselves: no pseudo-header, no exotic character."""
    if not STRICT_NAME.fullmatch(name):
        return f'"{name}" is not an HTTP header name: letters, digits, - and _'
    return ""


def matched_header_fault(name: str) -> str:
    """A header, or a claim of a token in its place."""
    if name.startswith("@"):
        return (
            "" if CLAIM.fullmatch(name) else f'"{name}" is not of the form @request.auth.claims.x'
        )
    return header_name_fault(name)


def is_claim(name: str) -> bool:
    return name.startswith("@request.auth.claims")


def header_value_fault(value: str) -> str:
    """A value may hold Envoy's %COMMAND% substitutions; a percent sign itself is written %%."""
    if "%" in value and "%" in scanned(value):
        return f'"{value}" has a % that stands alone; write it as %%'
    return ""


def scanned(value: str) -> str:
    """What is left of a value when commands and `%%` are taken out from left to right."""
    left, index = [], 0
    while index < len(value):
        if value[index] != "%":
            index += 1
            continue
        if value.startswith("%%", index):
            index += 2
            continue
        command = COMMAND.match(value, index)
        if command is None:
            left.append("%")
            index += 1
        else:
            index = command.end()
    return "".join(left)


def check_duration(report: Report, path: str, duration: Duration | None) -> None:
    """At least a millisecond, and whole milliseconds, as Envoy's timers are."""
    if duration is None:
        return
    if duration < MILLISECOND:
        hint = "leave it out for none" if duration == 0 else ""
        report.error(path, f"duration must be greater than 1ms, not {duration}", hint)
    elif duration % MILLISECOND:
        report.error(path, f"{duration} is finer than a millisecond")


def check_percent(report: Report, path: str, percent: Percent | None) -> None:
    if percent is None:
        return
    if not 0 <= percent.value <= 100:
        report.error(f"{path}.value", f"percentage must be from 0 to 100, not {percent.value:g}")
    elif 0 < percent.value < 0.0001:
        report.error(f"{path}.value", "percentage is smaller than the least one, 0.0001")


def check_status(report: Report, path: str, status: int) -> None:
    if not 200 <= status <= 599:
        report.error(path, f"HTTP status must be from 200 to 599, not {status}")


def check_regex(report: Report, path: str, pattern: str) -> None:
    fault = re2.fault(pattern)
    if fault:
        report.error(path, f"{fault}", "regular expressions follow RE2")


def check_string_match(
    report: Report, path: str, match: StringMatch | None, *, exact_empty: bool = True
) -> None:
    if match is None:
        return
    if match.exact == "" and not exact_empty:
        report.error(f"{path}.exact", "must not be empty")
    if match.prefix == "":
        report.error(f"{path}.prefix", "prefix must not be empty")
    if match.regex is not None:
        if not match.regex:
            report.error(f"{path}.regex", "regex must not be empty")
        elif len(match.regex) > 1024:
            report.error(f"{path}.regex", "regex is longer than 1024 characters")
        else:
            check_regex(report, f"{path}.regex", match.regex)


def check_retries(report: Report, path: str, retries: HTTPRetry | None) -> None:
    if retries is None:
        return
    if retries.attempts < 0:
        report.error(f"{path}.attempts", f"attempts cannot be negative, not {retries.attempts}")
    disabled = retries.attempts == 0
    configured = (
        retries.per_try_timeout is not None
        or retries.retry_on
        or retries.retry_remote_localities is not None
        or retries.backoff is not None
    )
    if disabled and configured:
        report.error(
            path, "retries are configured, but attempts is 0, which turns them off", "set attempts"
        )
    check_duration(report, f"{path}.perTryTimeout", retries.per_try_timeout)
    check_duration(report, f"{path}.backoff", retries.backoff)
    check_retry_on(report, f"{path}.retryOn", retries.retry_on)


def check_retry_on(report: Report, path: str, retry_on: str) -> None:
    for condition in filter(None, (word.strip() for word in retry_on.split(","))):
        known = int(condition) in STATUSES if condition.isdigit() else condition in RETRY_POLICIES
        if not known:
            report.error(
                path,
                f'"{condition}" is not a valid retryOn policy',
                f"known are HTTP statuses and {', '.join(sorted(RETRY_POLICIES))}",
            )
