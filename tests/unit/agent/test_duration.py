"""Durations."""

import pytest

from lateen.agent import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("24h", 86400), ("1m30s", 90), ("500ms", 0.5), ("1.5s", 1.5), ("", 0), ("5", 0), ("x5s", 0)],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert duration.seconds(text) == seconds
