"""Oneofs anywhere in a resource."""

from lateen.api.authorization_policy import AuthorizationPolicy
from lateen.api.destination_rule import DestinationRule
from lateen.api.virtual_service import (
    HTTPMatchRequest,
    HTTPRoute,
    StringMatch,
    VirtualService,
)
from lateen.config.validation.oneofs import check_oneofs, has_oneofs
from lateen.config.validation.report import Report


def test_a_oneof_set_twice_is_found_in_lists_and_maps() -> None:
    twice = StringMatch(exact="a", prefix="b")
    match = HTTPMatchRequest(uri=twice, headers={"x": twice})
    report = Report()

    check_oneofs(report, VirtualService(http=(HTTPRoute(), HTTPRoute(match=(match,)))))

    assert [problem.path for problem in report.problems] == [
        "spec.http[1].match[0].uri",
        "spec.http[1].match[0].headers[x]",
    ]


def test_types_without_oneofs_are_not_walked() -> None:
    assert has_oneofs(DestinationRule)
    assert not has_oneofs(AuthorizationPolicy)
