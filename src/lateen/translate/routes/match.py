"""Which requests a route takes: an HTTPMatchRequest as Envoy's RouteMatch.

What can be decided without a request (port, source labels, source namespace, gateways) is not here:
see `applies`. `@request.auth.claims.*` headers become matches on what jwt_authn left behind.
"""

import re
from collections.abc import Mapping
from typing import Any

from lateen.api.virtual_service import HTTPMatchRequest, StringMatch
from lateen.envoy import types
from lateen.view.selection import Labels, selects

CLAIM_PREFIX = "@request.auth.claims"
CLAIM_BRACKETS = re.compile(r"\[([^\[\]]+)\]")
JWT_FILTER = "envoy.filters.http.jwt_authn"
JWT_PAYLOAD = "payload"
ANY_PATTERN = "*"  # not an expression of RE2; Istio reads it as "present"


def applies(
    match: HTTPMatchRequest,
    *,
    port: int,
    gateways: frozenset[str],
    namespace: str,
    labels: Labels,
) -> bool:
    """Whether the match can ever hold for this listener port and this proxy."""
    if match.port and match.port != port:
        return False
    if match.gateways:  # then Istio ignores where the request comes from
        return any(gateway in gateways for gateway in match.gateways)
    if match.source_namespace and match.source_namespace != namespace:
        return False
    return selects(match.source_labels, labels)


def route_match(match: HTTPMatchRequest | None) -> Any:
    """Without a match: every request."""
    made = types.RouteMatch(prefix="/")
    if match is None:
        return made
    _set_headers(made, match)
    _set_path(made, match)
    for name, wanted in (
        (":method", match.method),
        (":authority", match.authority),
        (":scheme", match.scheme),
    ):
        if wanted is not None:
            made.headers.append(header_matcher(name, wanted))
    for name, wanted in sorted(match.query_params.items()):
        made.query_parameters.append(_query_parameter(name, wanted))
    return made


def is_catch_all(match: Any) -> bool:
    """Whether no request can pass a RouteMatch by."""
    every_path = (
        match.prefix == "/"
        or match.path_separated_prefix == "/"
        or match.safe_regex.regex in (".*", "/.*")
    )
    return every_path and not (match.headers or match.query_parameters or match.dynamic_metadata)


def string_matcher(match: StringMatch) -> Any:
    made = types.StringMatcher()
    if match.exact is not None:
        made.exact = match.exact
    elif match.prefix is not None:
        made.prefix = match.prefix
    else:
        made.safe_regex.regex = match.regex or ""
    return made


def header_matcher(name: str, match: StringMatch) -> Any:
    made = types.HeaderMatcher(name=name)
    if _means_present(match):
        made.present_match = True
    else:
        made.string_match.CopyFrom(string_matcher(match))
    return made


def claim_path(header: str) -> tuple[str, ...]:
    """The claim that a header name such as `@request.auth.claims.a.b` or `...[a][b]` asks for."""
    if not header.lower().startswith(CLAIM_PREFIX):
        return ()
    rest = header[len(CLAIM_PREFIX) :]
    if rest.startswith("."):
        return tuple(part for part in rest[1:].split(".") if part)
    return tuple(CLAIM_BRACKETS.findall(rest))


def _means_present(match: StringMatch) -> bool:
    if match.exact is not None or match.prefix is not None:
        return False
    return match.regex is None or match.regex == ANY_PATTERN


def _set_path(made: Any, match: HTTPMatchRequest) -> None:
    uri = match.uri
    if uri is not None:
        if uri.exact is not None:
            made.path = uri.exact
        elif uri.prefix is not None:
            made.prefix = uri.prefix
        elif uri.regex is not None:
            made.safe_regex.regex = uri.regex
    made.case_sensitive.value = not match.ignore_uri_case


def _set_headers(made: Any, match: HTTPMatchRequest) -> None:
    wanted = _header_matchers(made, match.headers, invert=False)
    unwanted = _header_matchers(made, match.without_headers, invert=True)
    made.headers.extend(sorted(wanted + unwanted, key=lambda matcher: str(matcher.name)))


def _header_matchers(made: Any, headers: Mapping[str, StringMatch], *, invert: bool) -> list[Any]:
    """Matchers of headers; those of claims go straight into `made`."""
    matchers = []
    for name, match in sorted(headers.items()):
        claim = claim_path(name)
        if claim:
            made.dynamic_metadata.append(_claim_matcher(claim, match, invert=invert))
            continue
        matcher = header_matcher(name, match)
        if invert:
            matcher.invert_match = True
            matcher.treat_missing_header_as_empty = not _means_present(match)
        matchers.append(matcher)
    return matchers


def _claim_matcher(claim: tuple[str, ...], match: StringMatch, *, invert: bool) -> Any:
    """A claim may be a string or a list of strings; either may match."""
    made = types.MetadataMatcher(filter=JWT_FILTER, invert=invert)
    for key in (JWT_PAYLOAD, *claim):
        made.path.add().key = key
    if _means_present(match):
        made.value.present_match = True
        return made
    wanted = string_matcher(match)
    alternatives = made.value.or_match.value_matchers
    alternatives.add().string_match.CopyFrom(wanted)
    alternatives.add().list_match.one_of.string_match.CopyFrom(wanted)
    return made


def _query_parameter(name: str, match: StringMatch) -> Any:
    made = types.QueryParameterMatcher(name=name)
    if _means_present(match):
        made.present_match = True
    else:
        made.string_match.CopyFrom(string_matcher(match))
    return made
