"""One workload's agent: starts its parts in order, waits, and stops them in order.

    status port -> certificate -> secrets and relay -> DNS -> Envoy -> ready
    SIGTERM: not ready -> listeners drain -> wait -> Envoy stops -> the rest

The file `ready` in the work folder appears when traffic may come for the first time, and goes when
the agent ends; `addresses.json` tells where the agent listens.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

from lateen.agent import address, admin_socket, health, http1
from lateen.agent.address import Address
from lateen.agent.bootstrap import document
from lateen.agent.certificate_files import CertificateFiles
from lateen.agent.certificates import CertificateClient, CertificateRotation
from lateen.agent.envoy_admin import EnvoyAdmin
from lateen.agent.envoy_process import EnvoyProcess
from lateen.agent.metrics import AgentMetrics
from lateen.agent.names import Names
from lateen.agent.readiness import Readiness
from lateen.agent.relay import Relay, Take
from lateen.agent.scrape import Scrape
from lateen.agent.sds import SecretService
from lateen.agent.secrets import SecretStore
from lateen.agent.settings import AgentSettings
from lateen.agent.shutdown import Shutdown
from lateen.agent.status_server import StatusServer
from lateen.agent.trust import Trust
from lateen.agent.unix_grpc import serve as serve_grpc
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.base.clock import Clock
from lateen.base.name_table import TYPE_URL as NAME_TABLE
from lateen.base.private_files import private_folder, write_private
from lateen.identity import spiffe
from lateen.identity.trust_bundle import TYPE_URL as TRUST_BUNDLE

log = logging.getLogger(__name__)

XDS_SOCKET = "XDS"
SECRETS_SOCKET = "SDS"
ADMIN_SOCKET = "admin.sock"
EXPLICIT = "none"  # the mode in which nothing is captured and the loopback is everybody's
BOOTSTRAP = "envoy.json"
READY = "ready"
ADDRESSES = "addresses.json"
READY_POLL_SECONDS = 0.05
READY_POLL_LONGEST_SECONDS = 0.5


class Agent:
    """Owns everything that runs for one workload."""

    def __init__(self, settings: AgentSettings, *, clock: Clock, random: Random) -> None:
        self._settings = settings
        self._clock = clock
        self._started = clock()
        self._folder = settings.folder
        self.metrics = AgentMetrics()
        self.secrets = SecretStore()
        self.files = (
            CertificateFiles(settings.folder / settings.output_certs)
            if settings.output_certs
            else None
        )
        self.trust = Trust(
            self.secrets,
            orphaned=lambda: self.certificates.renew_soon(),
            changed=self.files.put_roots if self.files is not None else lambda roots: None,
        )
        self.certificates = CertificateRotation(
            CertificateClient(
                settings.discovery,
                ttl_seconds=settings.secret_ttl,
                clock=clock,
                identity=identity(settings),
                roots=lambda: self.trust.roots,
            ),
            clock=clock,
            random=random,
            metrics=self.metrics,
            changed=self._use,
        )
        listeners = settings.listeners
        self.admin = EnvoyAdmin(
            address.parse(listeners.admin),
            [address.parse(own) for own in (listeners.metrics, listeners.health) if own],
        )
        self.health = health.of_settings(settings)
        self.names = Names(settings, metrics=self.metrics, random=random)
        self.readiness = Readiness(self.admin, has_names=self.names.are_known)
        self.envoy = EnvoyProcess(settings, metrics=self.metrics, clock=clock, random=random)
        self.shutdown = Shutdown(
            settings.shutdown,
            readiness=self.readiness,
            admin=self.admin,
            envoy=self.envoy,
            inbound_only=settings.node.id.startswith("sidecar"),
        )

    async def run(self) -> None:
        """Returns after a stop was asked for and has been carried out."""
        private_folder(self._folder)
        (self._folder / READY).unlink(missing_ok=True)
        async with AsyncExitStack() as stack:
            status = await self._serve_status(stack)
            try:
                async with asyncio.TaskGroup() as tasks:
                    work = tasks.create_task(self._work(status))
                    await self.shutdown.asked.wait()
                    await self.shutdown.carry_out()
                    work.cancel()
            except ExceptionGroup as several:
                raise first_of(several) from several
            finally:
                (self._folder / READY).unlink(missing_ok=True)

    async def _work(self, status: Address) -> None:
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            await self.certificates.first()
            sockets = await self._serve_envoy(stack, status)
            dns = await self.names.serve(stack)
            self._write_addresses({"status": str(status), "dns": dns})
            bootstrap = self._folder / BOOTSTRAP
            write_private(bootstrap, document.text(self._settings, sockets).encode())
            tasks.create_task(self.certificates.run())
            tasks.create_task(self.secrets.follow_files())
            if self.health is not None:
                tasks.create_task(self.health.run())
            tasks.create_task(self.envoy.run(bootstrap))
            await self._announce_ready()

    async def _serve_status(self, stack: AsyncExitStack) -> Address:
        """Answers from the first moment on, if only that nothing is ready."""
        server = StatusServer(
            readiness=self.readiness,
            scrape=Scrape(
                self.metrics,
                self.admin,
                self._settings.application_metrics,
                ip=self._settings.workload.ip,
            ),
            probes=self._settings.probes,
            ip=self._settings.workload.ip,
            names=self.names.described,
            quit=self.shutdown.quit,
            drain=self.shutdown.drain,
            is_alone=self._settings.mode != EXPLICIT,
        )
        where = self._settings.listeners.status or f"unix:{self._folder / 'status.sock'}"
        listening, status = await http1.serve(server.answer, address.parse(where))
        stack.callback(listening.close)
        return status

    async def _serve_envoy(self, stack: AsyncExitStack, status: Address) -> document.Sockets:
        """The sockets that Envoy and its admin callers use."""
        xds, secrets, admin = (
            Address(path=address.socket_path(self._folder / name))
            for name in (XDS_SOCKET, SECRETS_SOCKET, ADMIN_SOCKET)
        )
        relay = Relay(
            self._settings.discovery,
            certificate=self.certificates.valid,
            metrics=self.metrics,
            takes=self._own_types(),
            roots=lambda: self.trust.roots,
            health=self.health,
        )
        await serve_grpc(stack, xds, relay.handler())
        await serve_grpc(stack, secrets, SecretService(self.secrets).handler())
        listening = await admin_socket.serve(admin, self.admin.address)
        stack.callback(Path(admin.path).unlink, missing_ok=True)
        stack.callback(listening.close)
        return document.Sockets(xds=xds, secrets=secrets, status=status)

    def _use(self, certificate: WorkloadCertificate) -> None:
        self.trust.learn(certificate)
        self.secrets.put_certificate(certificate)
        if self.files is not None:
            self.files.put_certificate(certificate)

    def _own_types(self) -> dict[str, Take]:
        takes: dict[str, Take] = {TRUST_BUNDLE: self.trust.take}
        if self.names.is_enabled:
            takes[NAME_TABLE] = self.names.take
        return takes

    async def _announce_ready(self) -> None:
        """Waits as long as it takes: a mesh without its control plane is not ready."""
        pause, told = READY_POLL_SECONDS, ""
        while missing := await self.readiness.missing():
            if self.shutdown.asked.is_set():
                return
            if missing != told:
                log.info("not ready yet", extra={"missing": missing})
                told = missing
            await asyncio.sleep(pause)
            pause = min(pause * 1.2, READY_POLL_LONGEST_SECONDS)
        took = self._clock() - self._started
        self.metrics.startup.set(took)
        write_private(self._folder / READY, b"ready\n")
        log.info("ready", extra={"seconds": round(took, 2)})

    def _write_addresses(self, addresses: Mapping[str, str]) -> None:
        text = json.dumps(addresses, sort_keys=True) + "\n"
        write_private(self._folder / ADDRESSES, text.encode())


def identity(settings: AgentSettings) -> str:
    workload = settings.workload
    return str(
        spiffe.of(
            trust_domain=settings.trust_domain,
            namespace=workload.namespace,
            service_account=workload.service_account,
        )
    )


def first_of(several: ExceptionGroup[Exception]) -> Exception:
    """The first trouble in a group of groups."""
    first = several.exceptions[0]
    return first_of(first) if isinstance(first, ExceptionGroup) else first
