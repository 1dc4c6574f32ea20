"""Precedence of routes, by the cases of the conformance corpus and by itself."""

from lateen.api.virtual_service import HTTPMatchRequest, HTTPRoute, StringMatch
from lateen.gateway_api.order import in_order


def of(**match: object) -> HTTPRoute:
    return HTTPRoute(match=(HTTPMatchRequest(**match),))  # type: ignore[arg-type]


EXACT = of(uri=StringMatch(exact="/foo"))
LONG = of(uri=StringMatch(prefix="/foobar"))
SHORT = of(uri=StringMatch(prefix="/foo"))
PATTERN = of(uri=StringMatch(regex=".*foo"))
ANY = HTTPRoute()


def test_exact_then_longer_prefix_then_pattern_then_everything() -> None:
    wanted = (EXACT, LONG, SHORT, PATTERN, ANY)

    assert in_order(reversed(wanted)) == wanted


def test_more_query_parameters_come_first() -> None:
    one = of(query_params={"a": StringMatch(exact="1")})
    two = of(query_params={"a": StringMatch(exact="1"), "b": StringMatch(exact="1")})

    assert in_order([one, two]) == (two, one)


def test_equal_routes_keep_their_order() -> None:
    first, second = HTTPRoute(name="first"), HTTPRoute(name="second")

    assert in_order([first, second]) == (first, second)


def test_a_match_without_a_path_means_the_shortest_prefix() -> None:
    root = of(uri=StringMatch(prefix="/"))
    header = of(headers={"x-version": StringMatch(exact="v2")})

    assert in_order([root, header]) == (header, root)
    assert in_order([header, SHORT]) == (SHORT, header)
