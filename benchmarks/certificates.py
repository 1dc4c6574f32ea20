"""How fast certificates are signed, and how soon proxies are back after the control plane was.

    .venv/bin/python -m benchmarks.certificates [--certificates 1000] [--proxies 500]

signing     1,000 requests through the whole service, from the request's bytes to the response's:
            token, policy, leaf, record on disk. Beside it the bare signature of such a leaf by the
            same library and key, in the same process: the ratio is what everything around it costs.
reconnect   500 proxies with mutual TLS and a delta stream each lose the control plane (SIGKILL) and
            come back to a new one, until the last has clusters and listeners. Beside it 500 bare
            TLS handshakes of the same kind against a server that does nothing, one after the other.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.figures import machine, middle, percentile, print_table
from lateen.base.clock import system_clock
from lateen.ca import server_certificate
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.service import CertificateService
from lateen.ca.settings import AuthoritySettings
from lateen.identity.credential import Authenticator, Peer
from lateen.identity.signing_request import IstioCertificateRequest
from lateen.identity.tokens import TokenSigner, load_or_create_key

ROUNDS = 3
NAMESPACE = "shop"
SERVICES = 20
LIMIT_SECONDS = 120.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="signing of certificates, and reconnection")
    parser.add_argument("--certificates", type=int, default=1000)
    parser.add_argument("--proxies", type=int, default=500)
    options = parser.parse_args(arguments)
    print(machine())
    with tempfile.TemporaryDirectory(prefix="lateen-bench-") as work:
        _signing(Path(work), options.certificates)
        _reconnection(Path(work), options.proxies)
    return 0


# -- signing ---------------------------------------------------------------------------------------


def _signing(work: Path, count: int) -> None:
    authority = CertificateAuthority(
        work / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=system_clock
    )
    signer = TokenSigner(load_or_create_key(work), system_clock)
    authenticator = Authenticator(("cluster.local",), signer.verifier(), system_clock)
    service = CertificateService(authority, authenticator, system_clock)
    request = IstioCertificateRequest(csr=_csr(ec.generate_private_key(ec.SECP256R1())))
    message = request.SerializeToString()
    token = signer.mint(namespace=NAMESPACE, service_account="front", ttl_seconds=3600)
    peer = Peer(authorization=f"Bearer {token}")

    async def whole() -> None:
        for _ in range(count):
            await service.create_certificate(message, peer)

    key = ec.generate_private_key(ec.SECP256R1())
    name = [x509.UniformResourceIdentifier("spiffe://cluster.local/ns/shop/sa/front")]

    def bare() -> None:
        for _ in range(count):
            authority.local.issue(key.public_key(), name, now=system_clock(), ttl_seconds=86400)

    rounds = [(_timed(lambda: asyncio.run(whole())), _timed(bare)) for _ in range(ROUNDS)]
    service_seconds, bare_seconds = (middle(each) for each in zip(*rounds, strict=True))
    ratio = middle(one / other for one, other in rounds)
    print_table(
        f"signing {count} certificates",
        ("", "seconds", "per second", "of bare"),
        [
            ("whole service", f"{service_seconds:.2f}", f"{count / service_seconds:.0f}",
             f"{ratio:.2f}"),
            ("bare signature", f"{bare_seconds:.2f}", f"{count / bare_seconds:.0f}", "1.00"),
        ],
    )  # fmt: skip


def _csr(key: ec.EllipticCurvePrivateKey) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# -- reconnection ----------------------------------------------------------------------------------


def _reconnection(work: Path, count: int) -> None:
    folder, state = work / "mesh", work / "state"
    folder.mkdir()
    (folder / "services.yaml").write_text("---".join(map(_service, range(SERVICES))))
    port = _free_port()
    rows = []
    with _control_plane(folder, state, port) as control:
        leaf = _workload_certificate(state)
        with _proxies(count, port, state, leaf) as connections:
            connections.wait(count)
            for _ in range(ROUNDS):
                control.kill()
                connections.wait_below(1)
                began = time.monotonic()
                ready = control.start()
                last = connections.wait(count)
                rows.append((ready - began, last - ready, last - began))
    floor = _handshakes(leaf, count)
    started, back, both = (middle(each) for each in zip(*rows, strict=True))
    print_table(
        f"{count} proxies after a restart of the control plane",
        ("", "seconds", "of bare handshakes"),
        [
            ("control plane started", f"{started:.2f}", ""),
            ("last proxy complete after that", f"{back:.2f}", f"{back / floor:.2f}"),
            ("both", f"{both:.2f}", ""),
            ("bare TLS handshakes", f"{floor:.2f}", "1.00"),
        ],
    )
    slowest = percentile((row[2] for row in rows), 100)
    print(f"slowest of {ROUNDS} restarts: {slowest:.2f} s")


class Control:
    """The process."""

    def __init__(self, folder: Path, state: Path, port: int) -> None:
        self._argv = [
            sys.executable, "-m", "lateen", "control", "-f", str(folder), "--state", str(state),
            "--secure-xds-address", f"127.0.0.1:{port}", "--xds-address", "",
            "--admin-address", "",
        ]  # fmt: skip
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """The moment at which its port takes connections."""
        self._process = subprocess.Popen(self._argv, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return time.monotonic()
            time.sleep(0.005)
        raise TimeoutError("the control plane does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


@contextmanager
def _control_plane(folder: Path, state: Path, port: int) -> Iterator[Control]:
    control = Control(folder, state, port)
    control.start()
    try:
        yield control
    finally:
        control.kill()


class Connections:
    """What the process of the proxies says."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._changed = threading.Condition()
        self._count, self._at = 0, 0.0
        threading.Thread(target=self._follow, daemon=True).start()

    def wait(self, count: int) -> float:
        """The moment at which so many were connected."""
        return self._wait(lambda: self._count >= count)

    def wait_below(self, count: int) -> float:
        return self._wait(lambda: self._count < count)

    def _wait(self, claim: Any) -> float:
        with self._changed:
            if not self._changed.wait_for(claim, LIMIT_SECONDS):
                raise TimeoutError(f"{self._count} proxies are connected")
            return self._at

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = json.loads(line)
            with self._changed:
                self._count, self._at = found["connected"], found["at"]
                self._changed.notify_all()


@contextmanager
def _proxies(
    count: int, port: int, state: Path, leaf: server_certificate.ServerCertificate
) -> Iterator[Connections]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.reconnecting_proxies"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "GRPC_VERBOSITY": "NONE"},
    )  # fmt: skip
    assert process.stdin is not None
    plan = {
        "address": f"127.0.0.1:{port}",
        "root": (state / "ca" / "trust-bundle.pem").read_text(),
        "chain": leaf.chain,
        "key": leaf.key,
        "proxies": count,
        "namespace": NAMESPACE,
    }
    process.stdin.write(json.dumps(plan).encode() + b"\n")
    process.stdin.flush()
    try:
        yield Connections(process)
    finally:
        process.kill()
        process.wait()


def _workload_certificate(state: Path) -> server_certificate.ServerCertificate:
    """Signed by the control plane's own root, as the service would."""
    authority = CertificateAuthority(
        state / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=system_clock
    ).local
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.UniformResourceIdentifier(f"spiffe://cluster.local/ns/{NAMESPACE}/sa/front")
    leaf = authority.issue(key.public_key(), [name], now=system_clock(), ttl_seconds=86400)
    return server_certificate.ServerCertificate(
        chain="".join(authority.chain(leaf)[:-1]),
        key=server_certificate.key_text(key),
        lifetime=server_certificate.Lifetime(0, 0),
    )


def _handshakes(leaf: server_certificate.ServerCertificate, count: int) -> float:
    """Seconds for so many mutual handshakes within this process, both ends counted."""
    folder = tempfile.mkdtemp(prefix="lateen-bench-")
    authority = CertificateAuthority(
        Path(folder) / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=system_clock
    )
    certificate = server_certificate.issue(authority.local, now=system_clock())
    server = server_certificate.server_context(authority.bundle, certificate)
    server.verify_mode = ssl.CERT_NONE
    client = ssl.create_default_context(cadata=authority.bundle)
    server_certificate.present(client, leaf)

    def handshake() -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = (
            client.wrap_bio(to_client, to_server, server_hostname="localhost"),
            server.wrap_bio(to_server, to_client, server_side=True),
        )
        for _ in range(4):
            for end in ends:
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()

    return _timed(lambda: [handshake() for _ in range(count)])


def _service(index: int) -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: service-{index}, namespace: {NAMESPACE}}}
spec:
  clusterIP: 198.19.7.{index + 1}
  ports: [{{name: http, port: 80}}]
"""


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
