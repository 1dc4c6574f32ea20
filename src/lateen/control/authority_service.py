"""Ties the certificate authority to the rest of the control plane.

roots, revocations  ->  mesh.trust  ->  every agent          the server's certificate follows
plugged-in files    ->  authority                            as they change
lateen ca           ->  socket in the state folder  ->  authority
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lateen.audit.event import Action, Decision, Event, Recorder
from lateen.base.clock import Clock
from lateen.base.tasks import Tasks
from lateen.ca import plugged_in
from lateen.ca.admin_socket import AdminSocket
from lateen.ca.administration import Administration
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.config.inotify import Polling, Watch, WatchError
from lateen.control.trust_bundles import TrustBundles
from lateen.identity.trust_bundle import TYPE_URL as TRUST_BUNDLE
from lateen.translate.trust_bundle import own_roots
from lateen.view.mesh import Mesh
from lateen.xds.server import DiscoveryServer
from lateen.xds.stream import Stream
from lateen.xds.transport.status import Status

log = logging.getLogger(__name__)

SETTLED_SECONDS = 0.3  # files of a set are written one after the other
ABSENT_SECONDS = 2.0  # how often a folder that is not there is looked for


class AuthorityService:
    """`renewed` is called when the authority's roots or signer are others."""

    def __init__(
        self,
        authority: CertificateAuthority,
        mesh: Mesh,
        server: DiscoveryServer,
        *,
        state: Path,
        clock: Clock,
        audit: Recorder,
        renewed: Callable[[], None],
        bundles: TrustBundles,
    ) -> None:
        self._authority = authority
        self._mesh = mesh
        self._server = server
        self._audit = audit
        self._renewed = renewed
        self._bundles = bundles
        self._told = authority.server_bundle
        administration = Administration(
            authority, clock=clock, unaware=self.unaware, disconnect=self.disconnect
        )
        self._socket = AdminSocket(state, administration.answer, audit=self._record)
        authority.changed = self._changed
        authority.unaware = self.unaware
        self._publish()
        authority.told = lambda: own_roots(mesh)

    async def start(self, tasks: Tasks) -> None:
        await self._socket.start()
        tasks.start(self._authority.run(), name="certificate authority")
        tasks.start(self._follow_files(), name="plugged-in authority")
        self._bundles.start(tasks)

    def update(self) -> None:
        """The configuration is another: other meshes may be trusted, or trusted no more."""
        self._bundles.update()

    def close(self) -> None:
        self._socket.close()

    # proxies

    def unaware(self) -> list[str]:
        """Connected proxies that have not confirmed the trust bundle of this moment."""
        self._server.push()
        return sorted({_id(stream) for stream in self._server.connected() if not _has_it(stream)})

    def disconnect(self, identity: str) -> int:
        """Ends the streams of an identity; they are refused when they come again."""
        ended = [stream for stream in self._server.connected() if stream.identity == identity]
        for stream in ended:
            stream.call.finish(Status.PERMISSION_DENIED, f"{identity} is evicted")
        return len(ended)

    def _changed(self) -> None:
        self._publish()
        self._server.changed()
        if self._told != self._authority.server_bundle:
            self._told = self._authority.server_bundle
            self._renewed()

    def _publish(self) -> None:
        revocations = self._authority.revocations
        self._mesh.set_trust(
            replace(
                self._mesh.trust,
                roots=self._authority.bundle,
                revoked=revocations.lists,
                whole_chain=revocations.whole_chain,
            )
        )

    # files

    async def _follow_files(self) -> None:
        """Reads the plugged-in set again whenever one of its files has changed, for ever."""
        folder = self._authority.plugged_in_folder
        while True:
            if not _is_there(folder):
                await asyncio.sleep(ABSENT_SECONDS)
                continue
            self._authority.reload()
            await self._follow(folder)

    async def _follow(self, folder: Path) -> None:
        """Until the folder is gone."""
        watch = _watch()
        try:
            watch.add((folder,))
            while _is_there(folder):
                touched = await watch.wait(ABSENT_SECONDS)
                names = {path.name for path in touched.paths}
                if not touched.everything and not names & plugged_in.FILES:
                    continue
                await asyncio.sleep(SETTLED_SECONDS)
                self._authority.reload()
                if touched.everything:
                    watch.add((folder,))
        finally:
            watch.close()

    # audit

    def _record(self, request: Mapping[str, Any], caller: str, reason: str) -> None:
        words = [str(request[key]) for key in ("command", "root", "identity") if request.get(key)]
        if request.get("force"):
            words.append("--force")
        self._audit.record(
            Event(
                Action.ADMIN,
                Decision.REFUSED if reason else Decision.ACCEPTED,
                object=f"ca {' '.join(words)}",
                proof=caller,
                reason=reason,
            )
        )


def _is_there(folder: Path) -> bool:
    return folder.is_dir()


def _watch() -> Watch | Polling:
    try:
        return Watch()
    except WatchError:
        return Polling()


def _id(stream: Stream) -> str:
    return stream.proxy.id if stream.proxy is not None else ""


def _has_it(stream: Stream) -> bool:
    watch = stream.watches.get(TRUST_BUNDLE)
    return watch is not None and not (
        watch.outstanding or watch.is_behind or watch.rejection or not watch.acknowledged
    )
