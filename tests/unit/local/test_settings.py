"""lateen.yaml: reading and checking."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from lateen.base.problem import Problem
from lateen.local.settings import Settings, SettingsReading, mesh_name, parse, read

PAGE = Path(__file__).parents[3] / "docs" / "local-mesh.md"


def parsed(text: str) -> SettingsReading:
    return parse(dedent(text), Path("/tmp/lateen.yaml"))


def problem(text: str) -> Problem:
    found = parsed(text).problems
    assert len(found) == 1
    return found[0]


def test_missing_file_is_the_default(tmp_path: Path) -> None:
    assert read(tmp_path) == SettingsReading(Settings())


def test_all_sections_are_read() -> None:
    settings = parsed("""
        name: shop
        namespace: shop
        images: [{image: "a/*", command: [run], directory: ., env: {A: b}}]
        ports: {80: 8080}
        check: [{path: /x, headers: {a: b}, expect: {status: 201, version: v2}}]
    """).settings

    assert settings.images[0].command == ("run",)
    assert settings.ports == {80: 8080}
    assert settings.check[0].expect.version == "v2"


def test_who_signs_certificates_is_read_with_paths_from_the_file() -> None:
    found = parsed("""
        authority:
          passphraseFile: ../secret
          rotateRoot: false
        """).settings.authority
    assert found.passphrase_file == "/tmp/../secret"
    assert not found.rotate_root


def test_a_mistake_in_the_authority_is_located() -> None:
    found = problem("""
        name: shop
        authority: {foldr: cacerts}
        """)
    assert found.path == "authority"
    assert "foldr" in found.message


def test_directory_is_looked_up_from_the_file() -> None:
    settings = parsed("images: [{image: a, command: [b], directory: .}]").settings

    assert settings.images[0].directory == str(Path("/tmp").resolve())


def test_unknown_field_is_located_and_the_known_ones_named() -> None:
    found = problem("name: shop\nimagse: []\n")

    assert found.line == 2
    assert "imagse" in found.message
    assert "images" in found.hint


def test_wrong_type_is_located_at_its_line() -> None:
    found = problem("images:\n- image: a\n  command: run\n")

    assert (found.path, found.line) == ("images[0].command", 3)


def test_missing_command_is_located_at_the_entry() -> None:
    found = problem("name: a\nimages:\n- image: a\n")

    assert (found.path, found.line) == ("images[0]", 3)
    assert "command" in found.message


def test_missing_directory_is_reported_with_where_it_was_looked_for() -> None:
    found = problem("images:\n- image: a\n  command: [b]\n  directory: nowhere-at-all\n")

    assert found.line == 4
    assert "looked up from /tmp" in found.hint


def test_wrong_yaml_is_located() -> None:
    assert problem("name: [\n").line >= 1


@pytest.mark.parametrize(
    ("folder", "settings", "name"),
    [
        ("/x/My Shop", Settings(), "my-shop"),
        ("/x/shop", Settings(name="other"), "other"),
        ("/", Settings(), "mesh"),
    ],
)
def test_name_of_the_mesh(folder: str, settings: Settings, name: str) -> None:
    assert mesh_name(Path(folder), settings) == name


def test_example_of_the_documentation_is_accepted() -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None

    assert parse(found[1], PAGE).problems == ()


def test_every_section_is_documented() -> None:
    text = PAGE.read_text()

    assert [name for name in Settings.__struct_fields__ if f"{name}:" not in text] == []
