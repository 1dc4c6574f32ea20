"""Every protocol end to end through both proxies, and the ways in and out of the mesh."""

import base64
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.mesh.certificates import self_signed
from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

CLIENT = "spiffe://cluster.local/ns/app/sa/client"


def test_http_reaches_the_service_with_the_callers_identity(mesh: RunningMesh) -> None:
    seen = mesh.call("client.app", "http://reviews.app/hello").seen

    assert seen["caller"] == CLIENT
    assert seen["path"] == "/hello"


def test_http2_stays_http2(mesh: RunningMesh) -> None:
    answer = mesh.call("client.app", "h2c://reviews.app:81/")

    assert answer.seen["protocol"] == "HTTP/2"
    assert answer.seen["caller"] == CLIENT


def test_grpc_is_answered(mesh: RunningMesh) -> None:
    answer = mesh.call("client.app", "grpc://reviews.app:9000/echo.Echo/Call", body="ping")

    assert answer.headers["grpc-status"] == "0"
    assert answer.headers["workload"].startswith("reviews-v")
    assert answer.body == "ping"


def test_tcp_is_carried(mesh: RunningMesh) -> None:
    answer = mesh.call("client.app", "tcp://reviews.app:9001", body="ping")

    assert answer.body.rstrip().endswith("ping")
    assert answer.body.startswith("reviews-v")


def test_a_websocket_is_carried(mesh: RunningMesh) -> None:
    answer = mesh.call("client.app", "ws://reviews.app/ws", body="over the wire")

    assert answer.status == 101, answer.error
    assert "over the wire" in answer.body


def test_a_short_name_finds_the_service_of_its_namespace(mesh: RunningMesh) -> None:
    assert mesh.call("client.app", "http://reviews/").status == 200
    assert mesh.call("client.app", "http://reviews.app.svc.cluster.local/").status == 200


@pytest.fixture
def outside(mesh: RunningMesh) -> Iterator[tuple[str, int]]:
    """A server that knows nothing of the mesh, at an address that its workloads can reach."""
    address = mesh.host_address
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "lateen", "echo", f"--http={port}", f"--bind={address}"],
        env={"WORKLOAD": "outside", "PATH": ""},
    )
    try:
        yield address, port
    finally:
        server.terminate()
        server.wait(10)


def test_a_service_entry_leads_out_of_the_mesh(mesh: RunningMesh, outside: tuple[str, int]) -> None:
    address, port = outside
    mesh.apply(
        "outside.yaml",
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
        "metadata: {name: outside, namespace: app}\n"
        "spec:\n  hosts: [outside.example]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"
        f"  ports: [{{number: 80, name: http, protocol: HTTP, targetPort: {port}}}]\n"
        f"  endpoints: [{{address: {address}}}]\n",
    )

    answer = eventually(
        lambda: mesh.call("client.app", "http://outside.example/"), lambda a: a.status == 200
    )

    assert answer.seen["workload"] == "outside"
    assert answer.seen["caller"] == ""


ROUTES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front, namespace: app}
spec:
  hosts: [shop.example]
  gateways: [istio-ingress/front]
  http:
  - route: [{destination: {host: reviews, port: {number: 80}}}]
"""


def gateway(servers: str) -> str:
    return (
        "apiVersion: networking.istio.io/v1\nkind: Gateway\n"
        "metadata: {name: front, namespace: istio-ingress}\n"
        f"spec:\n  selector: {{istio: ingressgateway}}\n  servers:\n{servers}---{ROUTES}"
    )


def test_the_gateway_leads_http_into_the_mesh(mesh: RunningMesh) -> None:
    mesh.apply(
        "front.yaml",
        gateway("  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]}\n"),
    )

    def ask(host: str) -> httpx.Response:
        return httpx.get(f"http://{mesh.gateway(80)}/", headers={"host": host}, timeout=5)

    answer = eventually(lambda: ask("shop.example"), lambda a: a.status_code == 200)

    assert answer.json()["caller"] == "spiffe://cluster.local/ns/istio-ingress/sa/ingressgateway"
    assert ask("other.example").status_code == 404


def test_the_gateway_ends_tls_with_the_certificate_of_a_secret(
    mesh: RunningMesh, tmp_path: Path
) -> None:
    certificate, key = self_signed("shop.example")
    encoded = {name: base64.b64encode(text).decode() for name, text in
               (("tls.crt", certificate), ("tls.key", key))}  # fmt: skip
    mesh.apply(
        "secret.yaml",
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\n"
        "metadata: {name: shop, namespace: istio-ingress}\n"
        f"data: {{tls.crt: {encoded['tls.crt']}, tls.key: {encoded['tls.key']}}}\n",
    )
    mesh.apply(
        "front.yaml",
        gateway(
            "  - port: {number: 443, name: https, protocol: HTTPS}\n"
            "    hosts: [shop.example]\n"
            "    tls: {mode: SIMPLE, credentialName: shop}\n"
        ),
    )
    (tmp_path / "ca.pem").write_bytes(certificate)
    host, _, port = mesh.gateway(443).partition(":")
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

    def ask() -> str:
        """The status line of a request over TLS, or why there was none."""
        try:
            with (
                socket.create_connection((host, int(port)), timeout=5) as raw,
                context.wrap_socket(raw, server_hostname="shop.example") as tls,
            ):
                tls.sendall(b"GET / HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n")
                return tls.recv(4096).partition(b"\r\n")[0].decode()
        except OSError as trouble:
            return str(trouble)

    assert eventually(ask, lambda line: line == "HTTP/1.1 200 OK")
