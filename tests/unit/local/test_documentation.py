"""The example of docs/local-mesh.md is what the program accepts."""

import re
from pathlib import Path

from lateen.local.settings import Settings, parse

PAGE = Path(__file__).parents[3] / "docs" / "local-mesh.md"


def test_settings_of_the_documentation_are_accepted() -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None

    assert parse(found[1], PAGE).problems == ()


def test_every_section_of_the_settings_is_documented() -> None:
    text = PAGE.read_text()

    assert [name for name in Settings.__struct_fields__ if f"{name}:" not in text] == []
