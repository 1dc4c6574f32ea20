"""Limits of containers, by control groups."""

from pathlib import Path

import pytest

from lateen.local.cgroups import Cgroups, Limits, remove_leftovers

pytestmark = pytest.mark.root


def test_container_beyond_its_memory_is_killed(tmp_path: Path) -> None:
    import asyncio

    from lateen.local.process import Place, spawn

    cgroups = Cgroups("test-limits")
    assert cgroups.available, "root may make control groups"
    try:
        groups = cgroups.create("pod.main", Limits(memory_bytes=32 * 1024**2))

        async def scenario() -> int:
            program = "x = bytearray(200_000_000)"
            place = Place(cgroups=groups)
            process = await spawn(("python3", "-c", program), log=tmp_path / "log", place=place)
            return await process.wait()

        assert asyncio.run(scenario()) == 137
    finally:
        cgroups.close()


def test_closed_groups_leave_nothing() -> None:
    cgroups = Cgroups("test-limits-closed")
    groups = cgroups.create("pod.main", Limits(cpus=0.5))
    assert groups
    cgroups.close()

    assert not any(group.exists() for group in groups)


def test_leftover_groups_are_removed() -> None:
    groups = Cgroups("test-limits-left").create("pod.main", Limits(cpus=0.5))
    remove_leftovers("test-limits-left")

    assert groups
    assert not any(group.exists() for group in groups)
