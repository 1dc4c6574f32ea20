"""Files, folders and standard input."""

import io
from pathlib import Path

from lateen.config.paths import read_documents, read_paths


def service(name: str) -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{}}\n"


def test_folders_are_read_to_their_depth_in_name_order(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for place, name in (("b/c/z.json", "z"), ("a.yaml", "a"), ("b/y.yml", "m")):
        (tmp_path / place).write_text(service(name))
    for ignored in (".git/x.yaml", ".x.yaml", "x.txt", "lateen.yaml"):
        (tmp_path / ignored).write_text(service("ignored"))

    assert [one.name for one in read_paths([tmp_path]).resources] == ["a", "m", "z"]


def test_standard_input_is_a_dash() -> None:
    reading = read_paths(["-"], stdin=io.StringIO(service("a")))
    assert str(reading.resources[0].origin) == "<stdin>:1"


def test_a_path_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (document,) = read_documents([tmp_path / "none.yaml"])
    assert document.problems[0].code == "unreadable"
    assert document.problems[0].message == "no such file or folder"


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \xff\xfe")
    (document,) = read_documents([tmp_path])
    assert document.problems[0].message == "is not UTF-8 text (byte 3)"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + service("a").encode())
    assert len(read_paths([tmp_path]).resources) == 1


def test_of_two_objects_the_first_stands_and_both_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("same"))
    (tmp_path / "b.yaml").write_text(service("same"))

    reading = read_paths([tmp_path])

    assert len(reading.resources) == 1
    assert reading.problems[0].file.endswith("b.yaml")
    assert "a.yaml:1" in reading.problems[0].message
