"""Certificates of seconds' life, and all that may happen to whoever signs them, under traffic whose
every request shakes hands anew."""

import asyncio
import json
import os
import signal
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.agent import http1
from lateen.agent.address import Address
from lateen.ca import server_certificate
from lateen.ca.authority import Authority
from lateen.ca.trusted_roots import root_id
from tests.abuse import wire
from tests.abuse.forgery import Leaf
from tests.mesh.running import Answer, RunningMesh, eventually, lost
from tests.plugged_in_authority import Company

pytestmark = [pytest.mark.envoy, pytest.mark.root]

RATE = 200  # requests a second
LIFE_SECONDS = 8
URL = "http://server.app/"
STEP_SECONDS = 30
LONGEST_SECONDS = 90
LEAST = 5 * RATE  # requests, however soon the work is done
MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: app, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: app}
spec:
  selector: {app: server}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: server, namespace: app}
spec:
  host: server
  trafficPolicy:
    connectionPool: {http: {maxRequestsPerConnection: 1}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
"""
CONFIGURATION = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data:
  mesh: |
    defaultConfig:
      proxyMetadata: {{SECRET_TTL: {LIFE_SECONDS}s}}
"""
FRIENDS = """\
    trustDomainAliases: [friend.org]
    caCertificates:
    - trustDomains: [friend.org]
      pem: |
"""
WORKLOAD = """
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: app}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: app}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      serviceAccountName: {name}
      containers: [{{name: {name}, image: lateen/echo, command: [lateen, echo, --http=8080]}}]
"""


@pytest.fixture(scope="module")
def hasty() -> Iterator[RunningMesh]:
    """A mesh of its own, whose every certificate lives for seconds."""
    with tempfile.TemporaryDirectory(prefix="lateen-hasty-") as work:
        folder = Path(work, "manifests")
        folder.mkdir()
        workloads = (WORKLOAD.format(name=name) for name in ("client", "server"))
        (folder / "all.yaml").write_text(MANIFESTS + "".join(workloads))
        (folder / "configuration.yaml").write_text(CONFIGURATION)
        mesh = RunningMesh(folder, Path(work, "state"), f"t{os.getpid()}-hasty", "root")
        try:
            mesh.up()
            yield mesh
        finally:
            mesh.clean()


def traffic_while(mesh: RunningMesh, work: Callable[[], None]) -> list[Answer]:
    """The answers to requests at a steady rate, for as long as the work takes."""
    with (
        tempfile.TemporaryDirectory(prefix="lateen-signals-") as signals,
        ThreadPoolExecutor(1) as pool,
    ):
        requests = pool.submit(
            mesh.calls, "client.app", URL, rate=RATE, seconds=LONGEST_SECONDS, concurrency=64,
            signals=signals, least=LEAST,
        )  # fmt: skip
        try:
            eventually(lambda: Path(signals, "begun").exists() or requests.done(), bool)
            work()
        finally:
            Path(signals, "done").touch()
        answers = requests.result()
    assert len(answers) >= LEAST
    return answers


def serial(mesh: RunningMesh) -> int:
    """Of the certificate that the server's proxy presents at this moment."""
    (pod,) = mesh.pods("server")
    page = asyncio.run(http1.fetch(Address(path=pod["admin"]), "/certs", timeout=5)).body
    chains = [entry["cert_chain"] for entry in json.loads(page)["certificates"]]
    return int(next(found for found in chains if found)[0]["serial_number"], 16)


def issuer(mesh: RunningMesh, wanted: int) -> str:
    """Which certificate signed a leaf, by the authority's record."""
    lines = (mesh.state / mesh.name / "control" / "ca" / "issued.jsonl").read_text().splitlines()
    known = {int(leaf["serial"], 16): str(leaf["issuer"]) for leaf in map(json.loads, lines)}
    return known.get(wanted, "")


def status(mesh: RunningMesh) -> Any:
    return json.loads(mesh.lateen("ca", "status", "--mesh", mesh.name, "-o", "json").stdout)


def step(mesh: RunningMesh, *words: str) -> Any:
    """Carries out a stage as soon as it is not refused any more."""
    done = eventually(
        lambda: mesh.lateen("ca", "rotate", *words, "--mesh", mesh.name, "-o", "json", check=False),
        lambda done: done.returncode == 0,
        seconds=STEP_SECONDS,
    )
    return json.loads(done.stdout)


def test_a_root_changes_in_three_stages_and_no_request_is_lost(hasty: RunningMesh) -> None:
    (before,) = status(hasty)["roots"]
    found: list[Any] = []

    def rotate() -> None:
        added = step(hasty, "add")
        found.append(step(hasty, "switch"))
        found.append(step(hasty, "remove", before["id"]))
        assert found[0]["root"] == added["root"]

    answers = traffic_while(hasty, rotate)

    assert not lost(answers)
    (after,) = status(hasty)["roots"]
    assert after["id"] == found[0]["root"] != before["id"]
    assert found[1]["root"] == before["id"]


def test_leaves_are_renewed_and_no_request_is_lost_without_control_plane(
    hasty: RunningMesh,
) -> None:
    first = serial(hasty)

    def kill() -> None:
        renewed = eventually(lambda: serial(hasty), lambda found: found != first)
        os.kill(hasty.record()["control"]["pid"], signal.SIGKILL)
        eventually(lambda: status_code(hasty), lambda code: code == 0)
        held = serial(hasty)
        eventually(lambda: serial(hasty), lambda found: found not in (renewed, held))

    answers = traffic_while(hasty, kill)

    assert not lost(answers)


def test_an_evicted_workload_is_refused_before_its_certificate_ends(hasty: RunningMesh) -> None:
    hasty.lateen("ca", "evict", "app/client", "--mesh", hasty.name)
    began = time.monotonic()
    eventually(
        lambda: hasty.calls("client.app", URL, count=4),
        lambda answers: len(lost(answers)) == 4,
        seconds=LIFE_SECONDS / 4,  # certificates are renewed at half their life
    )
    assert time.monotonic() - began < LIFE_SECONDS / 2
    assert status(hasty)["evicted"].keys() == {"spiffe://cluster.local/ns/app/sa/client"}

    hasty.lateen("ca", "readmit", "app/client", "--mesh", hasty.name)
    eventually(lambda: hasty.calls("client.app", URL, count=4), lambda answers: not lost(answers))


def test_a_friendly_trust_domain_comes_and_goes_and_no_request_is_lost(hasty: RunningMesh) -> None:
    friend = Company(now=time.time()).authority()
    (server,) = hasty.pods("server")

    def answer(identity: str) -> int:
        return wire.mutual(server["address"], 8080, wire.get("/"), leaf(friend, identity)).status

    def befriend() -> None:
        root = textwrap.indent(friend.root_bundle, " " * 8)
        hasty.apply("configuration.yaml", CONFIGURATION + FRIENDS + root)
        eventually(lambda: answer("spiffe://friend.org/ns/a/sa/b"), lambda status: status == 200)
        assert answer("spiffe://cluster.local/ns/app/sa/client") == 0
        hasty.apply("configuration.yaml", CONFIGURATION)
        eventually(lambda: answer("spiffe://friend.org/ns/a/sa/b"), lambda status: status == 0)

    assert answer("spiffe://friend.org/ns/a/sa/b") == 0
    answers = traffic_while(hasty, befriend)

    assert not lost(answers)


def leaf(authority: Authority, identity: str) -> Leaf:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.UniformResourceIdentifier(identity)
    signed = authority.issue(key.public_key(), [name], now=time.time(), ttl_seconds=600)
    chain = "".join(authority.chain(signed)[:-1])
    return Leaf(chain.encode(), server_certificate.key_text(key).encode())


def test_plugged_in_authorities_come_and_change_and_no_request_is_lost(hasty: RunningMesh) -> None:
    company = Company(now=time.time())
    folder = hasty.state / hasty.name / "control" / "ca"

    def signed_by(certificate: x509.Certificate) -> None:
        eventually(
            lambda: issuer(hasty, serial(hasty)),
            lambda found: found == root_id(certificate),
            seconds=STEP_SECONDS,
        )

    def plug_in() -> None:
        first = company.plug_in(folder)
        signed_by(first)
        second = company.plug_in(folder)
        signed_by(second)
        (folder / "ca-key.pem").write_text("half writ")
        eventually(lambda: status_code(hasty), lambda code: code == 1)

    answers = traffic_while(hasty, plug_in)

    assert not lost(answers)


def status_code(mesh: RunningMesh) -> int:
    """1 when what is offered is not in force."""
    return mesh.lateen("ca", "status", "--mesh", mesh.name, check=False).returncode
