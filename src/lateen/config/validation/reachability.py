"""Routes of a VirtualService that no request can reach, because an earlier one takes them all.

These are warnings: the configuration works, though surely not as its author thinks.
"""

from collections.abc import Sequence

import msgspec

from lateen.api.virtual_service import (
    HTTPMatchRequest,
    HTTPRoute,
    TCPRoute,
    TLSRoute,
    VirtualService,
)
from lateen.config.validation.report import Report

ANY = HTTPMatchRequest()


def check_reachable(report: Report, spec: VirtualService) -> None:
    check_last(report, "spec.http", spec.http)
    check_last(report, "spec.tcp", spec.tcp)
    check_repeated(report, "spec.http", spec.http)
    check_repeated(report, "spec.tls", spec.tls)
    check_repeated(report, "spec.tcp", spec.tcp)
    check_prefixes(report, spec.http)


def check_last(report: Report, path: str, routes: Sequence[HTTPRoute | TCPRoute]) -> None:
    """A route without a match takes everything."""
    for index, route in enumerate(routes[:-1]):
        if not route.match:
            report.warning(
                f"{path}[{index}]",
                f"takes all requests, so that the {len(routes) - 1 - index} after it are not used "
                "(only the last rule can have no matches)",
                "give it a match, or move it to the end",
                code="unreachable",
            )


def check_repeated(
    report: Report, path: str, routes: Sequence[HTTPRoute | TLSRoute | TCPRoute]
) -> None:
    seen: dict[bytes, str] = {}
    for index, route in enumerate(routes):
        for number, match in enumerate(route.match):
            where = f"{path}[{index}].match[{number}]"
            first = seen.setdefault(content(match), where)
            if first != where:
                report.warning(
                    where, f"is not used: the same match is at {first}", code="unreachable"
                )


def content(match: msgspec.Struct) -> bytes:
    fields = msgspec.to_builtins(match)
    fields.pop("name", None)
    return msgspec.json.encode(fields, order="deterministic")


def check_prefixes(report: Report, routes: Sequence[HTTPRoute]) -> None:
    """A prefix takes all longer prefixes after it, unless it asks for more than they do."""
    earlier: list[tuple[str, HTTPMatchRequest]] = []
    for index, route in enumerate(routes):
        for number, match in enumerate(route.match):
            if match.uri is None or match.uri.prefix is None:
                continue
            where = f"spec.http[{index}].match[{number}]"
            for first, other in earlier:
                if covers(other, match):
                    report.warning(
                        where,
                        f"is not used: the prefix at {first} takes it already",
                        "put the longer prefix first",
                        code="unreachable",
                    )
                    break
            earlier.append((where, match))


def covers(first: HTTPMatchRequest, later: HTTPMatchRequest) -> bool:
    if first.uri is None or later.uri is None or content(first) == content(later):
        return False
    shorter, longer = first.uri.prefix or "", later.uri.prefix or ""
    if first.ignore_uri_case:
        shorter, longer = shorter.lower(), longer.lower()
    elif later.ignore_uri_case:
        return False
    return longer.startswith(shorter) and all(
        is_implied(getattr(first, field), getattr(later, field), getattr(ANY, field))
        for field in HTTPMatchRequest.__struct_fields__
        if field not in ("name", "uri", "ignore_uri_case", "stat_prefix")
    )


def is_implied(wanted: object, given: object, nothing: object) -> bool:
    """Whoever meets `given` meets `wanted`."""
    if wanted in (nothing, given):
        return True
    if isinstance(wanted, dict) and isinstance(given, dict):
        return all(name in given and given[name] == value for name, value in wanted.items())
    return False
