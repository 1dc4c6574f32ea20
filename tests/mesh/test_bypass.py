"""Ways around the mesh that must not lead anywhere, in each mode; `tests/abuse` has many more."""

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
FORGED = "By=spiffe://cluster.local/ns/app/sa/reviews;URI=spiffe://cluster.local/ns/app/sa/boss"
URL = "http://reviews.app"
LEGACY = "legacy.app"


def pod_url(mesh: RunningMesh, port: int, path: str = "/a") -> str:
    return f"http://{mesh.pods('reviews-v1')[0]['address']}:{port}{path}"


def is_refused(answer: Answer) -> bool:
    return bool(answer.error)


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
