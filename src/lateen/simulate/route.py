"""Which virtual host and route of a route configuration a request meets, as Envoy decides it."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from lateen.simulate.call import Action, Call

DEFAULT_REDIRECT = 301
REDIRECT_CODES = (301, 302, 303, 307, 308)  # in the order of RedirectResponseCode


def find_virtual_host(configuration: Any, host: str) -> Any | None:
    """Exact domain, else longest `*suffix`, else longest `prefix*`, else `*`; ties: the first."""
    host = host.lower()
    if configuration.ignore_port_in_host_matching:
        host = _without_port(host)
    best: tuple[int, int] = (0, 0)
    found = None
    for virtual_host in configuration.virtual_hosts:
        for domain in virtual_host.domains:
            rank = _domain_rank(domain.lower(), host)
            if rank > best:
                best, found = rank, virtual_host
    return found


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        return name
    return host


def _domain_rank(domain: str, host: str) -> tuple[int, int]:
    if domain == host:
        return (4, 0)
    if domain == "*":
        return (1, 0)
    if domain.startswith("*") and host.endswith(domain[1:]) and len(host) > len(domain) - 1:
        return (3, len(domain))
    if domain.endswith("*") and host.startswith(domain[:-1]) and len(host) > len(domain) - 1:
        return (2, len(domain))
    return (0, 0)


def find_route(virtual_host: Any, call: Call) -> Any | None:
    """The first route that matches. Routes chosen by a runtime fraction count as matching."""
    return next((each for each in virtual_host.routes if matches(each.match, call)), None)


def matches(match: Any, call: Call) -> bool:
    path, _, query = call.path.partition("?")
    return (
        _path_matches(match, path.partition("#")[0])
        and all(_header_matches(each, call) for each in match.headers)
        and all(_query_matches(each, query) for each in match.query_parameters)
        and (not match.HasField("grpc") or _is_grpc(call))
    )


def _path_matches(match: Any, path: str) -> bool:
    folds = match.HasField("case_sensitive") and not match.case_sensitive.value
    fold = str.lower if folds else str
    kind = match.WhichOneof("path_specifier")
    if kind == "prefix":
        return fold(path).startswith(fold(match.prefix))
    if kind == "path":
        return fold(path) == fold(str(match.path))
    if kind == "safe_regex":
        return full_match(match.safe_regex.regex, path)
    if kind == "path_separated_prefix":
        prefix = fold(match.path_separated_prefix)
        return fold(path) == prefix or fold(path).startswith(prefix + "/")
    if kind == "path_match_policy":
        return _template_matches(match.path_match_policy.typed_config, path)
    return bool(kind != "connect_matcher")


def _template_matches(packed: Any, path: str) -> bool:
    from lateen.envoy import messages

    template = messages.unpack(packed).path_template
    pieces = re.split(r"(\{[^}]*\}|\*\*|\*)", template)
    pattern = "".join(_template_piece(piece) for piece in pieces)
    return re.fullmatch(pattern, path) is not None


def _template_piece(piece: str) -> str:
    if piece == "**" or piece.endswith("=**}"):
        return ".*"
    if piece == "*" or piece.startswith("{"):
        return "[^/]+"
    return re.escape(piece)


def full_match(regex: str, text: str) -> bool:
    """RE2's whole-text match. The syntax that both engines share is all that Envoy sees here."""
    return re.fullmatch(regex, text) is not None


def _header_values(call: Call, name: str) -> list[str]:
    name = name.lower()
    if name in (":authority", "host"):
        return [call.host] if call.host else []
    if name == ":path":
        return [call.path]
    if name == ":method":
        return [call.method]
    if name in (":scheme", "x-forwarded-proto"):
        return ["https" if call.is_encrypted else "http"]
    return [value for key, value in call.headers if key.lower() == name]


def _header_matches(matcher: Any, call: Call) -> bool:
    inverted = bool(matcher.invert_match)
    values = _header_values(call, matcher.name)
    kind = matcher.WhichOneof("header_match_specifier")
    if kind == "present_match":
        return (bool(values) == bool(matcher.present_match)) != inverted
    if not values:
        if not matcher.treat_missing_header_as_empty:
            return False  # an absent header never matches, inverted or not
        values = [""]
    value = ",".join(values)
    return _value_matches(matcher, kind, value) != inverted


def _value_matches(matcher: Any, kind: str | None, value: str) -> bool:
    if kind == "string_match":
        return string_matches(matcher.string_match, value)
    if kind == "exact_match":
        return bool(value == matcher.exact_match)
    if kind == "prefix_match":
        return value.startswith(str(matcher.prefix_match))
    if kind == "suffix_match":
        return value.endswith(matcher.suffix_match)
    if kind == "contains_match":
        return matcher.contains_match in value
    if kind == "safe_regex_match":
        return full_match(matcher.safe_regex_match.regex, value)
    if kind == "range_match":
        wanted = matcher.range_match
        return value.lstrip("-").isdigit() and wanted.start <= int(value) < wanted.end
    return True


def _query_matches(matcher: Any, query: str) -> bool:
    found = [value for name, value in parse_qsl(query, keep_blank_values=True)
             if name == matcher.name]  # fmt: skip
    kind = matcher.WhichOneof("query_parameter_match_specifier")
    if kind == "string_match":
        return bool(found) and string_matches(matcher.string_match, found[0])
    return bool(found) == (matcher.present_match if kind == "present_match" else True)


def string_matches(matcher: Any, value: str) -> bool:
    """A `type.matcher.v3.StringMatcher` against a value."""
    kind = matcher.WhichOneof("match_pattern")
    if kind == "safe_regex":
        return full_match(matcher.safe_regex.regex, value)
    if kind == "custom" or kind is None:
        return False
    fold = str.lower if matcher.ignore_case else str
    wanted, value = fold(getattr(matcher, kind)), fold(value)
    if kind == "exact":
        return bool(value == wanted)
    if kind == "prefix":
        return value.startswith(wanted)
    if kind == "suffix":
        return value.endswith(wanted)
    return wanted in value


def _is_grpc(call: Call) -> bool:
    kinds = [value for name, value in call.headers if name.lower() == "content-type"]
    return any(value.partition("+")[0].partition(";")[0] == "application/grpc" for value in kinds)


def action(route: Any) -> tuple[Action, tuple[tuple[str, int], ...], int]:
    """What a route does: where it forwards to, or the status it answers with."""
    kind = route.WhichOneof("action")
    if kind == "redirect":
        return Action.REDIRECT, (), REDIRECT_CODES[route.redirect.response_code]
    if kind == "direct_response":
        return Action.RESPOND, (), route.direct_response.status
    if kind == "route":
        return Action.FORWARD, _clusters(route.route), 0
    return Action.NONE, (), 0


def _clusters(action: Any) -> tuple[tuple[str, int], ...]:
    if action.WhichOneof("cluster_specifier") == "weighted_clusters":
        return weighted(action.weighted_clusters.clusters)
    return ((action.cluster, 1),) if action.cluster else ()


def weighted(clusters: Sequence[Any]) -> tuple[tuple[str, int], ...]:
    """Name and weight of each; route weights are wrapped numbers, those of TCP are plain."""
    return tuple((each.name, int(getattr(each.weight, "value", each.weight))) for each in clusters)
