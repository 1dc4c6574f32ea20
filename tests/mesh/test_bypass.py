"""Ways around the mesh that must not lead anywhere, tried for real."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.mesh.running import Answer, RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: bypass, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  mtls: {mode: STRICT}
"""
DENIED = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: bypass, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  action: DENY
  rules:
  - to: [{operation: {paths: ["/admin*"]}}]
  - to: [{operation: {hosts: [secret.example.com]}}]
"""
EXPOSED = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: bypass, namespace: istio-ingress}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bypass, namespace: app}
spec:
  hosts: ["*"]
  gateways: [istio-ingress/bypass]
  http:
  - route: [{destination: {host: reviews.app.svc.cluster.local, port: {number: 80}}}]
"""
FORGED = "By=spiffe://cluster.local/ns/app/sa/reviews;URI=spiffe://cluster.local/ns/app/sa/boss"
URL = "http://reviews.app"
LEGACY = "legacy.app"


def pod_url(mesh: RunningMesh, port: int, path: str = "/a") -> str:
    return f"http://{mesh.pods('reviews-v1')[0]['address']}:{port}{path}"


def is_refused(answer: Answer) -> bool:
    return bool(answer.error)


def raw(address: str, request: str) -> int:
    """The status of the answer to bytes that no client library would send."""
    where = urlsplit(f"//{address}")
    with socket.create_connection((where.hostname, where.port), timeout=10) as opened:
        opened.sendall(request.encode())
        head = opened.makefile("rb").readline().split()
    return int(head[1]) if len(head) > 1 else 0


def each_time(address: str, request: str) -> set[int]:
    """Asked often enough for every pod behind a service to answer."""
    return {raw(address, request) for _ in range(12)}


def get(target: str, host: str = "reviews.app") -> str:
    return f"GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"


def test_plaintext_reaches_no_port_of_a_strict_workload(mesh: RunningMesh) -> None:
    mesh.apply("bypass.yaml", STRICT)

    eventually(lambda: mesh.call(LEGACY, pod_url(mesh, 8080)), is_refused)
    for port in (8082, 9000, 9001):
        assert is_refused(mesh.call(LEGACY, pod_url(mesh, port))), port
    assert mesh.call("client.app", f"{URL}/a").status == 200


def test_the_proxys_own_ports_lead_nowhere(mesh: RunningMesh) -> None:
    for port in (15000, 15001, 15006):
        answer = mesh.call(LEGACY, pod_url(mesh, port, "/config_dump"))
        assert is_refused(answer) or answer.status >= 400, port
        assert "configs" not in answer.body, port


def test_nobody_stops_another_workloads_agent(mesh: RunningMesh) -> None:
    for path in ("/quitquitquit", "/drain"):
        answer = mesh.call(LEGACY, pod_url(mesh, 15020, path), method="POST")
        assert answer.status == 403, path
    assert mesh.call("client.app", f"{URL}/a").status == 200


def test_a_forged_client_certificate_header_is_not_believed(mesh: RunningMesh) -> None:
    headers = {"x-forwarded-client-cert": FORGED}

    plain = mesh.call(LEGACY, pod_url(mesh, 8080), headers=headers)
    mutual = mesh.call("client.app", f"{URL}/a", headers=headers)

    assert plain.status == mutual.status == 200
    assert plain.seen["caller"] == ""
    assert mutual.seen["caller"] == "spiffe://cluster.local/ns/app/sa/client"
    assert "sa/boss" not in plain.body + mutual.body


def test_a_gateway_removes_what_strangers_say_of_themselves(mesh: RunningMesh) -> None:
    mesh.apply("bypass.yaml", EXPOSED)
    address = mesh.gateway(80)
    eventually(lambda: raw(address, get("/a")), lambda status: status == 200)
    forged = {
        "x-forwarded-client-cert": FORGED,
        "x-envoy-external-address": "6.6.6.6",
        "x-envoy-internal": "true",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-max-retries": "99",
        "x-envoy-decorator-operation": "forged",
        "x-envoy-original-path": "/forged",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in forged.items())
    where = urlsplit(f"//{address}")
    with socket.create_connection((where.hostname, where.port), timeout=10) as opened:
        head = f"GET /a HTTP/1.1\r\nhost: reviews.app\r\n{lines}connection: close\r\n\r\n"
        opened.sendall(head.encode())
        body = opened.makefile("rb").read().decode().partition("\r\n\r\n")[2]

    seen = json.loads(body)
    assert seen["caller"] == "spiffe://cluster.local/ns/istio-ingress/sa/ingressgateway"
    assert not [word for word in ("boss", "6.6.6.6", "forged", '"99"') if word in body]


@pytest.mark.parametrize(
    "target",
    ["/admin", "/./admin", "/x/../admin", "/%61dmin", "/x/%2e%2e/admin", "/admin?a=b",
     "http://reviews.app/admin"],
)  # fmt: skip
def test_another_spelling_of_a_denied_path_is_denied(mesh: RunningMesh, target: str) -> None:
    mesh.apply("bypass.yaml", EXPOSED + "---" + DENIED)
    address = mesh.gateway(80)
    eventually(lambda: each_time(address, get("/admin")), lambda found: found == {403})

    assert raw(address, get(target)) == 403
    assert raw(address, get("/public")) == 200


@pytest.mark.parametrize("host", ["SECRET.example.COM", "secret.example.com"])
def test_another_spelling_of_a_denied_host_is_denied(mesh: RunningMesh, host: str) -> None:
    mesh.apply("bypass.yaml", EXPOSED + "---" + DENIED)
    address = mesh.gateway(80)
    eventually(lambda: each_time(address, get("/a", host)), lambda found: found == {403})

    assert raw(address, get(f"http://{host}/a")) == 403
    assert raw(address, get("/a")) == 200


@pytest.mark.parametrize(
    "request_", [get("/admin\0"), get("/a").replace("host", "transfer-encoding: x\r\nhost")]
)
def test_requests_that_others_could_read_otherwise_are_refused(
    mesh: RunningMesh, request_: str
) -> None:
    mesh.apply("bypass.yaml", EXPOSED)
    address = mesh.gateway(80)
    eventually(lambda: raw(address, get("/a")), lambda status: status == 200)

    assert raw(address, request_) >= 400
