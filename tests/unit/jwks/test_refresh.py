import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from lateen.base.clock import system_clock
from lateen.base.metrics import Registry
from lateen.base.tasks import Tasks
from lateen.jwks.fetch import Fetch
from lateen.jwks.reach import Reach
from lateen.jwks.refresh import KeyRefresh
from lateen.jwks.settings import KeySettings
from lateen.jwks.source import KeySource
from tests.unit.jwks.server import OTHER_KEY, RSA_KEY, KeyServer, answer, key_server, keys

REACH = Reach.parse(allow=["127.0.0.1"])
SECONDS = 5.0


@dataclass
class Watched:
    """A refresh, and the keys that it told of."""

    server: KeyServer
    refresh: KeyRefresh
    tasks: Tasks
    metrics: Registry
    keys: dict[KeySource, str] = field(default_factory=dict)
    told: int = 0

    def start(self, *sources: KeySource) -> None:
        self.refresh.start(self.tasks)
        self.refresh.want(dict.fromkeys(sources, SECONDS))

    @property
    def source(self) -> KeySource:
        return KeySource(self.server.url())

    def names(self, source: KeySource | None = None) -> list[str]:
        text = self.keys.get(source or self.source, "")
        return [key["kid"] for key in json.loads(text)["keys"]] if text else []

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not holds():
                await asyncio.sleep(0.01)


def watch(folder: Path, trial: Callable[[Watched], Awaitable[None]], settings: KeySettings) -> None:
    async def main() -> None:
        async with key_server() as server, Tasks() as tasks:
            metrics = Registry()
            fetch = Fetch(REACH, ssl.create_default_context())

            def changed(source: KeySource, text: str) -> None:
                watched.keys[source] = text
                watched.told += 1

            refresh = KeyRefresh(
                settings,
                fetch,
                folder=folder,
                clock=system_clock,
                random=Random(1),
                metrics=metrics,
                changed=changed,
                troubled=lambda: None,
            )
            watched = Watched(server, refresh, tasks, metrics)
            await trial(watched)

    asyncio.run(main())


OFTEN = KeySettings(refresh_seconds=0.02, reach=REACH)
SELDOM = KeySettings(reach=REACH)


def test_keys_follow_their_rotation(tmp_path: Path) -> None:
    async def trial(watched: Watched) -> None:
        watched.server.answers["/keys"] = answer(keys(RSA_KEY))
        watched.start(watched.source)
        await watched.until(lambda: watched.names() == ["1"])
        watched.server.answers["/keys"] = answer(keys(RSA_KEY, OTHER_KEY))
        await watched.until(lambda: watched.names() == ["1", "2"])

    watch(tmp_path, trial, OFTEN)


def test_equal_keys_are_told_once(tmp_path: Path) -> None:
    async def trial(watched: Watched) -> None:
        watched.server.answers["/keys"] = answer(keys(RSA_KEY))
        watched.start(watched.source)
        await watched.until(lambda: len(watched.server.asked) > 4)
        assert watched.told == 1

    watch(tmp_path, trial, OFTEN)


def test_the_last_good_keys_outlive_failures_and_recovery_follows(tmp_path: Path) -> None:
    async def trial(watched: Watched) -> None:
        watched.server.answers["/keys"] = answer(keys(RSA_KEY))
        watched.start(watched.source)
        await watched.until(lambda: watched.names() == ["1"])
        for broken in (answer(b"", "500 Broken"), answer(b"<html>"), answer(keys({}))):
            watched.server.answers["/keys"] = broken
            before = len(watched.server.asked)
            await watched.until(lambda before=before: len(watched.server.asked) > before + 2)  # type: ignore[misc]
            assert watched.names() == ["1"]
        state = watched.refresh.state(watched.source)
        assert state is not None
        assert "none of the keys" in state.trouble
        watched.server.answers["/keys"] = answer(keys(OTHER_KEY))
        await watched.until(lambda: watched.names() == ["2"])
        assert state.trouble == ""

    watch(tmp_path, trial, OFTEN)


def test_keys_that_are_too_old_are_closed(tmp_path: Path) -> None:
    async def trial(watched: Watched) -> None:
        watched.server.answers["/keys"] = answer(keys(RSA_KEY))
        watched.start(watched.source)
        await watched.until(lambda: watched.names() == ["1"])
        watched.server.answers["/keys"] = answer(b"", "500 Broken")
        await watched.until(lambda: watched.keys[watched.source] == "")
        assert "lateen_jwks_sources_without_keys 1" in watched.metrics.text()
        watched.server.answers["/keys"] = answer(keys(RSA_KEY))
        await watched.until(lambda: watched.names() == ["1"])

    settings = KeySettings(refresh_seconds=0.02, age_limit_seconds=0.2, reach=REACH)
    watch(tmp_path, trial, settings)


def test_without_any_good_fetch_there_are_no_keys(tmp_path: Path) -> None:
    async def trial(watched: Watched) -> None:
        watched.start(watched.source)
        await watched.refresh.attempted(SECONDS)
        assert watched.keys == {}
        assert "fetch_fail_total 1" in watched.metrics.text()

    watch(tmp_path, trial, SELDOM)


def test_an_issuer_is_asked_where_its_keys_are(tmp_path: Path) -> None:
    async def trial(watched: Watched) -> None:
        issuer = watched.server.url("")
        document = {"issuer": issuer, "jwks_uri": watched.server.url("/found")}
        body = json.dumps(document).encode()
        watched.server.answers["/.well-known/openid-configuration"] = answer(body)
        watched.server.answers["/found"] = answer(keys(OTHER_KEY))
        source = KeySource("", issuer)
        watched.start(source)
        await watched.until(lambda: watched.names(source) == ["2"])

    watch(tmp_path, trial, SELDOM)


def test_kept_keys_serve_while_the_server_is_away(tmp_path: Path) -> None:
    uris = []

    async def first(watched: Watched) -> None:
        uris.append(watched.source)
        watched.server.answers["/keys"] = answer(keys(RSA_KEY))
        watched.start(watched.source)
        await watched.refresh.attempted(SECONDS)

    async def second(watched: Watched) -> None:
        watched.start(uris[0])
        assert watched.names(uris[0]) == ["1"]
        await watched.refresh.attempted(SECONDS)
        assert watched.names(uris[0]) == ["1"]

    watch(tmp_path, first, SELDOM)
    watch(tmp_path, second, SELDOM)
    (tmp_path / "jwks.json").write_text('[{"uri": 1}]')

    async def third(watched: Watched) -> None:
        watched.start(uris[0])
        assert watched.keys == {}

    watch(tmp_path, third, SELDOM)


def test_a_source_that_nobody_wants_is_forgotten(tmp_path: Path) -> None:
    async def trial(watched: Watched) -> None:
        watched.server.answers["/keys"] = answer(keys(RSA_KEY))
        watched.start(watched.source)
        await watched.refresh.attempted(SECONDS)
        watched.refresh.want({})
        assert watched.keys[watched.source] == ""
        assert watched.refresh.state(watched.source) is None

    watch(tmp_path, trial, OFTEN)
