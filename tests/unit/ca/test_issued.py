"""The record of issued leaves."""

from pathlib import Path

from lateen.ca import issued
from lateen.ca.issued import IssuedLeaf, IssuedLeaves


def leaf(serial: int, ends: float = 100.0) -> IssuedLeaf:
    return IssuedLeaf("web", f"{serial:x}", "root", ends)


def test_leaves_are_found_again_until_they_end(tmp_path: Path) -> None:
    first = IssuedLeaves(tmp_path, now=0)
    first.add(leaf(1), now=0)
    first.add(leaf(2, ends=50), now=0)
    assert list(IssuedLeaves(tmp_path, now=60).live(60)) == [leaf(1)]
    assert not list(IssuedLeaves(tmp_path, now=200).live(200))


def test_a_line_that_a_crash_cut_off_is_passed_over(tmp_path: Path) -> None:
    first = IssuedLeaves(tmp_path, now=0)
    first.add(leaf(1), now=0)
    with (tmp_path / issued.FILE).open("a") as file:
        file.write('{"identity": "web", "ser')
    again = IssuedLeaves(tmp_path, now=0)
    again.add(leaf(2), now=0)
    assert list(IssuedLeaves(tmp_path, now=0).live(0)) == [leaf(1), leaf(2)]


def test_the_file_does_not_grow_with_leaves_that_have_ended(tmp_path: Path) -> None:
    leaves = IssuedLeaves(tmp_path, now=0)
    for index in range(5 * issued.REWRITE_FROM):
        leaves.add(leaf(index, ends=index + 10), now=index)
    lines = (tmp_path / issued.FILE).read_bytes().count(b"\n")
    assert lines <= issued.REWRITE_FROM
    assert (tmp_path / issued.FILE).stat().st_mode & 0o777 == 0o600
