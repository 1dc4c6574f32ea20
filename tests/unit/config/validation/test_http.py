"""Header names and values."""

import pytest

from lateen.config.validation import http


@pytest.mark.parametrize(
    ("value", "sound"),
    [
        ("", True),
        ("plain", True),
        ("100%%", True),
        ("%HOSTNAME%", True),
        ("%REQ(x-a?x-b):10%", True),
        ("a %DYNAMIC_METADATA(a.b:c)% b %%", True),
        ("%", False),
        ("50% off", False),
        ("%START_TIME%%", False),
        ("%hostname%", False),
    ],
)
def test_header_values(value: str, sound: bool) -> None:
    assert (http.header_value_fault(value) == "") is sound


@pytest.mark.parametrize(
    ("name", "sound"),
    [("x-a", True), (":authority", True), ("a!#$", True), ("", False), ("::", False),
     ("a b", False), ("@request.auth.claims.a.b", True), ("@request.auth.claims[a][b]", True),
     ("@request.auth", False)],
)  # fmt: skip
def test_matched_headers(name: str, sound: bool) -> None:
    assert (http.matched_header_fault(name) == "") is sound
