"""The secure port: certificates by token, discovery by certificate or token, claims checked."""

import asyncio
import base64
from typing import Any

import grpc
import pytest
from cryptography import x509

from lateen.identity.labels import WorkloadLabels
from lateen.identity.signing_request import METHOD
from lateen.xds import kinds
from lateen.xds.server import SERVICE
from tests.features.proofs import WAIT_SECONDS, certificate, channel, root, token
from tests.features.running_plane import control_plane, run
from tests.unit.xds.ads_client import AdsClient, ads, names_of

MESH = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.mesh.internal]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 10.1.0.7}]
"""
NODE = "sidecar~10.9.8.7~front-1.shop~shop.svc.cluster.local"


def stream(
    opened: grpc.aio.Channel,
    *,
    namespace: str,
    metadata: Any = None,
    node: str = NODE,
    app: str = "",
) -> AdsClient:
    call = opened.stream_stream(SERVICE + "DeltaAggregatedResources")(metadata=metadata)
    labels = {"app": app} if app else {}
    return AdsClient(call, delta=True, node_id=node, namespace=namespace, labels=labels)


def test_token_buys_a_certificate_of_its_own_identity() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            _, chain = await certificate(control, token(control))
            leaf = x509.load_pem_x509_certificate(chain[0].encode())
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            uris = names.get_values_for_type(x509.UniformResourceIdentifier)
            assert uris == ["spiffe://cluster.local/ns/shop/sa/front"]
            assert chain[-1].encode() == root(control)

    run(main)


def test_without_proof_no_certificate_is_issued() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await certificate(control, "")
            assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED

    run(main)


def test_certificate_is_accepted_for_discovery_of_its_namespace() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            key, chain = await certificate(control, token(control))
            whole = "".join(chain[:-1]).encode()
            async with channel(control, key=key, chain=whole) as opened:
                proxy = stream(opened, namespace="shop")
                clusters = await proxy.subscribe(kinds.CLUSTER)
                assert "outbound|80||reviews.mesh.internal" in names_of(clusters)

    run(main)


def test_certificate_of_another_namespace_is_refused() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            key, chain = await certificate(control, token(control, "other"))
            whole = "".join(chain[:-1]).encode()
            async with channel(control, key=key, chain=whole) as opened:
                proxy = stream(opened, namespace="shop")
                await proxy.request(kinds.CLUSTER)
                with pytest.raises(EOFError, match=r"PERMISSION_DENIED: .*namespace 'shop'"):
                    await proxy.next()

    run(main)


def test_token_is_accepted_for_discovery_and_nothing_is_not() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control, channel(control) as opened:
            bearer = (("authorization", f"Bearer {token(control)}"),)
            await stream(opened, namespace="shop", metadata=bearer).subscribe(kinds.CLUSTER)
            anonymous = stream(opened, namespace="shop")
            await anonymous.request(kinds.CLUSTER)
            with pytest.raises(EOFError, match="UNAUTHENTICATED"):
                await anonymous.next()

    run(main)


def test_certificates_are_not_issued_on_the_plaintext_port() -> None:
    async def main() -> None:
        async with (
            control_plane(MESH, secure=True) as control,
            grpc.aio.insecure_channel(f"127.0.0.1:{control.port}") as opened,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await opened.unary_unary(METHOD)(b"", timeout=WAIT_SECONDS)
            assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED

    run(main)


def test_large_responses_cross_tls_to_several_proxies() -> None:
    services = "---".join(MESH.replace("reviews", f"reviews-{number}") for number in range(400))

    async def main() -> None:
        async with control_plane(services, secure=True) as control, channel(control) as opened:
            bearer = (("authorization", f"Bearer {token(control)}"),)
            proxies = [stream(opened, namespace="shop", metadata=bearer) for _ in range(5)]
            answers = await asyncio.gather(*(each.subscribe(kinds.CLUSTER) for each in proxies))
            assert {len(answer.resources) for answer in answers} == {403}
            assert sum(answer.ByteSize() for answer in answers) > 800_000

    run(main)


SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: edge-cert, namespace: shop}
stringData:
  tls.crt: "-----BEGIN CERTIFICATE-----"
  tls.key: "-----BEGIN PRIVATE KEY-----"
"""
PRIVATE = b"-----BEGIN PRIVATE KEY-----"
ROUTER = "router~10.9.8.7~edge-1.shop~shop.svc.cluster.local"


def test_secrets_are_served_to_a_proven_identity_of_their_namespace_and_not_dumped() -> None:
    async def main() -> None:
        async with (
            control_plane(SECRET, secure=True, gateways=("*/front",)) as control,
            channel(control) as opened,
        ):
            bearer = (("authorization", f"Bearer {token(control)}"),)
            proxy = stream(opened, namespace="shop", metadata=bearer, node=ROUTER)
            answer = await proxy.subscribe(kinds.SECRET, "kubernetes://edge-cert")
            assert names_of(answer) == ["kubernetes://edge-cert"]
            assert PRIVATE in answer.resources[0].resource.value
            code, text = await control.page("/debug/config_dump?proxyID=edge-1.shop")
            assert (code, "SecretsConfigDump" in text) == (200, True)
            assert base64.b64encode(PRIVATE).decode() not in text

    run(main)


def test_secrets_are_not_served_to_another_namespace() -> None:
    async def main() -> None:
        async with (
            control_plane(SECRET, secure=True, gateways=("*/front",)) as control,
            channel(control) as opened,
        ):
            bearer = (("authorization", f"Bearer {token(control, 'other')}"),)
            proxy = stream(opened, namespace="other", metadata=bearer, node=ROUTER)
            answer = await proxy.subscribe(kinds.SECRET, "kubernetes://shop/edge-cert")
            assert names_of(answer) == []

    run(main)


@pytest.mark.parametrize("secure", [False, True])
def test_secrets_are_not_served_on_the_plaintext_port(secure: bool) -> None:
    async def main() -> None:
        async with (
            control_plane(SECRET, secure=secure) as control,
            ads(control.port, namespace="shop", node_id=ROUTER) as proxy,
        ):
            await proxy.request(kinds.SECRET, "kubernetes://edge-cert")
            await proxy.silence()

    run(main)


POD = """
---
apiVersion: v1
kind: Pod
metadata:
  name: edge-1
  namespace: shop
  labels: {app: edge}
  annotations: %s
spec:
  serviceAccountName: front
  containers: [{name: app, image: app}]
"""
GATEWAY = POD % "{inject.istio.io/templates: gateway}"


@pytest.mark.parametrize(
    ("pods", "app", "reason"),
    [
        (GATEWAY, "edge", ""),
        (GATEWAY, "", ""),  # the token names no labels
        (POD % "{}", "edge", "its pod shop/edge-1 is not a gateway"),
        ("", "edge", "no pod shop/edge-1 is known to be a gateway"),
        (GATEWAY, "web", "credential says"),  # an application beside it, of the same account
        (GATEWAY.replace("front", "edge"), "edge", "is of service account 'edge'"),
    ],
)
def test_who_is_a_gateway_is_said_by_its_pod(pods: str, app: str, reason: str) -> None:
    labels = WorkloadLabels(workload=app, app=app) if app else None

    async def main() -> None:
        async with control_plane(SECRET + pods, secure=True) as control, channel(control) as opened:
            bearer = (("authorization", f"Bearer {token(control, labels=labels)}"),)
            proxy = stream(opened, namespace="shop", metadata=bearer, node=ROUTER, app=app)
            if not reason:
                assert names_of(await proxy.subscribe(kinds.SECRET, "kubernetes://edge-cert"))
                return
            await proxy.request(kinds.SECRET, "kubernetes://edge-cert")
            with pytest.raises(EOFError, match=f"PERMISSION_DENIED: .*{reason}"):
                await proxy.next()

    run(main)
