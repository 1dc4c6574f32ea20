"""A running mesh: the control plane, the pods that the manifests ask for, the ways in.

    folder --plan--> pods to start, to keep, to stop        (again whenever the folder changes)

The runner is the only owner of everything that a mesh leaves on the machine; leaving `run` removes
it. A mistake in a manifest keeps what runs and is reported.
"""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from watchfiles import awatch

from lateen.api.resource import Resource
from lateen.audit.trail import Trail
from lateen.base.clock import system_clock
from lateen.base.private_files import write_private
from lateen.base.problem import Problem, Severity
from lateen.base.tasks import Tasks
from lateen.ca import options as authority_options
from lateen.ca import preparation
from lateen.ca.certificate_authority import BUNDLE
from lateen.config.paths import read_paths
from lateen.identity.tokens import TokenSigner, load_or_create_key
from lateen.local import agent_config, forward, gateways, managed_gateways, settings
from lateen.local.cgroups import Cgroups, Limits
from lateen.local.container_plan import DEFAULT_NAMESPACE
from lateen.local.control_plane import ControlPlaneProcess
from lateen.local.decisions import FILE, DecisionCollector
from lateen.local.errors import LocalError
from lateen.local.host import Host
from lateen.local.network import Network
from lateen.local.network_policies import NetworkPolicies
from lateen.local.plan import Plan, PodPlan, plan
from lateen.local.pod import Pod, PodContext
from lateen.local.process import LATEEN
from lateen.local.rate_limit import RateLimitProcess, Surroundings
from lateen.local.runtime import RuntimeFolder
from lateen.local.service_directory import ServiceDirectory
from lateen.local.state import GatewayAddress, MeshState, Record, Status, write_atomic

log = logging.getLogger(__name__)

STATUS_SECONDS = 0.1  # at most so often is the status written
REPLACE_SECONDS = 120.0  # an old pod is kept so long for its successor to become ready
MESSAGES_KEPT = 100
AUTHORITY = "authority-options.json"  # beside the control plane's state, as lateen.yaml says
ROOT_SECONDS = 1.0  # how often the authority's root is looked at
DISCOVERY_PORT = 15012
LOOPBACK = "127.0.0.1"  # of this machine: where gateways are offered
ROOT_NAMESPACE = "istio-system"  # unless the MeshConfig names another
LIMITS_NOTICE = (
    "resource limits are not enforced, because control groups cannot be made here; run as root "
    "for that"
)


@dataclass(frozen=True)
class MeshOptions:
    folder: Path
    state: MeshState
    network: Network
    host: Host
    admin: Path  # the socket where the control plane's admin interface listens
    discovery_port: int = DISCOVERY_PORT
    notices: tuple[str, ...] = ()


class LocalMesh:
    """Owns the control plane, the pods and the forwarded ports."""

    def __init__(self, options: MeshOptions, record: Record) -> None:
        self._options, self._record = options, record
        self._settings = settings.Settings()
        self._manifests: tuple[Resource[Any], ...] = ()
        self._resources: tuple[Resource[Any], ...] = ()  # these, and what is made for Gateways
        self._pods: dict[str, Pod] = {}
        self._ending: set[str] = set()  # ids of pods that are stopped, or wait for a successor
        self._forwards: dict[tuple[tuple[str, str, str], int], forward.Forward] = {}
        self._problems: tuple[Problem, ...] = ()
        self._messages: deque[str] = deque(maxlen=MESSAGES_KEPT)
        self._tasks = Tasks()
        self._dirty = asyncio.Event()
        self._phase = "starting"
        self._trouble = ""
        self._control: ControlPlaneProcess | None = None
        self._rate_limit: RateLimitProcess | None = None
        self._context: PodContext | None = None
        self._plan = Plan(())
        self._cgroups = Cgroups(options.state.name)
        self._policies = NetworkPolicies(options.network)
        self._trail = Trail(options.state.decisions, clock=system_clock)
        self._decisions = DecisionCollector(options.state.folder / "pods", self._trail)
        self.services = ServiceDirectory(options.network, options.admin, self._ready_pods)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then everything is stopped and removed."""
        async with self._tasks:
            self._tasks.start(self._keep_status(), name="status")
            try:
                await self._start()
                self._tasks.start(self._watch(), name="changes of the folder")
                self._tasks.start(self._keep_root(), name="root certificate")
                self._tasks.start(self._decisions.run(), name="decisions of the proxies")
                await stop.wait()
            except LocalError as trouble:
                self._trouble = str(trouble)
                self._write_status()
                raise
            finally:
                self._phase = "stopping"
                self._write_status()
                await self._stop()

    async def _start(self) -> None:
        reading = settings.read(self._options.folder)
        self._settings = reading.settings
        self._report(reading.problems)
        await self._load()
        trust_domain = self._trust_domain()
        context = self._context = self._prepare(trust_domain)
        self._control = control = ControlPlaneProcess(
            self._control_arguments(),
            state=self._options.state,
            admin=self._options.admin,
            changed=self._dirty.set,
        )
        self._tasks.start(control.run(), name="control plane")
        self._start_rate_limit(context)
        for planned in self._plan.pods:
            self._launch(planned, context)
        await self._reconcile_forwards()
        await control.wait_ready()
        self._record = replace(self._record, control=control.process)
        self._options.state.write_record(self._record)
        self._phase = "running"
        self._dirty.set()

    def _prepare(self, trust_domain: str) -> PodContext:
        """What pods need before the control plane is there: authority, tokens, folders."""
        state = self._options.state
        self._trail.open()
        authority = self._settings.authority
        write_private(state.control / AUTHORITY, authority_options.encode(authority))
        preparation.prepare(
            state.control / "ca",
            authority.settings(trust_domain),
            is_external=authority.is_external,
            clock=system_clock,
        )
        self._copy_root()
        return PodContext(
            state=state,
            network=self._options.network,
            runtime=RuntimeFolder(state.runtime),
            signer=TokenSigner(load_or_create_key(state.control), system_clock),
            root_cert=state.root_certificate,
            discovery_port=self._options.discovery_port,
            trust_domain=trust_domain,
            agent_command=(*LATEEN, "agent", "run", "--config"),
            service_environment=self.services.environment,
            clock=system_clock,
            changed=self._dirty.set,
            may_change_user=os.geteuid() == 0 and self._options.network.name == "root",
            cgroups=self._cgroups,
            policies=self._policies,
            decisions=self._decisions,
        )

    def _start_rate_limit(self, context: PodContext) -> None:
        """It runs while a RateLimit has global rules."""
        options = self._options
        around = Surroundings(
            state=options.state,
            folder=options.folder,
            host=options.network.discovery_host,
            discovery_port=options.discovery_port,
            domain=agent_config.DOMAIN,
            root_namespace=self._mesh_setting("rootNamespace") or ROOT_NAMESPACE,
            namespace=self._settings.namespace or DEFAULT_NAMESPACE,
        )
        self._rate_limit = RateLimitProcess(around, context.signer, self._say)
        self._rate_limit.update(self._resources)
        self._tasks.start(self._rate_limit.run(), name="rate limit service")

    def _copy_root(self) -> None:
        """Where proxies find it, whoever they run as. The authority may change it while it runs."""
        state = self._options.state
        text = (state.control / "ca" / BUNDLE).read_text()
        if not state.root_certificate.exists() or state.root_certificate.read_text() != text:
            write_atomic(state.root_certificate, text)
            state.root_certificate.chmod(0o644)

    async def _keep_root(self) -> None:
        while True:  # as long as the mesh runs
            await asyncio.sleep(ROOT_SECONDS)
            self._copy_root()

    def _control_arguments(self) -> tuple[str, ...]:
        options, network = self._options, self._options.network
        namespace = self._settings.namespace or DEFAULT_NAMESPACE
        return (
            *("-f", str(options.folder), "-f", str(options.state.runtime)),
            *("--state", str(options.state.control)),
            *("--authority", str(options.state.control / AUTHORITY)),
            *("--secure-xds-address", f"{network.discovery_host}:{options.discovery_port}"),
            *("--xds-address", ""),
            *("--admin-address", f"unix:{options.admin}"),
            *("--decision-log", FILE),
            *("--decisions", self._settings.decisions),
            *("--host-ownership", self._settings.host_ownership),
            *self._secrets(),
            *("--namespace", namespace),
            *("--service-cidr", network.service_cidr),
            *("--service-step", str(network.service_step)),
            *("--balancer-address", LOOPBACK),
        )

    def _secrets(self) -> tuple[str, ...]:
        chosen = self._settings.secrets
        return ("--secrets", str(self._options.folder / chosen)) if chosen else ()

    # -- the folder -----------------------------------------------------------------------------

    async def _load(self) -> None:
        """Reads the manifests, beside all else; what a mistake hides stays as it was."""
        namespace = self._settings.namespace or DEFAULT_NAMESPACE
        folders = [self._options.folder]
        reading = await asyncio.to_thread(read_paths, folders, namespace=namespace)
        errors = [p for p in reading.problems if p.severity is Severity.ERROR]
        broken = {problem.file for problem in errors}
        resources = reading.resources
        if not resources and self._manifests:
            self._say("warning: the folder is empty; what runs is kept")
            return
        kept = [item for item in self._manifests if item.origin.file in broken]
        present = {item.key for item in resources}
        self._manifests = (*resources, *(item for item in kept if item.key not in present))
        managed = managed_gateways.managed(self._manifests)
        managed_gateways.publish(managed, self._options.state.runtime)
        self._resources = (*self._manifests, *managed.resources)
        self._plan = plan(self._resources, self._settings)
        self.services.update(self._resources)
        if self._rate_limit is not None:
            self._rate_limit.update(self._resources)
        extra = [problem for pod in self._plan.pods for problem in agent_config.problems(pod)]
        extra += managed.problems
        self._report((*self._plan.problems, *extra, *self._policies.update(self._resources)))

    async def _watch(self) -> None:
        folder = self._options.folder
        async for _ in awatch(folder, step=50, debounce=200, recursive=True):
            reading = settings.read(folder)
            if not reading.problems:
                self._settings = reading.settings
            self._report(reading.problems)
            await self._load()
            await self._reconcile()

    def _report(self, problems: Iterable[Problem]) -> None:
        """Says what is newly wrong; the control plane says what is wrong in the manifests."""
        found = tuple(problems)
        for problem in found:
            if problem not in self._problems:
                self._say(f"{problem.severity}: {problem}")
        self._problems = (*self._problems, *(p for p in found if p not in self._problems))

    def _say(self, message: str) -> None:
        log.warning("%s", message)
        self._messages.append(message)
        self._dirty.set()

    def _trust_domain(self) -> str:
        return self._mesh_setting("trustDomain") or agent_config.DOMAIN

    def _mesh_setting(self, name: str) -> str:
        """Of the MeshConfig in the ConfigMap `istio`; empty when it does not say."""
        for resource in self._resources:
            if resource.kind == "ConfigMap" and resource.name == "istio":
                with contextlib.suppress(yaml.YAMLError):
                    mesh = yaml.safe_load(resource.spec.data.get("mesh", "")) or {}
                    if isinstance(mesh, dict) and isinstance(mesh.get(name), str):
                        return str(mesh[name])
        return ""

    # -- pods -----------------------------------------------------------------------------------

    async def _reconcile(self) -> None:
        """Starts what is new, replaces what changed, stops what is gone."""
        assert self._context is not None, "started"
        wanted = {planned.id: planned for planned in self._plan.pods}
        fresh = [p for p in wanted.values() if p.id not in self._pods]
        changed = [
            planned
            for planned in wanted.values()
            if planned.id in self._pods
            and planned.id not in self._ending
            and self._pods[planned.id].plan != planned
        ]
        gone = [
            pod for id_, pod in self._pods.items() if id_ not in wanted and id_ not in self._ending
        ]
        for planned in fresh:
            before = [pod for pod in gone if pod.plan.controller == planned.controller]
            if planned.recreate and before:
                work = self._recreate(planned, before)
                self._tasks.start(work, name=f"start of {planned.id}")
            else:
                self._launch(planned, self._context)
        for planned in changed:
            self._ending.add(planned.id)
            self._tasks.start(self._restart(planned), name=f"restart of {planned.id}")
        renewed = {planned.controller for planned in fresh}
        for pod in gone:
            self._ending.add(pod.plan.id)
            replaced = pod.plan.controller in renewed and not pod.plan.recreate
            work = self._replace(pod) if replaced else self._remove(pod)
            self._tasks.start(work, name=f"end of {pod.plan.id}")
        await self._reconcile_forwards()
        self._dirty.set()

    def _launch(self, planned: PodPlan, context: PodContext) -> Pod:
        pod = self._pods[planned.id] = Pod(planned, context)
        self._tasks.start(self._run(pod), name=planned.id)
        return pod

    async def _run(self, pod: Pod) -> None:
        """Once the pod that has to be ready before it is, if that is still wanted."""
        while pod.plan.before and not pod.stopping:
            other = self._pods.get(pod.plan.before)
            if other is None or other.ready or other.over:
                break
            await asyncio.sleep(STATUS_SECONDS)
        await pod.run()

    async def _restart(self, planned: PodPlan) -> None:
        """Of a pod that keeps its name, such as one of a StatefulSet."""
        await self._remove(self._pods[planned.id])

    async def _recreate(self, planned: PodPlan, before: list[Pod]) -> None:
        """Starts a pod once those it replaces are gone."""
        assert self._context is not None, "started"
        await asyncio.gather(*(pod.finish() for pod in before))
        if any(wanted == planned for wanted in self._plan.pods) and planned.id not in self._pods:
            self._launch(planned, self._context)

    async def _replace(self, old: Pod) -> None:
        """Keeps the old pod until the new ones of its controller are ready."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + REPLACE_SECONDS
        told = False
        while not self._has_ready_successor(old):
            if old.plan in self._plan.pods:  # the change was taken back
                self._ending.discard(old.plan.id)
                return
            if clock() > deadline and not told:
                told = True
                self._say(
                    f"warning: the new pods of {old.plan.kind} {old.plan.workload} do not become "
                    f"ready; {old.plan.name} keeps running (lateen logs {old.plan.workload})"
                )
            await asyncio.sleep(STATUS_SECONDS)
        await self._remove(old)

    def _has_ready_successor(self, old: Pod) -> bool:
        wanted = {planned.id for planned in self._plan.pods}
        same = [
            pod
            for id_, pod in self._pods.items()
            if id_ in wanted and pod.plan.controller == old.plan.controller
        ]
        return not same or all(pod.ready or pod.over for pod in same)

    async def _remove(self, pod: Pod) -> None:
        """Starts it anew when a pod of that name is wanted by then."""
        await pod.stop(hurry=False)
        await pod.finish()
        self._ending.discard(pod.plan.id)
        self._pods.pop(pod.plan.id, None)
        again = next((p for p in self._plan.pods if p.id == pod.plan.id), None)
        if again is not None and self._context is not None and self._phase != "stopping":
            self._launch(again, self._context)
        self._dirty.set()

    async def _stop(self) -> None:
        """All at once: nobody is left to be kind to."""
        pods = list(self._pods.values())
        await asyncio.gather(*(pod.stop(hurry=True) for pod in pods), return_exceptions=True)
        await asyncio.gather(*(pod.finish() for pod in pods), return_exceptions=True)
        if self._rate_limit is not None:
            await self._rate_limit.stop()
        if self._control is not None:
            await self._control.stop()
        for found in self._forwards.values():
            found.close()
        self._cgroups.close()
        await asyncio.to_thread(self._trail.close)

    def _ready_pods(self) -> Iterator[tuple[PodPlan, str]]:
        for pod in self._pods.values():
            if pod.ready:
                yield pod.plan, pod.describe().address

    # -- ways in --------------------------------------------------------------------------------

    async def _reconcile_forwards(self) -> None:
        wanted = {
            (found.controller, found.port): found
            for found in gateways.ports(self._plan.pods, self._resources, self._settings)
        }
        for key in [key for key in self._forwards if key not in wanted]:
            self._forwards.pop(key).close()
        for key, found in wanted.items():
            if key in self._forwards:
                continue
            try:
                listening = forward.listen(
                    self._options.host, found.port, self._settings.ports.get(found.port)
                )
            except LocalError as trouble:
                self._say(
                    f"error: gateway port {found.port}: {trouble}; free it, or choose another in "
                    "lateen.yaml (ports)"
                )
                continue
            self._forwards[key] = made = forward.Forward(listening, partial(self._target, found))
            await made.start()

    def _target(self, port: gateways.GatewayPort) -> tuple[str, int]:
        """A ready pod of the gateway."""
        for pod in self._pods.values():
            if pod.plan.controller == port.controller and pod.ready:
                return pod.describe().address, port.target
        raise ConnectionRefusedError("no pod of the gateway is ready")

    def _notices(self) -> tuple[str, ...]:
        parts = [part for pod in self._plan.pods for part in pod.containers if part.runnable]
        if self._cgroups.available or not any(Limits.of(part.resources) for part in parts):
            return self._options.notices
        return (*self._options.notices, LIMITS_NOTICE)

    def _gateway_addresses(self) -> tuple[GatewayAddress, ...]:
        return tuple(
            GatewayAddress(f"{controller[2]}.{controller[1]}", port, found.address)
            for (controller, port), found in sorted(self._forwards.items())
        )

    # -- status ---------------------------------------------------------------------------------

    async def _keep_status(self) -> None:
        while True:  # as long as the mesh runs
            await self._dirty.wait()
            self._dirty.clear()
            self._write_status()
            await asyncio.sleep(STATUS_SECONDS)

    def _write_status(self) -> None:
        pods = tuple(pod.describe() for pod in self._pods.values())
        if self._phase == "running" and all(pod.is_done for pod in pods):
            phase = "ready"
        else:
            phase = self._phase
        messages = (*self._messages, *(self._control.messages if self._control else ()))
        control = self._control.process if self._control else self._record.control
        if control != self._record.control:
            self._record = replace(self._record, control=control)
            self._options.state.write_record(self._record)
        self._options.state.write_status(
            Status(
                phase=phase,
                pods=pods,
                gateways=self._gateway_addresses(),
                notices=self._notices(),
                messages=messages,
                trouble=self._trouble,
            )
        )
