"""Roots of other meshes: fetched from MeshConfig's SPIFFE bundle URLs, kept, handed to the mesh.

    caCertificates[].spiffeBundleUrl  ->  fetched, with the limits of token keys  ->  mesh.trust

A bundle that cannot be fetched stays as it was until the age limit; then nobody of that trust
domain is believed. What was fetched survives the end of the control plane.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec

from lateen.base.clock import Clock
from lateen.base.private_files import private_folder, write_private
from lateen.base.tasks import Tasks
from lateen.identity import spiffe_bundle
from lateen.identity.errors import IdentityError
from lateen.jwks.errors import KeyFetchError
from lateen.jwks.fetch import Fetch
from lateen.view.mesh import Mesh

log = logging.getLogger(__name__)

FILE = "bundles.json"
TIMEOUT_SECONDS = 10.0
MOST_BUNDLES = 100
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
JITTER = 0.1


class Bundle(msgspec.Struct, frozen=True):
    roots: str
    fetched: float  # seconds since 1970


class TrustBundles:
    """Owns what was fetched. `changed` is called when the mesh's trust is another."""

    def __init__(
        self,
        mesh: Mesh,
        fetch: Fetch,
        *,
        folder: Path,
        clock: Clock,
        random: Random,
        age_limit_seconds: float,
        changed: Callable[[], None],
    ) -> None:
        self._mesh, self._fetch = mesh, fetch
        self._file = private_folder(folder) / FILE
        self._clock, self._random = clock, random
        self._age_limit_seconds = age_limit_seconds
        self._changed = changed
        self._tasks: Tasks | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._bundles = _read(self._file)
        self.troubles: dict[str, str] = {}  # URL: why the last attempt failed

    def start(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self.update()

    def update(self) -> None:
        """The mesh's configuration may be another."""
        wanted = _urls(self._mesh)
        if self._tasks is None:
            return
        for url in [each for each in self._running if each not in wanted]:
            self._running.pop(url).cancel()
            self.troubles.pop(url, None)
        for url in wanted:
            if url not in self._running:
                self._running[url] = self._tasks.start(self._follow(url), name=f"bundle {url}")
        self._publish()

    async def _follow(self, url: str) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:  # until it is not wanted any more
            try:
                found = spiffe_bundle.read(await self._fetch(url, timeout_seconds=TIMEOUT_SECONDS))
            except (KeyFetchError, IdentityError) as trouble:
                self._note(url, str(trouble))
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                self._note(url, "")
                self._keep(url, found.roots)
                wait, pause = found.refresh_seconds, FIRST_PAUSE_SECONDS
            self._publish()
            await asyncio.sleep(wait * self._random.uniform(1 - JITTER, 1 + JITTER))
            self._publish()  # what has become too old meanwhile is no longer good

    def _note(self, url: str, trouble: str) -> None:
        if trouble and self.troubles.get(url) != trouble:
            log.warning("trust bundle not fetched", extra={"url": url, "reason": trouble})
        self.troubles[url] = trouble

    def _keep(self, url: str, roots: str) -> None:
        wanted = _urls(self._mesh)
        self._bundles[url] = Bundle(roots, self._clock())
        self._bundles = {each: self._bundles[each] for each in wanted if each in self._bundles}
        write_private(self._file, msgspec.json.encode(self._bundles))

    def _publish(self) -> None:
        oldest = self._clock() - self._age_limit_seconds
        fetched = tuple(
            (url, self._bundles[url].roots)
            for url in _urls(self._mesh)
            if url in self._bundles and self._bundles[url].fetched > oldest
        )
        if fetched != self._mesh.trust.fetched:
            self._mesh.set_trust(replace(self._mesh.trust, fetched=fetched))
            self._changed()


def _urls(mesh: Mesh) -> tuple[str, ...]:
    """Of https alone: a bundle says who is to be believed."""
    found = (data.spiffe_bundle_url for data in mesh.config.ca_certificates)
    urls = dict.fromkeys(url for url in found if url and url.startswith("https://"))
    return tuple(urls)[:MOST_BUNDLES]


def _read(file: Path) -> dict[str, Bundle]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Bundle])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as wrong:
        log.warning("kept trust bundles not read", extra={"reason": str(wrong)})
        return {}
