"""Who may talk to whom: mutual TLS as the applications and the wire saw it."""

import pytest

from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: app}
spec: {mtls: {mode: STRICT}}
"""


def pod_address(mesh: RunningMesh, workload: str) -> str:
    return str(mesh.pods(workload)[0]["address"])


def test_plaintext_is_served_while_the_port_is_permissive(mesh: RunningMesh) -> None:
    answer = mesh.call("legacy.app", f"http://{pod_address(mesh, 'reviews-v1')}:8080/permissive")

    assert answer.status == 200
    assert answer.seen["caller"] == ""


def test_plaintext_to_a_strict_port_never_reaches_the_application(mesh: RunningMesh) -> None:
    mesh.apply("strict.yaml", STRICT)
    address = pod_address(mesh, "reviews-v1")
    url = f"http://{address}:8080/refused-when-strict"

    refused = eventually(lambda: mesh.call("legacy.app", url), lambda a: bool(a.error))

    assert refused.status == 0
    before = mesh.lateen("logs", "--name", mesh.name, "reviews-v1.app").stdout.count("refused-when")
    for _ in range(5):
        assert mesh.call("legacy.app", url).error
    after = mesh.lateen("logs", "--name", mesh.name, "reviews-v1.app").stdout.count("refused-when")
    assert after == before
    assert mesh.call("client.app", "http://reviews.app/").seen["caller"].endswith("/sa/client")


def test_without_mutual_tls_there_is_no_peer_identity(mesh: RunningMesh) -> None:
    mesh.apply("disabled.yaml", STRICT.replace("STRICT", "DISABLE"))

    answer = eventually(
        lambda: mesh.call("client.app", "http://reviews.app/"),
        lambda a: a.status == 200 and a.seen["caller"] == "",
    )

    assert answer.status == 200
