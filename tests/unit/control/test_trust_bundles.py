"""Bundles of other meshes: fetched, kept through failures, given up when too old."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from lateen.base.tasks import Tasks
from lateen.control.trust_bundles import TrustBundles
from lateen.jwks.fetch import Fetch
from lateen.jwks.reach import Reach
from lateen.view.mesh import Mesh, Settings
from tests.mesh.certificates import self_signed
from tests.unit.identity.test_spiffe_bundle import document, key
from tests.unit.jwks.server import KeyServer, answer, key_server

PATH = "/bundle"
AGE_LIMIT = 1000.0
ALLOWED = Reach.parse(allow=["localhost"])


class Clock:
    now = time.time()

    def __call__(self) -> float:
        return self.now


class Scene:
    """A mesh that federates with one other, whose bundle endpoint the test plays."""

    def __init__(self, folder: Path, server: KeyServer, tls: ssl.SSLContext, reach: Reach) -> None:
        url = server.url(PATH, "localhost")
        entry = f"{{spiffeBundleUrl: '{url}', trustDomains: [friend.org]}}"
        self.mesh = Mesh(Settings(mesh_config=f"caCertificates: [{entry}]"))
        self.clock, self.changes = Clock(), 0
        self.bundles = TrustBundles(
            self.mesh,
            Fetch(reach, tls),
            folder=folder / "bundles",
            clock=self.clock,
            random=Random(1),
            age_limit_seconds=AGE_LIMIT,
            changed=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    @property
    def roots(self) -> list[str]:
        return [roots for _, roots in self.mesh.trust.fetched]

    async def until(self, claim: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not claim():
                await asyncio.sleep(0.01)


def play(
    folder: Path,
    trial: Callable[[Scene, KeyServer], Awaitable[None]],
    reach: Reach = ALLOWED,
) -> None:
    async def main() -> None:
        certificate, private = self_signed("localhost")
        (folder / "server.pem").write_bytes(certificate + private)
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(folder / "server.pem")
        async with key_server(serving) as server, Tasks() as tasks:
            trust = ssl.create_default_context(cadata=certificate.decode())
            scene = Scene(folder, server, trust, reach)
            server.answers[PATH] = answer(document(key()))
            scene.bundles.start(tasks)
            await trial(scene, server)

    asyncio.run(main())


def test_the_roots_of_a_bundle_reach_the_mesh(tmp_path: Path) -> None:
    async def trial(scene: Scene, server: KeyServer) -> None:
        await scene.until(lambda: bool(scene.roots))
        assert "BEGIN CERTIFICATE" in scene.roots[0]
        assert scene.changes == 1

    play(tmp_path, trial)


def test_a_bundle_survives_the_end_of_the_control_plane(tmp_path: Path) -> None:
    async def first(scene: Scene, server: KeyServer) -> None:
        await scene.until(lambda: bool(scene.roots))

    play(tmp_path, first)
    kept = (tmp_path / "bundles" / "bundles.json").read_bytes()
    assert b"BEGIN CERTIFICATE" in kept


def test_a_bundle_that_is_too_old_is_given_up(tmp_path: Path) -> None:
    async def trial(scene: Scene, server: KeyServer) -> None:
        await scene.until(lambda: bool(scene.roots))
        scene.clock.now += AGE_LIMIT - 1
        scene.bundles.update()
        assert scene.roots
        scene.clock.now += 2
        scene.bundles.update()
        assert not scene.roots

    play(tmp_path, trial)


def test_what_is_no_bundle_is_reported_and_tried_again(tmp_path: Path) -> None:
    async def trial(scene: Scene, server: KeyServer) -> None:
        url = server.url(PATH, "localhost")
        server.answers[PATH] = answer(b"{}")
        await scene.until(lambda: bool(scene.bundles.troubles.get(url)))
        assert not scene.roots
        server.answers[PATH] = answer(document(key()))
        await scene.until(lambda: bool(scene.roots))
        assert not scene.bundles.troubles[url]

    play(tmp_path, trial)


def test_loopback_is_not_asked_unless_it_is_allowed(tmp_path: Path) -> None:
    async def trial(scene: Scene, server: KeyServer) -> None:
        url = server.url(PATH, "localhost")
        await scene.until(lambda: "loopback" in scene.bundles.troubles.get(url, ""))
        assert not server.asked

    play(tmp_path, trial, Reach())
