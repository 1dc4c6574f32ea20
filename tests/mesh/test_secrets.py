"""No private key of a running mesh is anywhere but where it has to be."""

import base64
import json
import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lateen.local.unix_http import get
from tests.mesh.certificates import self_signed
from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

MANIFESTS = Path(__file__).with_name("manifests")
GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: secure, namespace: istio-ingress}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    tls: {mode: SIMPLE, credentialName: edge}
    hosts: ["*"]
"""


@pytest.fixture(scope="module")
def mesh() -> Iterator[RunningMesh]:
    work = Path(tempfile.mkdtemp(prefix="lateen-secrets-"))
    folder = work / "manifests"
    shutil.copytree(MANIFESTS, folder)
    (folder / "secure.yaml").write_text(GATEWAY)
    (folder / "lateen.yaml").write_text("secrets: ../certificates\n")
    mesh = RunningMesh(folder, work / "state", f"s{os.getpid()}", "root")
    try:
        put(work / "certificates", "first.example")
        mesh.up()
        yield mesh
    finally:
        mesh.clean()
        shutil.rmtree(work, ignore_errors=True)


def put(folder: Path, name: str) -> bytes:
    """A new certificate and key; returns the key."""
    certificate, key = self_signed(name)
    place = folder / "istio-ingress" / "edge"
    place.mkdir(parents=True, exist_ok=True)
    for file, content in (("tls.key", key), ("tls.crt", certificate)):
        half = place / f".{file}"
        half.write_bytes(content)
        half.chmod(0o600)
        half.rename(place / file)
    return key


def shown(mesh: RunningMesh) -> bytes:
    host, _, port = mesh.gateway(443).rpartition(":")
    try:
        return ssl.get_server_certificate((host, int(port)), timeout=2).encode()
    except (OSError, TimeoutError):
        return b""


def name_of(certificate: bytes) -> str:
    if not certificate:
        return ""
    return x509.load_pem_x509_certificate(certificate).subject.rfc4514_string()


def forms(key: bytes) -> list[bytes]:
    """The key as PEM, DER and base64, and a piece from its middle in each: any of them gives it
    away."""
    der = serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    body = b"".join(key.splitlines()[1:-1])
    return [body[40:104], der[40:90], base64.b64encode(key)[60:120], key.splitlines()[2]]


def test_the_certificate_of_a_folder_is_served_and_follows_it(mesh: RunningMesh) -> None:
    eventually(lambda: name_of(shown(mesh)), lambda name: name == "CN=first.example")
    put(mesh.folder.parent / "certificates", "second.example")
    eventually(lambda: name_of(shown(mesh)), lambda name: name == "CN=second.example")


def test_the_key_is_in_no_file_log_argument_environment_or_dump(mesh: RunningMesh) -> None:
    key = put(mesh.folder.parent / "certificates", "third.example")
    eventually(lambda: name_of(shown(mesh)), lambda name: name == "CN=third.example")
    pieces = forms(key)
    places: dict[str, bytes] = {}
    for path in mesh.state.rglob("*"):
        if path.is_file() and not path.is_symlink():
            places[str(path)] = path.read_bytes()
    processes = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
    for process in processes:
        for name in ("cmdline", "environ"):
            try:
                places[f"{process}/{name}"] = (process / name).read_bytes()
            except OSError:
                continue  # it has ended meanwhile
    gateway = next(pod for pod in mesh.pods() if "ingress" in pod["workload"])
    pod = f"{gateway['name']}.{gateway['namespace']}"
    for words in (
        ("proxy-config", "all", pod, "-o", "json"),
        ("proxy-config", "secret", pod, "-o", "json"),
        ("audit", "-o", "json"),
        ("logs", "control"),
        ("logs", pod, "--proxy"),
        ("logs", pod, "--agent"),
    ):
        done = mesh.lateen(*words, check=False)
        places[" ".join(words)] = (done.stdout + done.stderr).encode()
    for page in ("/debug/syncz", "/debug/registryz", "/debug/push_status", "/metrics",
                 f"/debug/config_dump?proxyID={pod}"):  # fmt: skip
        places[page] = admin_page(mesh, page)
    assert b"SecretsConfigDump" in places[f"/debug/config_dump?proxyID={pod}"]
    assert "third.example" not in json.dumps(sorted(places))
    found = [place for place, content in places.items() if any(p in content for p in pieces)]
    assert found == []


def admin_page(mesh: RunningMesh, page: str) -> bytes:
    return get(Path(str(mesh.record()["admin"]).removeprefix("unix:")), page).encode()


def test_files_with_secrets_are_for_their_owner_alone(mesh: RunningMesh) -> None:
    control = mesh.state / mesh.name / "control"
    wrong = [
        f"{path} {path.stat().st_mode:o}"
        for path in (control, *control.rglob("*"))
        if path.stat().st_mode & 0o077
    ]
    assert wrong == []
    tokens = list((mesh.state / mesh.name / "pods").glob("*/token"))
    assert tokens
    assert [path for path in tokens if path.stat().st_mode & 0o077] == []


def test_an_application_beside_the_gateway_gets_no_secret_of_its_namespace(
    mesh: RunningMesh,
) -> None:
    lines = mesh.lateen("audit", "--action", "secret", "-o", "json").stdout.splitlines()
    told = [json.loads(line) for line in lines]
    to = {line["actor"] for line in told if line["decision"] == "accepted"}
    assert len(to) == 1
    assert all("/ns/istio-ingress/sa/" in actor for actor in to)
