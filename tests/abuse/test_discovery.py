"""Attempts to be told more than the caller's own, by a real control plane."""

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from lateen.xds import kinds
from lateen.xds.server import SERVICE
from tests.abuse.forgery import Forger
from tests.abuse.planes import background_plane
from tests.features.proofs import certificate, channel, token
from tests.features.running_plane import RunningPlane
from tests.unit.xds.ads_client import AdsClient, names_of

MESH = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: open, namespace: shop}
spec:
  hosts: [open.mesh.internal]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 10.1.0.7}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: hidden, namespace: vault}
spec:
  hosts: [hidden.mesh.internal]
  exportTo: ["."]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 10.6.6.6}]
---
apiVersion: v1
kind: Secret
metadata: {name: edge, namespace: vault}
stringData: {tls.crt: "-----BEGIN CERTIFICATE-----", tls.key: "-----BEGIN PRIVATE KEY-----"}
"""
SIDECAR = "sidecar~10.9.8.7~front-1.shop~shop.svc.cluster.local"
SILENCE_SECONDS = 0.5
HIDDEN = "outbound|80||hidden.mesh.internal"


def stream(opened: Any, bearer: str = "", *, node: str = SIDECAR, **fields: Any) -> AdsClient:
    metadata = (("authorization", f"Bearer {bearer}"),) if bearer else None
    call = opened.stream_stream(SERVICE + "DeltaAggregatedResources")(metadata=metadata)
    return AdsClient(call, delta=True, node_id=node, **({"namespace": "shop"} | fields))


@pytest.fixture(scope="module")
def control() -> Iterator[RunningPlane]:
    with background_plane(MESH) as plane:
        yield plane


def test_the_honest_proxy_is_told_its_own(control: RunningPlane) -> None:
    async def main() -> None:
        async with channel(control) as opened:
            proxy = stream(opened, token(control))
            clusters = names_of(await proxy.subscribe(kinds.CLUSTER))
            assert "outbound|80||open.mesh.internal" in clusters
            assert HIDDEN not in clusters

    asyncio.run(main())


NODES = [
    ("of another namespace", "sidecar~10.9.8.7~safe-1.vault~vault.svc.cluster.local", "vault"),
    ("namespace in the metadata alone", SIDECAR, "vault"),
    ("of the root namespace", "sidecar~1.2.3.4~istiod.istio-system~x.svc", "istio-system"),
    ("a gateway of another", "router~10.9.8.7~edge.vault~vault.svc.cluster.local", "vault"),
    ("no node", "", "shop"),
    ("no type", "thing~10.9.8.7~front-1.shop~shop.svc.cluster.local", "shop"),
    ("an address that is none", "sidecar~../../etc~front-1.shop~shop.svc.cluster.local", "shop"),
    ("a newline", "sidecar~10.9.8.7~front\n-1.shop~shop.svc.cluster.local", "shop"),
    ("a path", "sidecar~10.9.8.7~../../x.shop~shop.svc.cluster.local", "shop"),
]


@pytest.mark.parametrize(("node", "namespace"), [n[1:] for n in NODES], ids=[n[0] for n in NODES])
def test_a_made_up_node_is_refused(control: RunningPlane, node: str, namespace: str) -> None:
    async def main() -> None:
        async with channel(control) as opened:
            proxy = stream(opened, token(control), node=node, namespace=namespace)
            await proxy.request(kinds.CLUSTER)
            with pytest.raises((EOFError, grpc.aio.AioRpcError)):
                await proxy.next()

    asyncio.run(main())


def test_the_endpoints_of_a_hidden_service_are_not_told_by_name(control: RunningPlane) -> None:
    """Also when somebody who may see them has asked first."""

    async def main() -> None:
        async with channel(control) as opened:
            inside = stream(
                opened,
                token(control, "vault"),
                node=SIDECAR.replace("shop", "vault"),
                namespace="vault",
            )
            assert names_of(await inside.subscribe(kinds.ENDPOINT, HIDDEN)) == [HIDDEN]
            outside = stream(opened, token(control))
            await outside.request(kinds.ENDPOINT, HIDDEN)
            assert b"10.6.6.6" not in await everything(outside)

    asyncio.run(main())


async def everything(proxy: AdsClient) -> bytes:
    """The next answer, or nothing where there is none or the stream was refused."""
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return bytes((await proxy.next()).SerializeToString())
    except (TimeoutError, EOFError):
        return b""


async def ends(proxy: AdsClient, type_url: str, *names: str) -> None:
    """Raises what ended the stream, once it has ended."""
    await proxy.request(type_url, *names)
    while True:
        await proxy.next()


@pytest.mark.parametrize(
    "name",
    ["kubernetes://vault/edge", "kubernetes://edge", "kubernetes-gateway://vault/edge",
     "kubernetes://vault/../vault/edge", "file-cert:/etc/shadow~/etc/shadow", "default"],
)  # fmt: skip
def test_a_secret_of_another_namespace_is_not_told(control: RunningPlane, name: str) -> None:
    async def main() -> None:
        async with channel(control) as opened:
            node = SIDECAR.replace("sidecar", "router")
            proxy = stream(opened, token(control), node=node)
            await proxy.request(kinds.SECRET, name)
            assert b"PRIVATE KEY" not in await everything(proxy)

    asyncio.run(main())


def test_a_certificate_is_no_proof_on_the_plaintext_port(control: RunningPlane) -> None:
    async def main() -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{control.port}") as opened:
            proxy = stream(opened, token(control), node=SIDECAR.replace("sidecar", "router"))
            await proxy.request(kinds.SECRET, "kubernetes://vault/edge")
            assert b"PRIVATE KEY" not in await everything(proxy)

    asyncio.run(main())


def test_a_certificate_of_a_stranger_is_refused(control: RunningPlane) -> None:
    leaf = Forger.stranger().leaf("spiffe://cluster.local/ns/shop/sa/front")

    async def main() -> None:
        async with channel(control, key=leaf.key, chain=leaf.chain) as opened:
            proxy = stream(opened)
            with pytest.raises((EOFError, grpc.aio.AioRpcError)):
                await ends(proxy, kinds.CLUSTER)

    asyncio.run(main())


def test_a_certificate_does_not_speak_for_another_namespace(control: RunningPlane) -> None:
    async def main() -> None:
        key, chain = await certificate(control, token(control))
        whole = "".join(chain[:-1]).encode()
        async with channel(control, key=key, chain=whole) as opened:
            proxy = stream(opened, node=SIDECAR.replace("shop", "vault"), namespace="vault")
            await proxy.request(kinds.CLUSTER)
            with pytest.raises(EOFError, match="PERMISSION_DENIED"):
                await proxy.next()

    asyncio.run(main())


def test_hundred_thousand_names_are_too_many(control: RunningPlane) -> None:
    async def main() -> None:
        async with channel(control) as opened:
            proxy = stream(opened, token(control))
            names = [f"outbound|{port}||{port}.example.com" for port in range(100_000)]
            with pytest.raises((EOFError, grpc.aio.AioRpcError)):
                await ends(proxy, kinds.ENDPOINT, *names)
            honest = stream(opened, token(control))
            assert names_of(await honest.subscribe(kinds.CLUSTER))

    asyncio.run(main())


def test_a_message_of_many_megabytes_is_refused_and_others_are_served(
    control: RunningPlane,
) -> None:
    async def main() -> None:
        async with channel(control) as opened:
            proxy = stream(opened, token(control))
            with pytest.raises((EOFError, grpc.aio.AioRpcError)):
                await ends(proxy, kinds.ENDPOINT, "a" * 30_000_000)
            honest = stream(opened, token(control))
            assert names_of(await honest.subscribe(kinds.CLUSTER))

    asyncio.run(main())
