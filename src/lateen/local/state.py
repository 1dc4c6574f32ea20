"""What a mesh on this machine leaves on disk while it runs, and how other commands find it.

    $LATEEN_STATE or ~/.local/state/lateen/
      <mesh>/                  mode 0711: not to be looked into, its parts below are 0700
        root-cert.pem          what proxies trust
        mesh.json              what it is: folder, mode, process, addresses (Record)
        status.json            how its workloads do at this moment (Status)
        lock                   held by the runner as long as it lives
        control/               state of the control plane: authority, token key, admin.sock
        control/audit/         its audit trail
        control/decisions/     the same of what the proxies decided
        runtime/*.yaml         Pods with their status, read by the control plane
        pods/<namespace>.<pod>/    agent.json, token, root.pem, admin.sock, resolv.conf ...
        logs/<namespace>.<pod>/    <container>.log, proxy.log
        rate-limit/token       of the rate limit service, where a RateLimit has global rules
        logs/control.log, logs/rate-limit.log

Only the runner writes. A reader trusts a record only while the process that it names lives: a
number of a process alone is not enough, because numbers are used again.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lateen.base.private_files import private_folder
from lateen.local.errors import LocalError

CANNOT_START = "cannot start"  # opens the reason of a container that its manifest stops
MESH_MARK = "LATEEN_MESH_STATE"  # in the environment of every process of a mesh: its folder


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process and when it started, in clock ticks since boot: together they are unique."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        return cls(pid, start_time(pid))

    @property
    def alive(self) -> bool:
        return self.pid > 0 and self.started > 0 and start_time(self.pid) == self.started


def start_time(pid: int) -> int:
    """0 when there is no such process or it is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True, slots=True)
class Record:
    """mesh.json."""

    name: str
    folder: str
    mode: str
    runner: ProcessId
    control: ProcessId = ProcessId(0, 0)
    admin: str = ""  # control plane's admin interface, as unix:PATH
    bridge: str = ""


@dataclass(frozen=True, slots=True)
class PodState:
    """One line of `lateen status`."""

    name: str
    namespace: str
    workload: str
    kind: str
    phase: str = "Pending"  # as Kubernetes: Pending, Running, Succeeded, Failed
    reason: str = ""  # in a few words, why it is not ready
    ready: bool = False
    proxy: str = ""  # none, starting, ready, stopped
    address: str = ""
    restarts: int = 0
    exit_code: int | None = None
    pid: int = 0  # of the first container that runs, else of the agent
    agent_pid: int = 0
    admin: str = ""  # unix socket of the proxy's admin interface

    @property
    def id(self) -> str:
        return f"{self.name}.{self.namespace}"

    @property
    def is_done(self) -> bool:
        """As well as it can be."""
        return self.ready or self.phase == "Succeeded"

    @property
    def is_stuck(self) -> bool:
        """Only a change of the manifests makes it ready."""
        return self.phase == "Failed" or self.reason.startswith(CANNOT_START)


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    pod: str
    port: int  # of the gateway's Service
    address: str  # on this machine, HOST:PORT


@dataclass(frozen=True, slots=True)
class Status:
    """status.json."""

    phase: str = "starting"  # starting, ready, stopping
    pods: tuple[PodState, ...] = ()
    gateways: tuple[GatewayAddress, ...] = ()
    notices: tuple[str, ...] = ()  # what the mode lacks, each with its remedy
    messages: tuple[str, ...] = field(default=())  # problems of the manifests, newest last
    trouble: str = ""  # why the mesh could not start

    @property
    def is_stuck(self) -> bool:
        """All runs that can, and the rest waits in vain."""
        pods = self.pods
        return self.phase == "running" and all(pod.is_done or pod.is_stuck for pod in pods)


class MeshState:
    """The folder of one mesh."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @property
    def runtime(self) -> Path:
        return self.folder / "runtime"

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def rate_limit(self) -> Path:
        """What the rate limit service proves itself with."""
        return self.folder / "rate-limit"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def admin(self) -> Path:
        """The socket of the control plane's admin interface."""
        return self.control / "admin.sock"

    @property
    def audit(self) -> Path:
        """The folder of the control plane's audit trail."""
        return self.control / "audit"

    @property
    def decisions(self) -> Path:
        """The folder of the trail of what the proxies' policies decided."""
        return self.control / "decisions"

    def pod(self, namespace: str, name: str) -> Path:
        return self.folder / "pods" / f"{namespace}.{name}"

    def logs(self, namespace: str, name: str) -> Path:
        return self.folder / "logs" / f"{namespace}.{name}"

    @property
    def control_log(self) -> Path:
        return self.folder / "logs" / "control.log"

    @property
    def rate_limit_log(self) -> Path:
        return self.folder / "logs" / "rate-limit.log"

    @property
    def runner_log(self) -> Path:
        return self.folder / "logs" / "runner.log"

    @property
    def root_certificate(self) -> Path:
        """A copy that proxies may read, whoever they run as."""
        return self.folder / "root-cert.pem"

    def create(self) -> None:
        for path in (self.folder.parent, self.folder, self.folder / "pods", self.folder / "logs"):
            passable_folder(path)
        for name in ("runtime", "control"):
            private_folder(self.folder / name)

    def record(self) -> Record | None:
        content = _json(self.folder / "mesh.json")
        if content is None:
            return None
        for name in ("runner", "control"):
            content[name] = ProcessId(**content[name])
        return Record(**content)

    def write_record(self, record: Record) -> None:
        write_atomic(self.folder / "mesh.json", json.dumps(asdict(record), indent=1))

    def status(self) -> Status:
        content = _json(self.folder / "status.json") or {}
        return Status(
            phase=content.get("phase", "starting"),
            pods=tuple(PodState(**pod) for pod in content.get("pods", ())),
            gateways=tuple(GatewayAddress(**found) for found in content.get("gateways", ())),
            notices=tuple(content.get("notices", ())),
            messages=tuple(content.get("messages", ())),
            trouble=content.get("trouble", ""),
        )

    def write_status(self, status: Status) -> None:
        write_atomic(self.folder / "status.json", json.dumps(asdict(status), indent=1))

    @property
    def running(self) -> bool:
        record = self.record()
        return record is not None and record.runner.alive

    def remove(self) -> None:
        """Everything but the logs and the control plane's authority and keys."""
        for name in ("runtime", "pods", "rate-limit"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("mesh.json", "status.json", "root-cert.pem"):
            (self.folder / name).unlink(missing_ok=True)


def root() -> Path:
    """Where the states of all meshes of this user are."""
    chosen = os.environ.get("LATEEN_STATE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "lateen"


def mesh(name: str) -> MeshState:
    return MeshState(root() / name)


def meshes() -> tuple[MeshState, ...]:
    """All that have left a record, whether or not they still run."""
    found = sorted(root().glob("*/mesh.json"))
    return tuple(MeshState(path.parent) for path in found)


def running_meshes() -> tuple[MeshState, ...]:
    return tuple(state for state in meshes() if state.running)


def chosen_mesh(name: str = "") -> MeshState:
    """The running mesh of that name; without a name the only one that runs."""
    running = running_meshes()
    if name:
        found = next((state for state in running if state.name == name), None)
        if found is None:
            raise LocalError(f"no mesh named {name} runs here; running: {_names(running)}")
        return found
    if not running:
        raise LocalError("no mesh runs here; start one with: lateen up FOLDER")
    if len(running) > 1:
        raise LocalError(f"several meshes run here; choose one with --mesh: {_names(running)}")
    return running[0]


def find_pod(state: MeshState, workload: str, namespace: str = "") -> PodState:
    """By pod or workload name, `NAME`, `NAME.NAMESPACE` or `kind/NAME`; the first that matches."""
    wanted = workload.rpartition("/")[2]
    pods = [pod for pod in state.status().pods if namespace in ("", pod.namespace)]
    for pod in pods:
        if wanted in (pod.name, pod.id, pod.workload, f"{pod.workload}.{pod.namespace}"):
            return pod
    for pod in pods:
        if pod.name.startswith(f"{wanted}-"):
            return pod
    names = ", ".join(sorted({f"{pod.workload}.{pod.namespace}" for pod in pods})) or "none"
    raise LocalError(f"no workload {workload!r} in the mesh {state.name}; there are: {names}")


@contextlib.contextmanager
def registry_lock() -> Iterator[Path]:
    """Held while a mesh chooses what must differ between meshes: bridge, subnet, ports."""
    folder = passable_folder(root())
    with open(folder / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield folder


def passable_folder(path: Path) -> Path:
    """Others may pass through it to what is theirs, and not look into it."""
    path.mkdir(mode=0o711, parents=True, exist_ok=True)
    if path.stat().st_uid == os.geteuid():
        path.chmod(0o711)
    return path


def write_atomic(path: Path, text: str) -> None:
    """Readers see the old file or the new one. Watchers ignore the name it is made under.

    Nothing is written when the folder is gone: then somebody has removed the mesh's state, and its
    runner is about to notice and stop.
    """
    half = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        half.unlink(missing_ok=True)
        half.touch(0o600)
        half.write_text(text)
        os.replace(half, path)


def _names(states: tuple[MeshState, ...]) -> str:
    return ", ".join(state.name for state in states) or "none"


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
