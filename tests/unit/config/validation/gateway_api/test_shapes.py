"""What names, hosts and durations look like."""

import pytest

from lateen.api.duration import Duration
from lateen.config.validation.gateway_api import shapes
from lateen.config.validation.report import Report


@pytest.mark.parametrize(
    ("name", "wildcard", "is_good"),
    [
        ("example.com", False, True),
        ("*.example.com", True, True),
        ("*.example.com", False, False),
        ("*", True, False),
        ("Example.com", True, False),
        ("1.2.3.4", True, False),
        ("a..b", True, False),
    ],
)
def test_hostnames(name: str, wildcard: bool, is_good: bool) -> None:
    report = Report()

    shapes.check_hostname(report, "host", name, wildcard=wildcard)

    assert (not report.problems) == is_good


@pytest.mark.parametrize(
    ("nanoseconds", "is_good"), [(0, True), (5_000_000, True), (5, False), (-(10**9), False)]
)
def test_durations_are_whole_milliseconds(nanoseconds: int, is_good: bool) -> None:
    report = Report()

    shapes.check_duration(report, "timeout", Duration(nanoseconds))

    assert (not report.problems) == is_good
