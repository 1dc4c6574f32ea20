"""The control plane: wires sources, mesh, discovery, certificates and the admin interface.

    source --changes--> Mesh.apply --> DiscoveryServer.changed --> proxies
           --problems-> standard error, /debug/push_status

Nothing is served before the first reading is complete; from then on every batch of changes reaches
the proxies in the turn of the event loop in which it is read.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, Protocol

from lateen.api.resource import Change
from lateen.base.clock import Clock
from lateen.base.errors import LateenError
from lateen.base.metrics import Registry
from lateen.base.problem import Problem
from lateen.base.tasks import Tasks
from lateen.ca.metrics import AuthorityMetrics
from lateen.control import certificates, memory, records, token_page
from lateen.control.admission import Admission, certificate_methods, no_handshake
from lateen.control.announcements import announce
from lateen.control.audit_output import AuditOutput
from lateen.control.authority_service import AuthorityService
from lateen.control.certificates import Certificates
from lateen.control.guard import Guard, load_or_create_token
from lateen.control.http import HttpServer, PageTable
from lateen.control.pages import OPEN_PAGES, Pages
from lateen.control.patch_findings import PatchFindings
from lateen.control.registration import Registration
from lateen.control.settings import ControlSettings
from lateen.control.token_keys import TokenKeys, server_trust
from lateen.control.trust_bundles import TrustBundles
from lateen.gateway_api import findings
from lateen.identity.join_tokens import JoinTokens
from lateen.jwks.fetch import Fetch
from lateen.translate.envoy_filter import problems as patches
from lateen.translate.rate_limit import problems as rate_limit
from lateen.view import foreign_claims
from lateen.view.conflicts import conflicts
from lateen.view.mesh import Mesh
from lateen.view.proxy import Proxy
from lateen.xds.mesh_catalogue import MeshCatalogue
from lateen.xds.server import DiscoveryServer
from lateen.xds.transport.call import Call
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.listener import Address, Listener, ListenError, require_loopback

log = logging.getLogger(__name__)

GRACE_SECONDS = 2.0  # for proxies to leave when the control plane stops; they reconnect elsewhere


class ControlError(LateenError):
    """The control plane cannot go on."""


class Batch(Protocol):
    """What a source has read: objects that changed, and everything that is wrong at present."""

    @property
    def changes(self) -> tuple[Change, ...]: ...

    @property
    def problems(self) -> tuple[Problem, ...]: ...


class Source(Protocol):
    def batches(self) -> AsyncIterator[Batch]:
        """The first batch is everything there is; it comes even when that is nothing."""


class ControlPlane:
    """Owns everything below it. `run` serves until it is cancelled or `stop` is set."""

    def __init__(
        self, settings: ControlSettings, source: Source, *, clock: Clock, random: Random
    ) -> None:
        if settings.xds_address is not None:
            require_loopback(settings.xds_address)
        _check_admin(settings)
        self.settings = settings
        self.mesh = Mesh(settings.mesh)
        self.mesh.graph.observe(conflicts.node(self.mesh))  # so that what is known of them is kept
        self._findings = findings.of_all(self.mesh)
        self._foreign = foreign_claims.of_all(self.mesh)
        self.metrics = Registry()
        self.audit = AuditOutput(settings.audit, clock=clock, metrics=self.metrics)
        self.is_ready = False
        self.problems: tuple[Problem, ...] = ()
        self._source = source
        self._clock = clock
        self._random = random
        self._certificates: Certificates | None = None
        self._authority: AuthorityService | None = None
        self.server = DiscoveryServer(
            MeshCatalogue(self.mesh),
            clock=clock,
            metrics=self.metrics,
            admission=self._admit,
            audit=self.audit,
        )
        self._patches = PatchFindings(self.mesh, self.server)
        self.server.presence = Registration(
            self.mesh,
            controller=os.uname().nodename,
            clock=clock,
            after=self.server.after,
            changed=self.server.changed,
        )
        self._config_events = self.metrics.counter(
            "pilot_k8s_cfg_events", "Objects that were added, changed or deleted.", "type"
        )
        self._token_keys = TokenKeys(
            settings.keys,
            self.mesh,
            state=settings.state,
            clock=clock,
            random=random,
            metrics=self.metrics,
            changed=self.server.changed,
        )
        self._listeners: list[Listener] = []
        self.admin: HttpServer | None = None

    @property
    def xds_listeners(self) -> tuple[Listener, ...]:
        return tuple(self._listeners)

    async def run(self, stop: asyncio.Event, *, started: Callable[[], None] = lambda: None) -> None:
        memory.relax_while_loading()
        self.audit.open()
        batches = self._source.batches()
        try:
            if not self._admin_needs_tls:
                await self._serve_admin(None)
            self._apply(await anext(batches))
            async with Tasks() as tasks:
                await self._begin(tasks)
                started()
                following = tasks.start(self._follow(batches), name="configuration")
                stopping = tasks.start(stop.wait(), name="stop")
                tasks.start(self._patches.follow(), name="patches that failed")
                tasks.start(memory.collect_now_and_then(), name="collection of garbage")
                await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    following.result()
        finally:
            await self._stop()

    # configuration

    async def _follow(self, batches: AsyncIterator[Batch]) -> None:
        async for batch in batches:
            self._apply(batch)
        raise ControlError("the source of configuration has ended")

    async def _begin(self, tasks: Tasks) -> None:
        """Everything has been read. The trust domain is known only now."""
        if self.settings.secure_xds_address is not None:
            self._certificates = certificates.load(
                self.settings,
                self.mesh,
                clock=self._clock,
                random=self._random,
                audit=self.audit,
            )
            self._certificates.start(tasks)
            self._authority = AuthorityService(
                self._certificates.authority,
                self.mesh,
                self.server,
                state=self.settings.state,
                clock=self._clock,
                audit=self.audit,
                renewed=self._certificates.server.renew,
                bundles=self._trust_bundles(),
            )
            await self._authority.start(tasks)
        await self._token_keys.start(tasks)
        await self._serve_discovery(tasks)
        if self._admin_needs_tls and self._certificates is not None:
            await self._serve_admin(self._certificates.server.context)
        memory.settle()
        self.is_ready = True
        log.info("ready", extra={"problems": len(self.problems)})

    def _apply(self, batch: Batch) -> None:
        self.mesh.apply(batch.changes)
        for change in batch.changes:
            self._config_events.labels(change.key.kind).add()
        self.audit.record_all(records.applied(batch.changes))
        self._report(
            (
                *batch.problems,
                *self.mesh.problems,
                *conflicts(self.mesh),
                *self._findings.update(change.key for change in batch.changes),
                *self._foreign.update(change.key for change in batch.changes),
                *patches.problems(self.mesh),
                *rate_limit.problems(self.mesh),
            )
        )
        is_held = self._token_keys.update()
        if self._authority is not None:
            self._authority.update()
        if batch.changes and not is_held:
            self.server.changed()

    def _report(self, problems: tuple[Problem, ...]) -> None:
        """Prints what is newly wrong, for the person who has just saved a file."""
        known = frozenset(self.problems)
        announce(self.problems, problems)
        self.audit.record_all(records.refused([p for p in problems if p not in known]))
        self.problems = problems

    # serving

    @property
    def _admin_needs_tls(self) -> bool:
        """Which waits for the authority, and so for the configuration."""
        address = self.settings.admin_address
        return isinstance(address, Address) and not address.is_loopback

    def _joins(self) -> JoinTokens | None:
        return self._certificates.joins if self._certificates is not None else None

    async def _serve_admin(self, tls: ssl.SSLContext | None) -> None:
        settings = self.settings
        if settings.admin_address is None:
            return
        pages = Pages(
            mesh=self.mesh,
            server=self.server,
            metrics=self.metrics,
            ready=lambda: self.is_ready,
            problems=lambda: (
                *self.problems,
                *self._patches.problems(),
                *self._token_keys.problems(),
            ),
            token_keys=self._token_keys.report,
        )
        guard = Guard(
            token=load_or_create_token(settings.state),
            user=os.geteuid(),
            identities=settings.admin_identities,
        )
        actions = {token_page.PATH: token_page.TokenPage(self._joins, self.audit)}
        self.admin = HttpServer(
            settings.admin_address,
            PageTable(pages.table(), actions, OPEN_PAGES),
            guard=guard,
            audit=self.audit,
            tls=tls,
        )
        await self.admin.start()
        log.info("serving the admin interface", extra={"address": str(self.admin.address)})

    async def _serve_discovery(self, tasks: Tasks) -> None:
        methods = self.server.methods()
        if self.settings.xds_address is not None:
            await self._listen(
                Listener(self.settings.xds_address, methods, tls=None, limits=Limits())
            )
        if self.settings.secure_xds_address is not None and self._certificates is not None:
            of_certificates = certificate_methods(
                self._certificates.authority,
                self._certificates.authenticator,
                self._clock,
                tasks,
                AuthorityMetrics(self.metrics, self._certificates.authority, self._clock),
            )
            await self._listen(
                Listener(
                    self.settings.secure_xds_address,
                    {**methods, **of_certificates},
                    tls=self._certificates.server.context,
                    limits=Limits(),
                    refused=lambda peer, reason: self.audit.record(no_handshake(peer, reason)),
                )
            )

    async def _listen(self, listener: Listener) -> None:
        await listener.start()
        self._listeners.append(listener)
        log.info("serving discovery", extra={"address": str(listener.address)})

    async def _stop(self) -> None:
        self.is_ready = False
        if self._authority is not None:
            self._authority.close()
        await asyncio.gather(*(listener.stop(GRACE_SECONDS) for listener in self._listeners))
        self.server.stop()
        if self.admin is not None:
            await self.admin.stop()
        await asyncio.to_thread(self.audit.close)

    # certificates

    def _trust_bundles(self) -> TrustBundles:
        keys = self.settings.keys
        return TrustBundles(
            self.mesh,
            Fetch(keys.reach, server_trust(keys)),
            folder=self.settings.state / "trust-bundles",
            clock=self._clock,
            random=self._random,
            age_limit_seconds=keys.age_limit_seconds,
            changed=self.server.changed,
        )

    def _admit(self, call: Call, proxy: Proxy, metadata: dict[str, Any]) -> str:
        if self._certificates is None:
            return ""
        admission = Admission(
            self._certificates.authenticator,
            self.mesh,
            gateways=self.settings.gateway_identities,
            evicted=self._certificates.authority.leaves.evictions,
        )
        return admission.admit(call, proxy, metadata)


def _check_admin(settings: ControlSettings) -> None:
    """ListenError for an admin interface that others could use without proof."""
    address = settings.admin_address
    if not isinstance(address, Address) or address.is_loopback:
        return
    if settings.secure_xds_address is None or not settings.admin_identities:
        raise ListenError(
            f"{address} is not loopback: there the admin interface needs --secure-xds-address, for "
            "its certificate, and --admin-identity NAMESPACE/ACCOUNT, for who may use it"
        )
