"""One set of routes for all tests of this folder."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.certificates import self_signed
from tests.mesh.gateway_api.edge import Recorder, ask, edge_ports, recording
from tests.mesh.running import RunningMesh, eventually

MANIFESTS = Path(__file__).with_name("manifests")


def text(name: str) -> str:
    return (MANIFESTS / name).read_text()


@pytest.fixture(scope="package")
def recorder(shared_mesh: RunningMesh) -> Iterator[Recorder]:
    with recording(shared_mesh.host_address, None) as found:
        yield found


@pytest.fixture(scope="package")
def strict(shared_mesh: RunningMesh, certificate: Path) -> Iterator[Recorder]:
    """Talks to those alone who show the certificate that it has itself."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with recording(shared_mesh.host_address, context) as found:
        yield found


@pytest.fixture(scope="package")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM of chain and key for secure.example."""
    file = tmp_path_factory.mktemp("secure") / "secure.pem"
    file.write_bytes(b"".join(self_signed("secure.example")))
    file.chmod(0o644)
    file.parent.chmod(0o755)
    return file


@pytest.fixture(scope="package")
def edge(
    shared_mesh: RunningMesh, recorder: Recorder, strict: Recorder, certificate: Path
) -> Iterator[RunningMesh]:
    """The shared mesh with all routes of this folder, until its last test."""
    mesh = shared_mesh
    root, mark, key = certificate.read_text().partition("-----BEGIN PRIVATE KEY")
    address, port = recorder.address
    world = (
        text("world.yaml")
        .replace("PEM_FILE", str(certificate))
        .replace("ROOT", json.dumps(root))
        .replace("KEY", json.dumps(mark + key))
        .replace("RECORDER_PORT", str(port))
        .replace("STRICT_PORT", str(strict.address[1]))
        .replace("RECORDER_ADDRESS", address)
    )
    mesh.apply("edge-world.yaml", world)
    mesh.apply("edge-routes.yaml", text("routes.yaml") + "---\n" + text("other.yaml"))
    eventually(lambda: edge_ports(mesh), lambda ports: {80, 443, 8443, 9100} <= ports)
    eventually(lambda: ask(mesh, "timeout").status_code, lambda status: status == 200)
    yield mesh
    mesh.forget([mesh.folder / "edge-routes.yaml", mesh.folder / "edge-world.yaml"])
