"""One pod from its first process to its last.

    network -> agent and Envoy -> ready -> init containers -> containers -> ...
    ... -> not ready -> the others have heard -> drain -> containers stop -> agent stops

The application starts when its proxy is configured, and stops after its proxy has told everybody
that it will. A pod whose containers may end ends its proxy with them and keeps the exit code.
"""

import asyncio
import contextlib
import logging
import shutil
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lateen.agent import settings as agent_settings
from lateen.base.private_files import private_folder, write_private
from lateen.base.tasks import Tasks
from lateen.identity.tokens import TokenSigner
from lateen.intercept import annotations
from lateen.local import agent_config, probe, runtime, volumes
from lateen.local.cgroups import Cgroups, Limits
from lateen.local.container import FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS, Container
from lateen.local.container_plan import ContainerPlan, expand, resolved
from lateen.local.control_plane import tail
from lateen.local.decisions import DecisionCollector
from lateen.local.errors import LocalError
from lateen.local.injection import ProxyRole
from lateen.local.network import Attachment, Network
from lateen.local.network_policies import NetworkPolicies
from lateen.local.plan import PodPlan
from lateen.local.process import Place, Process, spawn
from lateen.local.state import MESH_MARK, MeshState, PodState

log = logging.getLogger(__name__)

VOLUMES = "volumes"  # below the pod's folder, and in $LATEEN_VOLUMES
TOKEN_SECONDS = 12 * 3600
STATUS_PORT = 15020
READY_POLL_SECONDS = 0.05
READY_CHECK_SECONDS = 2.0
PROPAGATION_SECONDS = 0.5  # for the other proxies to hear that the pod is not to be used any more
HURRIED_GRACE_SECONDS = 2.0  # of a mesh that stops as a whole
AGENT_STOP_SECONDS = 12.0


@dataclass(frozen=True)
class PodContext:
    """What all pods of a mesh share. `changed` is called whenever a pod's state changed."""

    state: MeshState
    network: Network
    runtime: runtime.RuntimeFolder
    signer: TokenSigner
    root_cert: Path
    discovery_port: int
    trust_domain: str
    agent_command: tuple[str, ...]
    service_environment: Callable[[str, Attachment], Awaitable[dict[str, str]]]
    clock: Callable[[], float]
    changed: Callable[[], None]
    may_change_user: bool
    cgroups: Cgroups
    policies: NetworkPolicies
    decisions: DecisionCollector


class Pod:
    """Owns the pod's processes, files and place in the network."""

    def __init__(self, plan: PodPlan, context: PodContext) -> None:
        self.plan = plan
        self.started = context.clock()
        self._context = context
        self._folder = context.state.pod(plan.namespace, plan.name)
        self._logs = context.state.logs(plan.namespace, plan.name)
        self._place = Place()
        self._attachment: Attachment | None = None
        self._agent: Process | None = None
        self._proxy = "none" if plan.proxy is ProxyRole.NONE else "starting"
        self._proxy_ready = asyncio.Event()
        self._containers: list[Container] = []
        self._phase, self._reason = "Pending", ""
        self._exit_code: int | None = None
        self._stopping = False
        self._finished = asyncio.Event()
        self._agent_restarts = 0
        self._life: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the pod was stopped, or its containers have ended for good."""
        try:
            if self._stopping:
                return
            self._attach()
            async with Tasks() as tasks:
                self._life = tasks.start(self._live(tasks), name=f"life of {self.plan.id}")
                await asyncio.wait((self._life,))
                if not self._life.cancelled():
                    self._life.result()
        except LocalError as trouble:
            self._phase, self._reason = "Failed", str(trouble)
            log.error("%s: %s", self.plan.id, trouble)
        finally:
            await self._kill()
            self._detach()
            self._finished.set()
            self._context.changed()

    async def stop(self, *, hurry: bool) -> None:
        """In order; `hurry` leaves out what only serves those who still call the pod."""
        self._stopping = True
        self._publish()
        if not hurry and self._proxy == "ready":
            await asyncio.sleep(PROPAGATION_SECONDS)
            await self._drain()
        grace = min(self.plan.grace_seconds, HURRIED_GRACE_SECONDS if hurry else 3600)
        await asyncio.gather(*(container.stop(grace) for container in self._containers))
        await self._stop_agent(hurry=hurry)
        if self._life is not None:
            self._life.cancel()

    async def finish(self) -> None:
        """Waits until nothing of the pod is left."""
        await self._finished.wait()

    @property
    def ready(self) -> bool:
        proxied = self._proxy in ("none", "ready")
        live = all(container.state.ready for container in self._main())
        return proxied and live and self._phase == "Running" and not self._stopping

    @property
    def stopping(self) -> bool:
        return self._stopping

    @property
    def over(self) -> bool:
        return self._phase in ("Succeeded", "Failed")

    def describe(self) -> PodState:
        running = next((c.state.pid for c in self._containers if c.state.pid), 0)
        agent = self._agent.pid if self._agent is not None else 0
        reasons = [self._reason, *(c.state.reason for c in self._containers)]
        reason = next((text for text in reasons if text), "")
        if not reason and self._proxy == "starting":
            reason = "waits for its proxy"
        return PodState(
            name=self.plan.name,
            namespace=self.plan.namespace,
            workload=self.plan.workload,
            kind=self.plan.kind,
            phase="Terminating" if self._stopping and not self.over else self._phase,
            reason="" if self.ready else reason,
            ready=self.ready,
            proxy=self._proxy,
            address=self._attachment.address if self._attachment else "",
            restarts=sum(c.state.restarts for c in self._containers) + self._agent_restarts,
            exit_code=self._exit_code,
            pid=running or agent,
            agent_pid=agent,
            admin=str(self._folder / "admin.sock") if agent else "",
        )

    # -- life ---------------------------------------------------------------------------------

    async def _live(self, tasks: Tasks) -> None:
        if self.plan.proxy is not ProxyRole.NONE:
            tasks.start(self._keep_token(), name=f"token of {self.plan.id}")
            tasks.start(self._keep_agent(), name=f"agent of {self.plan.id}")
            await self._proxy_ready.wait()  # as long as it takes: see the table
        if not await self._run_init_containers(tasks):
            return
        if all(plan.runnable for plan in self.plan.containers):
            self._phase = "Running"
        main = [await self._container(plan) for plan in self.plan.containers]
        self._containers += main
        self._changed()
        if not main:
            await asyncio.Event().wait()  # a gateway lives until it is stopped
        codes = await asyncio.gather(*(self._run(container) for container in main))
        if self._stopping:
            await asyncio.Event().wait()  # `stop` sees to the rest and cancels this
        self._exit_code = next((code for code in codes if code), 0)
        self._phase = "Failed" if self._exit_code else "Succeeded"
        self._changed()
        await self._stop_agent(hurry=True)

    async def _run(self, container: Container) -> int:
        return await container.run(restart=lambda code: self._restarts(container, code))

    def _restarts(self, container: Container, code: int) -> bool:
        if self.plan.kind == "Job":
            return code != 0 and container.state.restarts < self.plan.backoff_limit
        policy = self.plan.restart_policy
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    async def _run_init_containers(self, tasks: Tasks) -> bool:
        """One after the other; those that always run stay beside the rest."""
        for plan in self.plan.init_containers:
            container = await self._container(plan)
            self._containers.append(container)
            if plan.always:
                work = container.run(restart=lambda _: True)
                tasks.start(work, name=f"{plan.name} of {self.plan.id}")
                continue
            never = self.plan.restart_policy == "Never"
            code = await container.run(restart=lambda code: code != 0 and not never)  # noqa: B023
            if code and not self._stopping:
                self._phase, self._exit_code = "Failed", code
                self._reason = f"init container {plan.name} ended with {code}"
                self._changed()
                return False
            self._containers.remove(container)
        return True

    def _main(self) -> list[Container]:
        names = {plan.name for plan in self.plan.containers}
        return [container for container in self._containers if container.plan.name in names]

    async def _container(self, plan: ContainerPlan) -> Container:
        assert self._attachment is not None, "attached before anything runs"
        credentials = plan.credentials
        if not self._context.may_change_user:
            credentials = replace(credentials, user=None, group=None)
        environment = await self._environment(plan, self._attachment)
        argv = tuple(
            word if isinstance(word, str) else expand(word.text, environment) for word in plan.argv
        )
        return Container(
            replace(plan, argv=argv),
            place=self._container_place(plan),
            address=self._attachment.application,
            environment=environment,
            credentials=credentials,
            log_file=self._logs / f"{plan.name}.log",
            changed=self._changed,
        )

    def _container_place(self, plan: ContainerPlan) -> Place:
        """The pod's place, with the container's own limits and volumes."""
        place = replace(self._place, cgroups=self._cgroups(plan))
        if place.namespace is None:
            return place
        place = replace(place, **self._hidden(plan))
        if not plan.mounts:
            return place
        known = {volume.name: volume for volume in self.plan.volumes}
        pairs, overlays = volumes.mounts(plan.mounts, known, self._folder / VOLUMES)
        return replace(
            place,
            mounts=(*pairs, *place.mounts),
            overlays=overlays,
            scratch=self._folder / "overlays" / plan.name,
        )

    def _hidden(self, plan: ContainerPlan) -> dict[str, Any]:
        """Programs see no state of any mesh (keys, tokens, other pods' files) but their volumes.

        They may run as root, and files are not kept from root by their mode.
        """
        state, own = self._context.state.folder, self._folder / VOLUMES
        all_meshes = state.parent
        needs_more = plan.directory and Path(plan.directory).is_relative_to(all_meshes)
        kept = (str(own),) if own.is_dir() else ()
        return {"hidden": str(state if needs_more else all_meshes), "kept": kept}

    def _cgroups(self, plan: ContainerPlan) -> tuple[Path, ...]:
        name = f"{self.plan.id}.{plan.name}"
        return self._context.cgroups.create(name, Limits.of(plan.resources))

    async def _environment(self, plan: ContainerPlan, attachment: Attachment) -> dict[str, str]:
        late = {
            "status.podIP": attachment.application,
            "status.podIPs": attachment.application,
            "status.hostIP": runtime.HOST_ADDRESS,
            "status.hostIPs": runtime.HOST_ADDRESS,
            "metadata.uid": runtime.uid(self.plan),
        }
        services = await self._context.service_environment(self.plan.namespace, attachment)
        return {**services, **resolved(plan.environment, late)}

    # -- network and files --------------------------------------------------------------------

    def _attach(self) -> None:
        plan, network = self.plan, self._context.network
        self._attachment = attachment = network.attach(
            plan.id, has_proxy=plan.proxy is not ProxyRole.NONE
        )
        self._context.policies.attached(plan, attachment)
        private_folder(self._folder)
        private_folder(self._logs)
        mounts = []
        if attachment.namespace is not None:
            mounts = [(str(self._resolv_conf()), "/etc/resolv.conf")]
            mounts.append((str(self._hosts(attachment)), "/etc/hosts"))
            mounts = [pair for pair in mounts if Path(pair[1]).exists()]
        for volume in plan.volumes:
            volumes.write(volume, self._folder / VOLUMES)
        identity = {
            "LATEEN_VOLUMES": str(self._folder / VOLUMES),
            MESH_MARK: str(self._context.state.folder),
            "HOSTNAME": plan.name,
            "LATEEN_WORKLOAD": plan.workload,
            "LATEEN_VERSION": plan.labels.get("version", ""),
            "LATEEN_NAMESPACE": plan.namespace,
            "LATEEN_POD_NAME": plan.name,
            "LATEEN_SERVICE_ACCOUNT": plan.service_account,
        }
        environment = {**identity, **attachment.environment}
        self._place = Place(attachment.namespace, tuple(mounts), environment=environment)
        if plan.proxy is ProxyRole.SIDECAR and network.captures:
            try:
                network.capture(attachment, annotations.capture(plan.annotations))
            except ValueError as trouble:
                raise LocalError(str(trouble)) from trouble
        self._changed()

    def _resolv_conf(self) -> Path:
        path = self._folder / "resolv.conf"
        search = " ".join(agent_config.search_list(self.plan.namespace))
        # Captured in a pod that has a proxy: its agent answers. The proxy's own lookups get there.
        server = self._context.network.discovery_host
        path.write_text(f"nameserver {server}\nsearch {search}\noptions ndots:5\n")
        path.chmod(0o644)
        return path

    def _hosts(self, attachment: Attachment) -> Path:
        path = self._folder / "hosts"
        lines = ["127.0.0.1 localhost", f"{attachment.address} {self.plan.name}"]
        lines += [f"{a.ip} {' '.join(a.hostnames)}" for a in self.plan.spec.host_aliases]
        path.write_text("\n".join([*lines, ""]))
        path.chmod(0o644)
        return path

    def _detach(self) -> None:
        self._context.policies.released(self.plan.id)
        self._context.network.release(self.plan.id)
        self._context.decisions.finish(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- proxy --------------------------------------------------------------------------------

    async def _keep_agent(self) -> None:
        """Started again, with growing pauses, as often as it ends."""
        self._write_agent_settings()
        pause = FIRST_BACKOFF_SECONDS
        clock = asyncio.get_running_loop().time
        while not self._stopping:
            begun = clock()
            reason = await self._run_agent()
            if self._stopping or self.over:
                return
            self._reason = reason
            log.warning("%s: %s", self.plan.id, reason)
            self._agent_restarts += 1
            self._set_proxy("starting")
            self._changed()
            await asyncio.sleep(pause)
            lived = clock() - begun > LAST_BACKOFF_SECONDS
            pause = FIRST_BACKOFF_SECONDS if lived else min(pause * 2, LAST_BACKOFF_SECONDS)

    async def _run_agent(self) -> str:
        """Until it ends; why it did."""
        try:
            self._agent = agent = await self._spawn_agent()
        except LocalError as trouble:
            return str(trouble)
        self._changed()
        async with Tasks() as tasks:
            tasks.start(self._watch_proxy(), name=f"readiness of {self.plan.id}")
            code = await agent.wait()
        self._agent = None
        return f"agent ended with {code}: {tail(self._logs / 'agent.log', 1)}"

    async def _spawn_agent(self) -> Process:
        return await spawn(
            (*self._context.agent_command, str(self._folder / "agent.json")),
            log=self._logs / "agent.log",
            place=self._place,
            directory=str(self._folder),
            credentials=self._context.network.proxy_credentials,
        )

    async def _watch_proxy(self) -> None:
        """The first time by the file that the agent writes, then by asking it."""
        while not (self._folder / "ready").exists():
            await asyncio.sleep(READY_POLL_SECONDS)
        while True:  # as long as the agent runs
            ready = await self._is_proxy_ready()
            if ready:
                self._reason = ""
                self._proxy_ready.set()
            self._set_proxy("ready" if ready else "starting")
            await asyncio.sleep(READY_CHECK_SECONDS if ready else READY_POLL_SECONDS * 4)

    async def _is_proxy_ready(self) -> bool:
        try:
            async with asyncio.timeout(READY_CHECK_SECONDS):
                return await self._ask_agent("GET", "/healthz/ready") == 200
        except (OSError, TimeoutError, ValueError):
            return False

    async def _ask_agent(self, method: str, path: str) -> int:
        attachment = self._attachment
        captured = attachment is None or self._context.network.captures
        host = "127.0.0.1" if captured or attachment is None else attachment.address
        return await probe.http_status(self._place, host, STATUS_PORT, path=path, method=method)

    async def _drain(self) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(agent_config.termination_drain(self.plan) + 1):
                await self._ask_agent("POST", "/drain")

    async def _stop_agent(self, *, hurry: bool) -> None:
        agent = self._agent
        if agent is None:
            return
        self._proxy = "stopped"
        agent.signal(signal.SIGTERM)
        if hurry:
            await asyncio.sleep(0.05)  # two signals at once would count as one
            agent.signal(signal.SIGTERM)
        await agent.stop(AGENT_STOP_SECONDS)

    def _write_agent_settings(self) -> None:
        assert self._attachment is not None, "attached before anything runs"
        self._write_token()
        owner = self._context.network.proxy_credentials.user
        content = agent_config.settings(
            self.plan,
            self._attachment,
            self._context.network,
            folder=self._folder,
            log_file=self._logs / "proxy.log",
            root_cert=self._context.root_cert,
            discovery_port=self._context.discovery_port,
            trust_domain=self._context.trust_domain,
        )
        write_private(self._folder / "agent.json", agent_settings.encode(content))
        if owner is not None:
            for path in (self._folder, self._logs, *self._folder.iterdir()):
                shutil.chown(path, owner, owner)

    def _write_token(self) -> None:
        token = self._context.signer.mint(
            namespace=self.plan.namespace,
            service_account=self.plan.service_account,
            ttl_seconds=TOKEN_SECONDS,
            workload=agent_config.canonical(self.plan),
        )
        path = self._folder / "token"
        write_private(path, token.encode())
        if (owner := self._context.network.proxy_credentials.user) is not None:
            shutil.chown(path, owner, owner)

    async def _keep_token(self) -> None:
        while True:  # as long as the pod lives
            await asyncio.sleep(TOKEN_SECONDS / 3)
            self._write_token()

    # -- state --------------------------------------------------------------------------------

    def _set_proxy(self, state: str) -> None:
        if self._proxy not in (state, "stopped"):
            self._proxy = state
            self._changed()

    def _changed(self) -> None:
        self._publish()
        self._context.changed()

    def _publish(self) -> None:
        if self._attachment is None or self._finished.is_set():
            return
        if self.over or (self._stopping and not self._containers and self._agent is None):
            self._context.runtime.withdraw(self.plan)
            return
        states = {container.plan.name: container.state for container in self._containers}
        state = replace(self.describe(), phase=self._phase)
        content = runtime.pod(self.plan, state, states, self.started)
        self._context.runtime.publish(self.plan, content)

    async def _kill(self) -> None:
        """Whatever still runs, at once: the pod is over."""
        await asyncio.gather(*(container.stop(0) for container in self._containers))
        if self._agent is not None:
            await self._agent.stop(0)
            self._agent = None
        self._context.runtime.withdraw(self.plan)
