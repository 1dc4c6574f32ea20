"""Counters in windows of time."""

import pytest

from lateen.rate_limit.counters import Limit, Window


def test_a_window_begins_anew_with_the_unit_and_remembers_the_one_before() -> None:
    window = Window(index=10, seconds=60, current=7)

    window.advance(11 * 60 + 5)
    assert (window.current, window.previous) == (0, 7)
    window.advance(13 * 60)
    assert (window.current, window.previous) == (0, 0)


def test_of_the_window_before_that_share_counts_which_is_still_within_a_unit() -> None:
    window = Window(index=11, seconds=60, current=2, previous=8)

    assert window.used(11 * 60 + 15, slides=True) == pytest.approx(2 + 8 * 0.75)
    assert window.used(11 * 60 + 15, slides=False) == 2


def test_the_end_of_a_window_is_on_the_clock() -> None:
    assert Window(index=11, seconds=60).ends_in(11 * 60 + 15) == 45


def test_a_limit_spans_several_units() -> None:
    assert Limit("a", 5, "MINUTE", multiplier=15).seconds == 900
