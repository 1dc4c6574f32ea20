"""Pods without a proxy, and servers outside the mesh."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import manifests
from tests.netns.running import RunningMesh, running, wait_for

pytestmark = [pytest.mark.root, pytest.mark.envoy]

FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"


def plain(name: str) -> str:
    """An application that wants no proxy."""
    return manifests.application(name).replace(
        f"labels: {{app: {name}, ", f'labels: {{sidecar.istio.io/inject: "false", app: {name}, '
    )


@pytest.fixture(scope="module", params=["root", "userns"])
def mesh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningMesh]:
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "shop.yaml").write_text(manifests.SMALL + plain("plain"))
    with running(folder, tmp_path_factory.mktemp("state"), "--mode", request.param) as started:
        yield started


@pytest.fixture
def server() -> Iterator[str]:
    """Outside the mesh, on an address of this machine that is not loopback."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"outside {self.headers['Host']}".encode())

        def log_message(self, format: str, *args: object) -> None:
            """In silence."""

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answer) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"{own_address()}:{listening.server_port}"
        listening.shutdown()
        thread.join()


def own_address() -> str:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address would be used
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def fetched(mesh: RunningMesh, workload: str, url: str) -> str:
    return mesh.lateen("exec", workload, "--", "python3", "-c", FETCH, url).stdout


def test_plain_pod_reaches_services_by_name(mesh: RunningMesh) -> None:
    answer = fetched(mesh, "plain", "http://back:8080/")

    assert '"workload": "back"' in answer
    assert '"caller": ""' in answer


def test_application_behind_a_proxy_reaches_a_plain_pod(mesh: RunningMesh) -> None:
    assert mesh.call("http://plain:8080/")["answer"]["workload"] == "plain"


def test_plain_pod_reaches_a_server_outside(mesh: RunningMesh, server: str) -> None:
    assert fetched(mesh, "plain", f"http://{server}/").startswith("outside ")


def test_application_reaches_a_server_outside_through_its_proxy(
    mesh: RunningMesh, server: str
) -> None:
    assert fetched(mesh, "front", f"http://{server}/").startswith("outside ")


def test_service_entry_names_a_server_outside(mesh: RunningMesh, server: str) -> None:
    address, _, port = server.partition(":")
    entry: Path = mesh.folder / "entry.yaml"
    entry.write_text(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
        "metadata: {name: outside, namespace: shop}\n"
        "spec:\n  hosts: [api.outside.example]\n  location: MESH_EXTERNAL\n"
        "  resolution: STATIC\n  addresses: [240.1.2.3]\n"
        f"  ports: [{{number: {port}, name: http, protocol: HTTP}}]\n"
        f"  endpoints: [{{address: {address}}}]\n"
    )
    url = f"http://api.outside.example:{port}/"
    answer = wait_for(
        lambda: mesh.call(url).get("answer", ""), "an answer from outside", mesh.explain
    )
    assert answer == f"outside api.outside.example:{port}"
