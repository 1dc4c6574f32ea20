"""Names, hosts, numbers and lists, as the Gateway API writes them."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from lateen.api.duration import Duration
from lateen.config.validation.names import is_ip
from lateen.config.validation.report import Report

LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*")
WILDCARD = re.compile(rf"(?:\*\.)?{SUBDOMAIN.pattern}")
KIND = re.compile(r"[a-zA-Z](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
LAST_PORT = 65535
LONGEST_NAME, LONGEST_NAMESPACE, LONGEST_HEADER = 253, 63, 256
MILLISECOND = 10**6  # in nanoseconds: the smallest part of a duration


def check_count(
    report: Report, path: str, items: Sequence[Any], *, least: int = 0, most: int
) -> None:
    if len(items) < least:
        report.error(path, "must not be empty" if least == 1 else f"needs at least {least}")
    if len(items) > most:
        report.error(path, f"has {len(items)} items; at most {most} are allowed")


def check_one_of(report: Report, path: str, text: str, known: Collection[str]) -> None:
    if text not in known:
        report.error(path, f'"{text}" is unknown', f"known are {', '.join(known)}")


def check_port(report: Report, path: str, port: int) -> None:
    if not 0 < port <= LAST_PORT:
        report.error(path, f"{port} is no port", f"1 to {LAST_PORT}")


def check_object_name(report: Report, path: str, name: str) -> None:
    if not name:
        report.error(path, "must not be empty")
    elif len(name) > LONGEST_NAME:
        report.error(path, f"is too long: at most {LONGEST_NAME} characters")


def check_subdomain(report: Report, path: str, name: str) -> None:
    """A section name, a group: lower case, digits, `-` and `.`."""
    if len(name) > LONGEST_NAME or not SUBDOMAIN.fullmatch(name):
        report.error(path, f'"{name}" must be lower case letters, digits, - and .')


def check_namespace(report: Report, path: str, name: str) -> None:
    if len(name) > LONGEST_NAMESPACE or not re.fullmatch(LABEL, name):
        report.error(path, f'"{name}" is no name of a namespace')


def check_kind(report: Report, path: str, kind: str) -> None:
    if len(kind) > LONGEST_NAMESPACE or not KIND.fullmatch(kind):
        report.error(path, f'"{kind}" is no name of a kind')


def check_group(report: Report, path: str, group: str) -> None:
    if group:
        check_subdomain(report, path, group)


def check_hostname(report: Report, path: str, name: str, *, wildcard: bool) -> None:
    """Lower case; `*.` as the first part where a wildcard may stand; no address."""
    pattern = WILDCARD if wildcard else SUBDOMAIN
    if is_ip(name):
        report.error(path, f'"{name}" is an address, not a hostname')
    elif len(name) > LONGEST_NAME or not pattern.fullmatch(name):
        hint = "lower case; a wildcard is the first part alone: *.example.com" if wildcard else ""
        report.error(path, f'"{name}" is not a hostname', hint)


def check_hostnames(report: Report, path: str, names: Sequence[str]) -> None:
    check_count(report, path, names, most=16)
    for index, name in enumerate(names):
        check_hostname(report, f"{path}[{index}]", name, wildcard=True)


def check_header_name(report: Report, path: str, name: str) -> None:
    if len(name) > LONGEST_HEADER or not HEADER.fullmatch(name):
        report.error(path, f'"{name}" is no name of a header')


def check_unique(report: Report, path: str, field: str, names: Iterable[str]) -> None:
    """`path` is the list's; the second of a name is reported."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name and name in seen:
            report.error(f"{path}[{index}].{field}", f'"{name}" is used more than once')
        seen.add(name)


def check_duration(report: Report, path: str, duration: Duration | None) -> None:
    """Of whole milliseconds and not negative (GEP-2257)."""
    if duration is None:
        return
    if duration < 0 or duration % MILLISECOND:
        report.error(path, "must be whole milliseconds, not negative", "such as 1h, 30s or 250ms")
