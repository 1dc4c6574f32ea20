"""What a request is counted by."""

import re

import pytest

from lateen.api.rate_limit import Dimension, HeaderValue, Path
from lateen.envoy import messages
from lateen.translate.rate_limit import descriptors


@pytest.mark.parametrize(
    ("template", "matching", "other"),
    [
        ("/a/{*}", "/a/b", "/a/b/c"),
        ("/a/{*}", "/a/b", "/a/"),
        ("/a/{**}", "/a/b/c", "/ab"),
        ("/a/{**}", "/a", "/"),
        ("/a.b/{*}/c", "/a.b/x/c", "/a_b/x/c"),
    ],
)
def test_templates_match_whole_segments(template: str, matching: str, other: str) -> None:
    regex = descriptors.template_regex(template)

    assert re.search(regex, matching)
    assert not re.search(regex, other)


def test_text_of_users_enters_expressions_as_literals() -> None:
    by = Dimension(header=HeaderValue(name="X-User", default='" : request.headers["x"] + "'))

    config = messages.unpack(descriptors.action(by).extension.typed_config)

    assert config.descriptor_key == "x-user"
    assert config.text == (
        '"x-user" in request.headers ? request.headers["x-user"] '
        ': "\\" : request.headers[\\"x\\"] + \\""'
    )


def test_the_first_template_that_matches_is_the_value() -> None:
    by = Dimension(path=Path(templates=("/a/{*}", "/a/{**}"), default="other"))

    text = messages.unpack(descriptors.action(by).extension.typed_config).text

    assert text.index('? "/a/{*}"') < text.index('? "/a/{**}"') < text.index(': "other"')
