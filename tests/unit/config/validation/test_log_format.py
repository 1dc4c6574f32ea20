"""Formats of access logs."""

import pytest

from lateen.config.validation.log_format import encoded_fault, fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain 100%% text",
        "[%START_TIME(%s.%3f)%] %REQ(:METHOD)% %REQ(X-A?:PATH):10% %RESPONSE_CODE%",
        "%DYNAMIC_METADATA(a:b)% %FILTER_STATE(x:PLAIN)% %UPSTREAM_CLUSTER_RAW%",
    ],
)
def test_what_envoy_takes_has_no_fault(text: str) -> None:
    assert fault(text) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%RESPONSE_COED%", "%RESPONSE_COED% is no command"),
        ("100% sure", "position 3 begins no command"),
        ("%PROTOCOL", "position 0 begins no command"),
        ("%req(a)%", "begins no command"),
        ("%REQ%", "%REQ% needs arguments"),
        ("%REQ(a)", "begins no command"),
    ],
)
def test_what_envoy_refuses_is_named(text: str, words: str) -> None:
    assert words in fault(text)


def test_every_text_of_a_json_format_counts() -> None:
    assert encoded_fault('{"a": {"b": ["%PROTOCOL%", 1]}}') == ""
    assert "%NOPE% is no command" in encoded_fault('{"a": {"b": ["%NOPE%"]}}')
    assert encoded_fault("[]") == "this is not a JSON object"
    assert encoded_fault("{") == "this is not JSON"
