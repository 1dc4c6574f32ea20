"""ProxyConfig, the kind."""

import pytest

from tests.unit.config.validation.found import found


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{concurrency: 0, image: {imageType: distroless}}", []),
        ("{concurrency: -1}", ["error spec.concurrency"]),
        ("{image: {imageType: a/b}}", ["error spec.image.imageType"]),
        ("{selector: {matchLabels: {'': a}}}", ["error spec.selector.matchLabels[]"]),
    ],
)
def test_settings(spec: str, problems: list[str]) -> None:
    assert found("ProxyConfig", spec) == problems
