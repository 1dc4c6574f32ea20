"""Which of several routes for a host is tried first, by the precedence of the Gateway API.

Exact path, longer prefix, regular expression; then a method, more headers, more query parameters;
routes that match every request last. A match without a path means the prefix `/`. Of equal ones
the older route comes first, then the earlier.
"""

from collections.abc import Iterable

from lateen.api.virtual_service import HTTPRoute

EXACT, PREFIX, PATTERN, ALL = range(4)


def in_order(routes: Iterable[HTTPRoute]) -> tuple[HTTPRoute, ...]:
    return tuple(sorted(routes, key=precedence))


def precedence(route: HTTPRoute) -> tuple[int, int, int, int, int, int]:
    if not route.match:
        return (1, ALL, 0, 0, 0, 0)
    match = route.match[0]
    kind, length = PREFIX, len("/")
    if match.uri is not None:
        if match.uri.exact is not None:
            kind, length = EXACT, len(match.uri.exact)
        elif match.uri.prefix is not None:
            kind, length = PREFIX, len(match.uri.prefix)
        else:
            kind, length = PATTERN, len(match.uri.regex or "")
    return (
        0,
        kind,
        -length,
        0 if match.method is not None else 1,
        -len(match.headers),
        -len(match.query_params),
    )
