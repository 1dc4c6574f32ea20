"""Lateen's own control plane inside a test: mesh from text, TLS on a free port, restartable."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from lateen.agent import settings
from lateen.api.resource import Change
from lateen.base.problem import Problem
from lateen.config.documents import read
from lateen.control.plane import ControlPlane
from lateen.control.settings import ControlSettings
from lateen.identity.labels import WorkloadLabels
from lateen.identity.tokens import TokenSigner, load_or_create_key
from lateen.xds.transport.listener import Address
from tests.interop.running_agent import free_port, until


@dataclass
class Batch:
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()


class Text:
    """A source that reads one text and never changes."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def batches(self) -> AsyncIterator[Batch]:
        reading = read(self._text)
        assert not reading.problems
        yield Batch(tuple(Change(resource.key, resource) for resource in reading.resources))
        await asyncio.Event().wait()


class RealControlPlane:
    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self._text = text
        self.port = free_port()
        self.plane: ControlPlane | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ControlPlane]:
        wanted = ControlSettings(
            folders=(),
            state=self.folder / "state",
            xds_address=None,
            secure_xds_address=Address("127.0.0.1", self.port),
            admin_address=None,
        )
        plane = ControlPlane(wanted, Text(self._text), clock=time.time, random=Random(1))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(plane.run(stop))
            await until(lambda: plane.is_ready, "control plane ready")
            try:
                yield plane
            finally:
                stop.set()

    def agent_settings(
        self,
        name: str,
        *,
        namespace: str = "shop",
        claims: str = "",
        secret_ttl: float = 3600,
    ) -> settings.AgentSettings:
        """`claims` is the node's namespace, where it is another than the token's."""
        folder = self.folder / name
        token = self.folder / f"{name}.token"
        signer = TokenSigner(load_or_create_key(self.folder / "state"), time.time)
        token.write_text(
            signer.mint(
                namespace=namespace,
                service_account=name,
                ttl_seconds=600,
                workload=WorkloadLabels(workload=name, namespace=namespace, app=name),
            )
        )
        claimed = claims or namespace
        return settings.AgentSettings(
            node=settings.NodeSettings(
                id=f"sidecar~127.0.0.1~{name}.{claimed}~{claimed}.svc.cluster.local",
                metadata={
                    "NAMESPACE": claimed,
                    "SERVICE_ACCOUNT": name,
                    "CLUSTER_ID": "Kubernetes",
                    "INTERCEPTION_MODE": "NONE",
                    "LABELS": {"app": name},
                },
            ),
            workload=settings.WorkloadSettings(
                namespace=namespace, service_account=name, name=name, ip="127.0.0.1"
            ),
            discovery=settings.DiscoverySettings(
                address=f"127.0.0.1:{self.port}",
                root_cert=str(self.folder / "state" / "ca" / "trust-bundle.pem"),
                token=str(token),
            ),
            work_dir=str(folder),
            secret_ttl=secret_ttl,
            listeners=settings.ListenerSettings(
                status="127.0.0.1:0", health="", metrics="", admin=f"unix:{folder}/envoy.sock"
            ),
            envoy=settings.EnvoySettings(concurrency=1, log_file=str(self.folder / f"{name}.log")),
            shutdown=settings.ShutdownSettings(drain_duration=0.1),
        )


def with_dns(wanted: settings.AgentSettings) -> settings.AgentSettings:
    dns = settings.DnsSettings(enabled=True, address="127.0.0.1:0")
    return msgspec.structs.replace(wanted, dns=dns)
