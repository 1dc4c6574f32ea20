"""The rate limit service of a mesh on this machine: started when a RateLimit has a global rule.

    RateLimit with global rules  ->  lateen rate-limit  ->  ServiceEntry in the runtime folder

It listens where pods find the control plane, with a certificate of the mesh, and counts in memory.
A Service of its name that the user has written takes its place.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lateen.api.rate_limit import SERVICE_NAME, SERVICE_PORT, RateLimit, asks_lateen
from lateen.api.resource import Resource
from lateen.base.private_files import private_folder, write_private
from lateen.base.tasks import Tasks
from lateen.identity.tokens import TokenSigner
from lateen.local import unix_http
from lateen.local.control_plane import FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS, SETTLED_SECONDS
from lateen.local.errors import LocalError
from lateen.local.process import LATEEN, Place, Process, spawn
from lateen.local.state import MESH_MARK, MeshState, write_atomic

TOKEN_SECONDS = 3600.0  # for the first certificate; the next are asked for with that one
POLL_SECONDS = 0.05
STOP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process is told of the mesh."""

    state: MeshState
    folder: Path
    host: str  # where pods find the control plane, and it
    discovery_port: int
    domain: str
    root_namespace: str
    namespace: str  # of objects that name none


class RateLimitProcess:
    """Owns the process and its entry in the runtime folder. `run` keeps it while it is wanted."""

    def __init__(self, around: Surroundings, signer: TokenSigner, say: Callable[[str], None]):
        self._around, self._signer, self._say = around, signer, say
        self._wanted, self._unwanted = asyncio.Event(), asyncio.Event()
        self._process: Process | None = None
        self._stopping = False

    def update(self, resources: Iterable[Resource[Any]]) -> None:
        """Starts or ends it, by what the manifests hold now."""
        found = tuple(resources)
        if is_wanted(found, self._around.root_namespace):
            self._wanted.set()
            self._unwanted.clear()
        else:
            self._wanted.clear()
            self._unwanted.set()

    async def run(self) -> None:
        pause, clock = FIRST_PAUSE_SECONDS, asyncio.get_running_loop().time
        while True:  # as long as the mesh runs
            await self._wanted.wait()
            begun = clock()
            code = await self._serve()
            if self._stopping:
                return
            if code is None:
                continue
            self._say(
                f"warning: the rate limit service ended with {code}; it is started again "
                "(lateen logs rate-limit)"
            )
            pause = FIRST_PAUSE_SECONDS if clock() - begun > SETTLED_SECONDS else pause
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)

    async def stop(self) -> None:
        self._stopping = True
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        self._entry.unlink(missing_ok=True)
        if process is not None:
            await process.stop(STOP_SECONDS)

    async def _serve(self) -> int | None:
        """Until it is no longer wanted (None), or has ended: its exit code."""
        around = self._around
        port = free_port(around.host)
        self._process = process = await spawn(
            self._argv(port),
            log=around.state.rate_limit_log,
            place=Place(environment={MESH_MARK: str(around.state.folder)}),
        )
        try:
            async with Tasks() as tasks:
                ended = tasks.start(process.wait(), name="end of the rate limit service")
                unwanted = tasks.start(self._unwanted.wait(), name="end of global limits")
                tasks.start(self._publish_when_ready(port), name="its entry")
                await asyncio.wait((ended, unwanted), return_when=asyncio.FIRST_COMPLETED)
                return ended.result() if ended.done() else None
        finally:
            await self._end()

    async def _publish_when_ready(self, port: int) -> None:
        while not await self._is_ready():  # the process ends by itself when it cannot
            await asyncio.sleep(POLL_SECONDS)
        entry = service_entry(self._around, port)
        write_atomic(self._entry, json.dumps(entry, indent=1, sort_keys=True))

    async def _is_ready(self) -> bool:
        try:
            await asyncio.to_thread(unix_http.get, self._admin, "/ready")
        except LocalError:
            return False
        return True

    def _argv(self, port: int) -> Sequence[str]:
        around = self._around
        return (
            *(*LATEEN, "rate-limit", "-f", str(around.folder)),
            *("--listen", f"{around.host}:{port}"),
            *("--admin-address", f"unix:{self._admin}"),
            *("--discovery", f"{around.host}:{around.discovery_port}"),
            *("--root-cert", str(around.state.root_certificate)),
            *("--token", str(self._write_token())),
            *("--namespace", around.namespace),
            *("--root-namespace", around.root_namespace),
        )

    def _write_token(self) -> Path:
        around = self._around
        folder = private_folder(around.state.rate_limit)
        token = self._signer.mint(
            namespace=around.root_namespace,
            service_account=SERVICE_NAME,
            ttl_seconds=TOKEN_SECONDS,
        )
        write_private(folder / "token", token.encode())
        return folder / "token"

    @property
    def _admin(self) -> Path:
        return self._around.state.rate_limit / "admin.sock"

    @property
    def _entry(self) -> Path:
        return self._around.state.runtime / f"{SERVICE_NAME}.json"


def is_wanted(resources: Sequence[Resource[Any]], root_namespace: str) -> bool:
    asked = any(
        isinstance(resource.spec, RateLimit) and asks_lateen(resource.spec)
        for resource in resources
    )
    has_own = any(
        (resource.kind, resource.namespace, resource.name)
        == ("Service", root_namespace, SERVICE_NAME)
        for resource in resources
    )
    return asked and not has_own


def service_entry(around: Surroundings, port: int) -> dict[str, Any]:
    """The service as the control plane sees it: one endpoint, with an identity of the mesh."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": SERVICE_NAME, "namespace": around.root_namespace},
        "spec": {
            "hosts": [f"{SERVICE_NAME}.{around.root_namespace}.svc.{around.domain}"],
            "location": "MESH_INTERNAL",
            "resolution": "STATIC",
            "ports": [{"name": "grpc", "number": SERVICE_PORT, "protocol": "GRPC"}],
            "endpoints": [
                {
                    "address": around.host,
                    "ports": {"grpc": port},
                    "serviceAccount": SERVICE_NAME,
                    "labels": {"app": SERVICE_NAME, "security.istio.io/tlsMode": "istio"},
                }
            ],
        },
    }


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
