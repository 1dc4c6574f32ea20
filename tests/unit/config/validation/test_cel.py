"""Expressions of CEL."""

import pytest

from lateen.config.validation.cel import fault


@pytest.mark.parametrize(
    "expression",
    [
        "response.code >= 400",
        "connection.mtls && request.url_path.contains('v1beta3')",
        "!has(request.headers['user-agent']) || !(request.headers['user-agent'].startsWith('a'))",
        'response.code in [500, 503u] ? true : size("x") > 1 && -1.5e3 < 2',
        "{'a': 1}['a'] == 1",
        "google.protobuf.Timestamp{seconds: 1} != null",
        "[1, 2, 3,].exists(x, x == 2)",
        "r'\\d+' == b\"x\" // a comment",
    ],
)
def test_valid(expression: str) -> None:
    assert fault(expression) == ""


@pytest.mark.parametrize(
    "expression",
    ["", "  ", "response.code >=", "response.code 1000", "a && ", "(a", "a b", "'open", "a[1",
     "a ? b", "f(1", "a..b", "a == = b", "for", "a @ b"],
)  # fmt: skip
def test_invalid(expression: str) -> None:
    assert fault(expression)
