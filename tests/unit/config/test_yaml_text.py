"""YAML as Kubernetes tools read it."""

import pytest

from lateen.config import yaml_text


def test_documents_are_split_with_their_lines() -> None:
    text = "# head\n\na: 1\n---\n---\n# only a comment\n--- # note\nb: 2\n...\nc: 3\n"
    assert [(part.line, part.text.strip()) for part in yaml_text.split(text)] == [
        (3, "a: 1"),
        (8, "b: 2"),
        (10, "c: 3"),
    ]


def test_dashes_inside_a_text_do_not_split() -> None:
    assert len(list(yaml_text.split("a: |\n  ---\n  b\nc: '---'\n---x: 1\n"))) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("y", True),
        ("'yes'", "yes"),
        ("yesterday", "yesterday"),
        ("0777", 511),
        ("0o17", 15),
        ("0x1F", 31),
        ("089", 89.0),
        ("1_000", 1000),
        ("10:20", "10:20"),
        ("2024-01-01", "2024-01-01"),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("~", None),
        ("", None),
        ("2001:db8::1", "2001:db8::1"),
        ("'8080'", "8080"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_are_those_of_go(text: str, value: object) -> None:
    assert yaml_text.load(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    "text",
    ["a: yes", "a: [on, off]", "a: 0777", "a: &x {b: 1}\nc:\n  <<: *x", "a: !!str 5", "- no"],
)
def test_both_parsers_agree_where_yaml_versions_differ(text: str) -> None:
    assert yaml_text.parse(text) == yaml_text.load(text)


def test_merge_keys_are_merged() -> None:
    assert yaml_text.parse("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n")["d"] == {"b": 1, "c": 3}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: [1\nb: 2", 2, 2, "expected"),
        ("a: 1\na: 2\n", 2, 1, "twice"),
        ('a: "x\n', 2, 1, "unexpected end"),
        ("a:\n\t- b", 2, 1, "cannot start any token"),
    ],
)
def test_a_mistake_has_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(yaml_text.SyntaxProblem) as caught:
        yaml_text.parse(text)
    assert words in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("text", ["a: !!int x", "a: !!float x", "a: !!bool x", "a: &a [*a]"])
def test_a_value_that_makes_no_sense_is_a_mistake(text: str) -> None:
    with pytest.raises(yaml_text.SyntaxProblem):
        yaml_text.parse(text)


TEXT = """\
spec:
  http:
  - match: [{uri: {prefix: /}}]
    retry_on: 5xx
  ports:
    80: {mode: STRICT}
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("spec", (11, 1)),
        ("spec.http[0]", (13, 5)),
        ("spec.http[0].match[0].uri.prefix", (13, 20)),
        ("spec.http[0].retryOn", (14, 5)),
        ("spec.ports[80].mode", (16, 10)),
        ("spec.http[0].timeout", (13, 5)),  # not there: its parent
        ("spec.http[7]", (12, 3)),
        ("", (11, 1)),
    ],
)
def test_a_path_leads_to_its_line_and_column(path: str, place: tuple[int, int]) -> None:
    assert yaml_text.Positions(TEXT, 11).find(path) == place


def bomb(levels: int, first: str = "") -> str:
    """Nine of nine of nine ..."""
    lines = [f"a0: &a0 [{', '.join('x' * 9)}]{first}"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]")
    return "\n".join(lines)


@pytest.mark.parametrize("first", ["", "  # <<: the slow parser reads it"])
@pytest.mark.parametrize("levels", [9, 40])
def test_aliases_that_make_a_giant_of_a_text_are_refused(levels: int, first: str) -> None:
    with pytest.raises(yaml_text.SyntaxProblem, match="aliases make more than"):
        yaml_text.parse(bomb(levels, first))


def test_modest_aliases_are_read() -> None:
    assert len(yaml_text.parse(bomb(3))["a2"]) == 9
    assert yaml_text.parse("a: &x [1]\nb: *x\nc: '*x'") == {"a": [1], "b": [1], "c": "*x"}
