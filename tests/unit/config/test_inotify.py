"""What the kernel tells of folders, and what stands in for it."""

import asyncio
import os
from pathlib import Path

import pytest

from lateen.config.inotify import Polling, Touched, Watch


def touched_by(folder: Path, act: object) -> Touched:
    async def run() -> Touched:
        watch = Watch()
        try:
            watch.add([folder])
            act(folder)  # type: ignore[operator]
            return await watch.wait(5)
        finally:
            watch.close()

    return asyncio.run(run())


def test_a_written_file_counts_when_it_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    with file.open("w") as half:
        half.write("a")
        half.flush()

        async def nothing() -> Touched:
            watch = Watch()
            try:
                watch.add([tmp_path])
                half.write("b")
                half.flush()
                return await watch.wait(0.05)
            finally:
                watch.close()

        assert asyncio.run(nothing()) == Touched()
    assert touched_by(tmp_path, lambda _: file.write_text("c")).paths == {file}


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: (folder / ".new").rename(folder / "a.yaml"),
        lambda folder: (folder / "old.yaml").rename(folder / "a.yaml"),
        lambda folder: os.link(folder / ".new", folder / "a.yaml"),
    ],
)
def test_a_file_put_in_place_counts(tmp_path: Path, act: object) -> None:
    (tmp_path / ".new").write_text("a")
    (tmp_path / "old.yaml").write_text("b")
    assert tmp_path / "a.yaml" in touched_by(tmp_path, act).paths


def test_a_folder_or_a_link_makes_everything_count(tmp_path: Path) -> None:
    assert touched_by(tmp_path, lambda folder: (folder / "sub").mkdir()).everything
    assert touched_by(tmp_path, lambda folder: (folder / "l").symlink_to("x")).everything


def test_a_folder_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    watch = Watch()
    watch.add([tmp_path / "none"])
    watch.close()


def test_polling_looks_at_everything() -> None:
    assert asyncio.run(Polling().wait(0.001)) == Touched(everything=True)
