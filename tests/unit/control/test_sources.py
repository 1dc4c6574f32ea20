"""Several places of Secrets: which counts, and that none is lost when another goes."""

import asyncio
from collections.abc import AsyncIterator

from lateen.api.kubernetes.config import Secret
from lateen.api.resource import Change, Key, ObjectMeta, Resource
from lateen.config.folder import Batch
from lateen.control.sources import CombinedSource

EDGE = Key("Secret", "shop", "edge")


def change(content: str | None, name: str = "edge") -> Change:
    if content is None:
        return Change(Key("Secret", "shop", name), None)
    made = Resource(
        kind="Secret",
        api_version="v1",
        meta=ObjectMeta(name=name, namespace="shop"),
        spec=Secret(string_data={"key": content}),
    )
    return Change(made.key, made)


class Place:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[Batch | None] = asyncio.Queue()

    def give(self, *changes: Change) -> None:
        self.queue.put_nowait(Batch(changes))

    async def batches(self) -> AsyncIterator[Batch]:
        while (batch := await self.queue.get()) is not None:
            yield batch


def shown(batch: Batch) -> list[tuple[str, str | None]]:
    return [
        (c.key.name, c.resource.spec.string_data["key"] if c.resource else None)
        for c in batch.changes
    ]


def test_the_first_batch_waits_for_all_and_the_first_place_counts() -> None:
    async def scenario() -> None:
        manifests, folder, vault = Place(), Place(), Place()
        batches = CombinedSource(manifests, [folder, vault]).batches()
        vault.give(change("vault"), change("only", "other"))
        folder.give(change("folder"))
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        assert not waiting.done()
        manifests.give()
        first = await waiting
        assert dict(shown(first)) == {"edge": "folder", "other": "only"}
        assert ["is given by several places" in p.message for p in first.problems] == [True]

        manifests.give(change("manifest"))
        assert shown(await anext(batches)) == [("edge", "manifest")]
        folder.give(change("folder again"))
        assert shown(await anext(batches)) == []
        manifests.give(change(None))
        assert shown(await anext(batches)) == [("edge", "folder again")]
        folder.give(change(None))
        assert shown(await anext(batches)) == [("edge", "vault")]
        vault.give(change(None))
        last = await anext(batches)
        assert (shown(last), last.problems) == ([("edge", None)], ())
        await batches.aclose()

    asyncio.run(scenario())


def test_it_ends_when_one_of_them_ends() -> None:
    async def scenario() -> list[Batch]:
        manifests, folder = Place(), Place()
        manifests.give()
        folder.give()
        folder.queue.put_nowait(None)
        return [batch async for batch in CombinedSource(manifests, [folder]).batches()]

    assert len(asyncio.run(scenario())) == 1
