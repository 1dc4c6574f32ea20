"""A control plane of a hundred lines for tests of the agent: certificates and delta discovery."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from lateen.agent.messages import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from lateen.ca import server_certificate
from lateen.ca.certificate_authority import BUNDLE, CertificateAuthority
from lateen.ca.service import CertificateService
from lateen.ca.settings import AuthoritySettings
from lateen.identity.credential import Authenticator, Peer
from lateen.identity.errors import Refused
from lateen.identity.labels import WorkloadLabels
from lateen.identity.tokens import TokenSigner, load_or_create_key

ADS = "envoy.service.discovery.v3.AggregatedDiscoveryService"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
WILDCARD = (CLUSTER, LISTENER)
CODES = {code.value[0]: code for code in grpc.StatusCode}

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass
class Received:
    """What one stream was asked, for tests to look at."""

    initial_versions: dict[str, dict[str, str]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)  # type URLs
    rejected: list[str] = field(default_factory=list)


class SmallControlPlane:
    """Sends every stream all resources of a type it subscribes to, and each change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = CertificateAuthority(
            folder / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=time.time
        )
        self.signer = TokenSigner(load_or_create_key(folder / "tokens"), time.time)
        self._authenticator = Authenticator(("cluster.local",), self.signer.verifier(), time.time)
        self._certificates = CertificateService(self.authority, self._authenticator, time.time)
        self.resources: dict[str, dict[str, bytes]] = {}
        self.version = 1
        self.port = 0
        self.certificates_issued = 0
        self.streams: list[Received] = []
        self._server: grpc.aio.Server | None = None
        self._changes: set[asyncio.Event] = set()

    def root_file(self) -> Path:
        return self.folder / "ca" / BUNDLE

    def token_file(self, namespace: str, account: str) -> Path:
        path = self.folder / f"token-{namespace}-{account}"
        path.write_text(
            self.signer.mint(
                namespace=namespace,
                service_account=account,
                ttl_seconds=600,
                workload=WorkloadLabels(workload=account, namespace=namespace, app=account),
            )
        )
        return path

    def put(self, type_url: str, name: str, message: bytes) -> None:
        self.resources.setdefault(type_url, {})[name] = message
        self.version += 1
        for change in self._changes:
            change.set()

    async def start(self) -> None:
        certificate = server_certificate.issue(self.authority.local, now=time.time())
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    ADS,
                    {"DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(self._ads)},
                ),
                grpc.method_handlers_generic_handler(
                    "istio.v1.auth.IstioCertificateService",
                    {"CreateCertificate": grpc.unary_unary_rpc_method_handler(self._sign)},
                ),
            )
        )
        credentials = grpc.ssl_server_credentials(
            [(certificate.key.encode(), certificate.chain.encode())]
        )
        self.port = self._server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        await self._server.start()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            self._server = None

    async def _sign(self, request: bytes, context: Context) -> bytes:
        metadata = dict(context.invocation_metadata() or ())
        peer = Peer(authorization=str(metadata.get("authorization", "")), address=context.peer())
        try:
            signed = await self._certificates.create_certificate(request, peer)
        except Refused as refused:
            await context.abort(CODES[refused.code], refused.reason)
        self.certificates_issued += 1
        return signed

    async def _ads(self, requests: AsyncIterator[bytes], context: Context) -> None:
        received = Received()
        self.streams.append(received)
        changed = asyncio.Event()
        self._changes.add(changed)
        sent: dict[str, dict[str, bytes]] = {}
        wanted: dict[str, set[str]] = {}
        nonces = itertools.count(1)

        async def send() -> None:
            while True:
                await changed.wait()
                changed.clear()
                for type_url in list(sent):
                    await self._push(type_url, wanted, sent[type_url], nonces, context)

        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(send())
                async for message in requests:
                    request = DeltaDiscoveryRequest.FromString(message)
                    wanted.setdefault(request.type_url, set()).update(
                        request.resource_names_subscribe
                    )
                    if request.type_url not in sent:
                        sent[request.type_url] = {}
                        received.initial_versions[request.type_url] = dict(
                            request.initial_resource_versions
                        )
                    if request.HasField("error_detail"):
                        received.rejected.append(request.error_detail.message)
                    elif request.response_nonce:
                        received.acknowledged.append(request.type_url)
                    changed.set()
                sender.cancel()
        finally:
            self._changes.discard(changed)

    async def _push(
        self,
        type_url: str,
        wanted: dict[str, set[str]],
        sent: dict[str, bytes],
        nonces: "itertools.count[int]",
        context: Context,
    ) -> None:
        response = DeltaDiscoveryResponse(type_url=type_url)
        is_everything = type_url in WILDCARD or not wanted[type_url]
        for name, message in self.resources.get(type_url, {}).items():
            if sent.get(name) == message or not (is_everything or name in wanted[type_url]):
                continue
            sent[name] = message
            resource = response.resources.add(name=name, version=str(self.version))
            resource.resource.type_url = type_url
            resource.resource.value = message
        if response.resources or not sent:
            response.nonce = str(next(nonces))
            sent.setdefault("", b"")  # the first answer is given even if it is empty
            await context.write(response.SerializeToString())
