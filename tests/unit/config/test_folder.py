"""A folder as a living source: what reaches the mesh, and what never takes anything away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from lateen.config.folder import Batch, FolderSource


def service(name: str, port: int = 80) -> str:
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{ports: [{{name: http, port: {port}}}]}}\n"
    )


def names(batch: Batch) -> list[str]:
    return [("" if c.resource else "-") + c.key.name for c in batch.changes]


def codes(batch: Batch) -> list[str]:
    return [problem.code for problem in batch.problems]


def replace(path: Path, text: str) -> None:
    half = path.with_name(f".{path.name}.new")
    half.write_text(text)
    half.rename(path)


def following(folder: Path, scenario: Callable[[AsyncIterator[Batch]], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(10), aclosing(FolderSource([folder]).batches()) as batches:
            await scenario(batches)

    asyncio.run(run())


def test_the_first_batch_is_everything(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(service("a"))
    (tmp_path / "b.yml").write_text(service("b"))
    (tmp_path / ".hidden.yaml").write_text(service("hidden"))
    (tmp_path / "notes.txt").write_text(service("notes"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert names(await anext(batches)) == ["a", "b"]

    following(tmp_path, scenario)


def test_an_empty_folder_gives_a_first_batch_too(tmp_path: Path) -> None:
    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert await anext(batches) == Batch()

    following(tmp_path, scenario)


def test_a_file_renamed_into_place_arrives_within_milliseconds(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(tmp_path / "a.yaml", service("a", 81))
        began = time.monotonic()
        batch = await anext(batches)
        assert time.monotonic() - began < 0.1
        assert names(batch) == ["a"]

    following(tmp_path, scenario)


def test_an_object_that_becomes_wrong_keeps_its_last_version(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a") + "---\n" + service("b"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(
            tmp_path / "a.yaml", service("a").replace("80", "many") + "---\n" + service("b", 81)
        )
        batch = await anext(batches)
        assert names(batch) == ["b"]
        assert len(batch.problems) == 1
        assert batch.problems[0].line == 4

    following(tmp_path, scenario)


def test_a_file_that_is_no_yaml_takes_nothing_away(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))
    (tmp_path / "b.yaml").write_text(service("b"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(tmp_path / "a.yaml", "kind: [Service")
        batch = await anext(batches)
        assert names(batch) == []
        assert codes(batch) == ["syntax"]
        replace(tmp_path / "a.yaml", service("a", 82))
        batch = await anext(batches)
        assert names(batch) == ["a"]
        assert codes(batch) == []

    following(tmp_path, scenario)


def test_an_emptied_folder_keeps_its_state_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        (tmp_path / "a.yaml").unlink()
        batch = await anext(batches)
        assert names(batch) == []
        assert codes(batch) == ["emptied"]
        replace(tmp_path / "b.yaml", service("b"))
        batch = await anext(batches)
        assert names(batch) == ["-a", "b"]
        assert codes(batch) == []

    following(tmp_path, scenario)


def test_a_removed_file_takes_its_objects_away(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))
    (tmp_path / "b.yaml").write_text(service("b"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        (tmp_path / "a.yaml").unlink()
        assert names(await anext(batches)) == ["-a"]

    following(tmp_path, scenario)


def test_of_two_the_first_by_path_stands_and_both_places_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("same", 1))
    (tmp_path / "b.yaml").write_text(service("same", 2))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        batch = await anext(batches)
        change = batch.changes[0]
        assert change.resource is not None
        assert change.resource.spec.ports[0].port == 1
        assert codes(batch) == ["duplicate"]
        assert "a.yaml" in batch.problems[0].message
        assert batch.problems[0].file.endswith("b.yaml")
        (tmp_path / "a.yaml").unlink()
        change = (await anext(batches)).changes[0]
        assert change.resource is not None
        assert change.resource.spec.ports[0].port == 2

    following(tmp_path, scenario)


def test_a_new_folder_is_watched(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "b.yaml").write_text(service("b"))
        assert names(await anext(batches)) == ["b"]
        replace(tmp_path / "more" / "b.yaml", service("b", 81))
        assert names(await anext(batches)) == ["b"]

    following(tmp_path, scenario)


def test_a_single_file_is_followed_through_its_replacement(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    file.write_text(service("a"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(file, service("a", 81))
        assert names(await anext(batches)) == ["a"]

    following(file, scenario)


def test_an_unchanged_object_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(tmp_path / "a.yaml", service("a") + "# a comment\n")
        replace(tmp_path / "b.yaml", service("b"))
        assert names(await anext(batches)) == ["b"]

    following(tmp_path, scenario)


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_file_without_objects_beside_others_is_an_edit(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))
    (tmp_path / "b.yaml").write_text(service("b"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(tmp_path / "a.yaml", text)
        assert names(await anext(batches)) == ["-a"]

    following(tmp_path, scenario)


def test_a_file_moved_away_and_written_anew_never_goes_away(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))
    (tmp_path / "b.yaml").write_text(service("b"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        (tmp_path / "a.yaml").rename(tmp_path / "a.yaml~")
        (tmp_path / "a.yaml").write_text(service("a", 81))
        assert names(await anext(batches)) == ["a"]
        (tmp_path / "b.yaml").unlink()
        assert names(await anext(batches)) == ["-b"]

    following(tmp_path, scenario)


def test_all_files_removed_one_by_one_count_as_emptied(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.yaml").write_text(service(f"s{number}"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        for number in range(20):
            (tmp_path / f"{number}.yaml").unlink()
            await asyncio.sleep(0)
        batch = await anext(batches)
        assert (names(batch), codes(batch)) == ([], ["emptied"])

    following(tmp_path, scenario)


def test_a_folder_that_is_gone_keeps_its_state_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    folder.mkdir()
    (folder / "a.yaml").write_text(service("a"))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        folder.rename(tmp_path / "elsewhere")
        batch = await anext(batches)
        assert (names(batch), codes(batch)) == ([], ["unreadable"])
        folder.mkdir()
        replace(folder / "b.yaml", service("b"))
        seen: list[str] = []
        while "b" not in seen or "-a" not in seen:
            seen += names(await anext(batches))

    following(folder, scenario)


def test_a_folder_that_appears_later_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert codes(await anext(batches)) == ["unreadable"]
        folder.mkdir()
        (folder / "a.yaml").write_text(service("a"))
        seen: list[str] = []
        while not seen:
            seen += names(await anext(batches))
        assert seen == ["a"]

    following(folder, scenario)


def test_a_link_follows_its_target(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "mesh", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(service("a"))
    (folder / "link.yaml").symlink_to(elsewhere / "a.yaml")

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert names(await anext(batches)) == ["a"]
        replace(elsewhere / "a.yaml", service("a", 81))
        assert names(await anext(batches)) == ["a"]

    following(folder, scenario)


def test_a_mounted_config_map_is_followed_through_its_swap(tmp_path: Path) -> None:
    for version, port in (("..1", 80), ("..2", 81)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text(service("a", port))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert names(await anext(batches)) == ["a"]
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").rename(tmp_path / "..data")
        assert names(await anext(batches)) == ["a"]

    following(tmp_path, scenario)


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(service("a"))
    (tmp_path / "b.yaml").write_text("#" * (2 * 1024 * 1024 + 1))

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        batch = await anext(batches)
        assert (names(batch), codes(batch)) == (["a"], ["unreadable"])

    following(tmp_path, scenario)


def test_an_object_that_contradicts_itself_keeps_its_last_version(tmp_path: Path) -> None:
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r}\n"
        "spec: {host: a, trafficPolicy: {outlierDetection: {maxEjectionPercent: %d}}}\n"
    )
    (tmp_path / "a.yaml").write_text(rule % 50)

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(tmp_path / "a.yaml", rule % 150)
        batch = await anext(batches)
        assert names(batch) == []
        assert batch.problems[0].path == "spec.trafficPolicy.outlierDetection.maxEjectionPercent"
        assert (batch.problems[0].line, batch.problems[0].column) == (4, 52)

    following(tmp_path, scenario)


def test_a_burst_is_few_batches(tmp_path: Path) -> None:
    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        for number in range(200):
            replace(tmp_path / f"{number}.yaml", service(f"s{number}"))
        seen = count = 0
        while seen < 200:
            seen += len((await anext(batches)).changes)
            count += 1
        assert count <= 3

    following(tmp_path, scenario)


ROUTES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http: [{route: [{destination: {host: a}, weight: 90}, {destination: {host: b}, weight: 10}]}]
"""


def test_a_misspelt_field_of_istio_keeps_the_last_version(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ROUTES)

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        await anext(batches)
        replace(tmp_path / "a.yaml", ROUTES.replace("weight: 90", "wieght: 90"))
        batch = await anext(batches)
        assert names(batch) == []
        assert codes(batch) == ["unknown-field"]
        assert batch.problems[0].hint == 'did you mean "weight"?'
        assert batch.problems[0].severity == "error"

    following(tmp_path, scenario)
