"""NetworkPolicies in force: who reaches a pod at all, by address and port."""

from collections.abc import Iterator

import pytest

from tests.netns import manifests
from tests.netns.running import RunningMesh, running, wait_for

pytestmark = [pytest.mark.root, pytest.mark.envoy]

ONLY_FRONT = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: back, namespace: shop}
spec:
  selector: {matchLabels: {app: back}}
  rules:
  - from: [{source: {principals: [cluster.local/ns/shop/sa/front]}}]
    to: [{operation: {ports: ["8080"]}}]
"""
NOTHING_BUT_BACK = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: front-out, namespace: shop}
spec:
  podSelector: {matchLabels: {app: front}}
  policyTypes: [Egress]
  egress:
  - to: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [back]}]}}]
    ports: [{port: 8000, endPort: 8100}]
"""
ASK = """\
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1) as opened:
        opened.sendall(b"GET / HTTP/1.1\\r\\nhost: back\\r\\n\\r\\n")
        opened.recv(1)
        print("answered")
except TimeoutError:
    print("dropped")
"""


@pytest.fixture(scope="module", params=["root", "userns"])
def mesh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningMesh]:
    folder = tmp_path_factory.mktemp("manifests")
    stranger = manifests.application("stranger").replace(
        "labels: {app: stranger, ",
        'labels: {sidecar.istio.io/inject: "false", app: stranger, ',
    )
    (folder / "shop.yaml").write_text(manifests.SMALL + stranger)
    with running(folder, tmp_path_factory.mktemp("state"), "--mode", request.param) as started:
        yield started


def reached(mesh: RunningMesh, caller: str, port: int) -> str:
    """What becomes of a request to the address of `back` itself."""
    address = mesh.pod("back").address
    return mesh.lateen(
        "exec", "--name", "m", caller, "--", "python3", "-c", ASK, address, str(port)
    ).stdout.strip()


def test_what_the_mesh_refuses_by_source_and_port_does_not_reach_the_pod(
    mesh: RunningMesh,
) -> None:
    assert reached(mesh, "stranger", 8080) == "answered"
    mesh.write("policy.yaml", ONLY_FRONT)
    made = mesh.lateen("generate", "network-policy", "-f", str(mesh.folder)).stdout
    mesh.write("network.yaml", made)

    wait_for(lambda: reached(mesh, "stranger", 8080) == "dropped", "the stranger shut out")
    assert reached(mesh, "stranger", 9000) == "dropped"
    assert reached(mesh, "stranger", 15021) == "answered"
    assert mesh.call("http://back:8080/")["status"] == 200

    (mesh.folder / "network.yaml").unlink()
    wait_for(lambda: reached(mesh, "stranger", 8080) == "answered", "the fence taken away")
    (mesh.folder / "policy.yaml").unlink()


def test_a_pod_reaches_only_what_its_egress_rules_name(mesh: RunningMesh) -> None:
    mesh.write("egress.yaml", NOTHING_BUT_BACK)

    wait_for(lambda: reached(mesh, "front", 9000) == "dropped", "other ports of back shut")
    assert mesh.call("http://back:8080/")["status"] == 200
    (mesh.folder / "egress.yaml").unlink()


def test_a_new_pod_finds_its_fence_already_there(mesh: RunningMesh) -> None:
    mesh.write("policy.yaml", ONLY_FRONT)
    mesh.write(
        "network.yaml",
        mesh.lateen("generate", "network-policy", "-f", str(mesh.folder)).stdout,
    )
    wait_for(lambda: reached(mesh, "stranger", 8080) == "dropped", "the stranger shut out")
    old = mesh.pod("back").name
    shop = (mesh.folder / "shop.yaml").read_text()

    mesh.write("shop.yaml", shop + manifests.application("late"))
    wait_for(lambda: bool(mesh.pods("late")) and mesh.pod("late").ready, "the new pod")

    assert mesh.pod("back").name == old
    assert reached(mesh, "stranger", 8080) == "dropped"
    assert mesh.call("http://back:8080/")["status"] == 200
