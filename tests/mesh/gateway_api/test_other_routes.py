"""Routes that are no HTTPRoutes of a Gateway: gRPC, streams, inside the mesh, Ingress."""

import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.mesh.gateway_api.edge import EDGE, calls_from_here
from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]


def test_grpc_is_routed_by_its_method(edge: RunningMesh) -> None:
    address = edge.gateway(80, EDGE)

    known, unknown = (
        calls_from_here(f"grpc://{address}/echo.Echo/{method}", body="ping")[0]
        for method in ("Call", "Other")
    )

    assert (known.headers.get("grpc-status"), known.body) == ("0", "ping")
    assert unknown.headers.get("grpc-status") != "0"


def test_connections_are_carried_by_port(edge: RunningMesh) -> None:
    host, _, port = edge.gateway(9100, EDGE).partition(":")

    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"ping\n")
        assert connection.recv(100).rstrip().endswith(b"ping")


def over_tls(address: str, certificate: Path) -> str:
    host, _, port = address.partition(":")
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="secure.example") as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nhost: secure.example\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["workload"])


def test_tls_is_passed_through_by_its_name(edge: RunningMesh, certificate: Path) -> None:
    assert over_tls(edge.gateway(8443, EDGE), certificate) == "secure"


def test_tls_ends_at_a_listener_of_a_listener_set(edge: RunningMesh, certificate: Path) -> None:
    assert over_tls(edge.gateway(443, EDGE), certificate).startswith("reviews-v")


def test_calls_inside_the_mesh_take_the_route_of_their_service(edge: RunningMesh) -> None:
    taken, other = (
        edge.calls("client.app", f"http://reviews-v1.app{path}", count=8)
        for path in ("/second", "/first")
    )

    assert {each.version for each in taken} == {"v2"}
    assert {each.version for each in other} == {"v1"}


def test_an_ingress_leads_to_its_backends(edge: RunningMesh) -> None:
    url = f"http://{edge.gateway(80, 'ingressgateway.istio-ingress')}"

    def status(path: str) -> int:
        return httpx.get(url + path, headers={"host": "ingress.example"}).status_code

    eventually(lambda: status("/shop/cart"), lambda code: code == 200)
    assert status("/shopping") == 404
