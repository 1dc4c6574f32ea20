"""Kubernetes quantities."""

import pytest

from lateen.local.quantity import in_units, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("500m", 0.5), ("128Mi", 128 * 1024**2), ("1G", 10**9), ("1e3", 1000), (2.5, 2.5)],
)
def test_quantity_is_read(text: str, value: float) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("text", ["", "many", "1X", "1 Gi"])
def test_wrong_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)


def test_units_are_rounded_up() -> None:
    assert in_units("250m", "1") == 1
    assert in_units("100Mi", "1Mi") == 100
