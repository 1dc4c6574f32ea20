"""Which mode a machine allows, and as whom proxies run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lateen.intercept.rules import Owner
from lateen.local.modes import EXPLICIT, choose, proxy_owner


@pytest.fixture
def folder() -> Iterator[Path]:
    """Straight below /tmp, whose folders others may enter if we let them."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def test_proxy_runs_as_its_own_user_where_that_reaches_its_files(folder: Path) -> None:
    folder.chmod(0o711)
    program = folder / "program"
    program.touch(0o644)

    assert proxy_owner((str(folder), str(program))) is Owner.ID


def test_proxy_keeps_its_user_where_a_folder_is_closed_to_others(folder: Path) -> None:
    program = folder / "program"
    program.touch(0o644)
    folder.chmod(0o700)

    assert proxy_owner((str(program),)) is Owner.GROUP


def test_explicit_mode_is_always_to_be_had_and_says_what_it_lacks() -> None:
    choice = choose(EXPLICIT)

    assert choice.mode == EXPLICIT
    assert "HTTP_PROXY" in choice.notices[0]


def test_best_mode_that_works_is_chosen() -> None:
    assert choose("auto").mode in ("root", "userns", "explicit")
