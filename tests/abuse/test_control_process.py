"""A control plane as a process of its own: join tokens, admin interface and trail, from outside."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.base.clock import system_clock
from lateen.ca.certificate_authority import BUNDLE
from lateen.identity.signing_request import (
    METHOD,
    IstioCertificateRequest,
    IstioCertificateResponse,
)
from lateen.identity.tokens import TokenSigner, load_or_create_key

LATEEN = [sys.executable, "-m", "lateen"]
SECONDS = 20
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"


@dataclass
class Process:
    folder: Path
    admin: str
    secure: str
    child: "subprocess.Popen[bytes]"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def lateen(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*LATEEN, *words], capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def token(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return self.lateen(
            "token", "create", "--admin-address", self.admin,
            "--admin-token", str(self.state / "admin-token"), *words,
        )  # fmt: skip

    def audit(self, *words: str) -> list[dict[str, Any]]:
        """Of the running process; its lines are in the file a moment later."""
        done = self.lateen("audit", "--folder", str(self.state / "audit"), "-o", "json", *words)
        return [json.loads(line) for line in done.stdout.splitlines()]


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


@contextmanager
def control(folder: Path, *words: str, admin: str = "") -> Iterator[Process]:
    (folder / "mesh").mkdir(exist_ok=True)
    (folder / "mesh" / "namespace.yaml").write_text(NAMESPACE)
    admin = admin or f"127.0.0.1:{free_port()}"
    secure = f"127.0.0.1:{free_port()}"
    with open(folder / "log", "ab") as log:
        child = subprocess.Popen(
            [*LATEEN, "control", "-f", str(folder / "mesh"), "--state", str(folder / "state"),
             "--xds-address", "", "--secure-xds-address", secure, "--admin-address", admin,
             "--log-level", "info", *words],
            stderr=log,
        )  # fmt: skip
    try:
        made = Process(folder, admin, secure, child)
        deadline = time.monotonic() + SECONDS
        while not is_open(int(secure.rpartition(":")[2])):
            assert child.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
        yield made
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        child.wait(SECONDS)


def is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def certificate(process: Process, bearer: str) -> tuple[bytes, list[str]]:
    """A key and the chain that the token buys."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = csr.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    request = IstioCertificateRequest(csr=signed.decode(), validity_duration=600)
    credentials = grpc.ssl_channel_credentials(root(process))
    with grpc.secure_channel(process.secure, credentials) as opened:
        answer = opened.unary_unary(METHOD)(
            request.SerializeToString(),
            metadata=[("authorization", f"Bearer {bearer}")],
            timeout=SECONDS,
        )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, list(IstioCertificateResponse.FromString(answer).cert_chain)


def root(process: Process) -> bytes:
    return (process.state / "ca" / BUNDLE).read_bytes()


def refusal(process: Process, bearer: str) -> str:
    with pytest.raises(grpc.RpcError) as refused:
        certificate(process, bearer)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    return str(refused.value.details())


def status(address: str, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    connection.putrequest("GET", path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    found = connection.getresponse().status
    connection.close()
    return found


def test_a_join_token_works_once_even_when_the_process_was_killed_in_between(
    tmp_path: Path,
) -> None:
    with control(tmp_path) as process:
        made = process.token("-n", "shop", "--service-account", "cart", "--app", "cart")
        bearer = made.stdout.strip()
        _, chain = certificate(process, bearer)
        leaf = x509.load_pem_x509_certificate(chain[0].encode())
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [
            "spiffe://cluster.local/ns/shop/sa/cart"
        ]
        assert "app=cart" in names.get_values_for_type(x509.DNSName)
        os.kill(process.child.pid, signal.SIGKILL)
        process.child.wait(SECONDS)
    with control(tmp_path) as process:
        assert refusal(process, bearer) == "the join token was used before"
    found = process.audit("--decision", "refused", "--object", "certificate")
    assert [line["reason"] for line in found] == ["the join token was used before"]
    done = process.lateen("audit", "verify", "--folder", str(process.state / "audit"))
    assert (done.returncode, "are whole" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-n", "../x", "--service-account", "a"), "not a service account"),
        (("-n", "shop", "--service-account", "a", "--ttl", "25h"), "lives up to"),
        (("-n", "shop", "--service-account", "a", "--ttl", "never"), "write 30s, 15m or 2h"),
        (("-n", "shop", "--service-account", "a", "--app", "x=y\nz"), "cannot be the app"),
    ],
)
def test_join_tokens_that_must_not_be_made_are_not(
    tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    with control(tmp_path) as process:
        done = process.token(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr


def test_a_page_of_a_browser_and_a_user_without_the_token_learn_nothing(tmp_path: Path) -> None:
    with control(tmp_path) as process:
        bearer = f"Bearer {(process.state / 'admin-token').read_text()}"
        admin = process.admin
        assert status(admin, "/debug/syncz", authorization=bearer) == 200
        assert status(admin, "/debug/syncz") == 401
        assert status(admin, "/debug/syncz", authorization="Bearer x") == 401
        assert status(admin, "/debug/syncz", host="evil.example", authorization=bearer) == 403
        assert status(admin, "/ready", host="evil.example:80") == 403
        assert status(admin, "/metrics", origin="http://evil.example") == 403
        assert status(admin, "/ready") == 200
    lines = process.audit("--action", "admin")
    assert [line["decision"] for line in lines] == ["accepted"] + ["refused"] * 5
    assert bearer.split()[1] not in json.dumps(lines)


def test_beyond_loopback_the_admin_interface_takes_certificates_of_named_identities(
    tmp_path: Path,
) -> None:
    port = free_port()
    words = ("--admin-identity", "ops/*")
    with control(tmp_path, *words, admin=f"0.0.0.0:{port}") as process:
        signer = TokenSigner(load_or_create_key(process.state), system_clock)
        found = {}
        for namespace in ("ops", "shop", ""):
            shown = None
            if namespace:
                bearer = signer.mint(namespace=namespace, service_account="monitor", ttl_seconds=60)
                shown = certificate(process, bearer)
            found[namespace] = by_tls(process, port, shown)
        with pytest.raises((http.client.HTTPException, OSError)):
            status(f"127.0.0.1:{port}", "/ready")
    assert found == {"ops": 200, "shop": 403, "": 401}


def by_tls(process: Process, port: int, shown: tuple[bytes, list[str]] | None) -> int:
    context = ssl.create_default_context(cadata=root(process).decode())
    if shown is not None:
        file = process.folder / "client.pem"
        file.write_bytes(shown[0] + "".join(shown[1][:-1]).encode())
        context.load_cert_chain(file)
    connection = http.client.HTTPSConnection("localhost", port, timeout=SECONDS, context=context)
    connection.request("GET", "/debug/syncz")
    answer = connection.getresponse().status
    connection.close()
    return answer


def test_a_falsified_trail_is_named_by_file_and_line(tmp_path: Path) -> None:
    key = tmp_path / "audit.key"
    key.write_text("0123456789abcdef0123456789abcdef")
    key.chmod(0o600)
    with control(tmp_path, "--audit-key", str(key)) as process:
        refusal(process, "a.b.c")
    trail = process.state / "audit" / "audit.jsonl"
    verify = ("audit", "verify", "--folder", str(trail.parent), "--key", str(key))
    assert process.lateen(*verify).returncode == 0
    assert process.lateen(*verify[:-2]).returncode == 1  # without the key
    text = trail.read_text()
    line = 1 + next(i for i, one in enumerate(text.splitlines()) if "refused" in one)
    trail.write_text(text.replace('"refused"', '"accepted"'))
    done = process.lateen(*verify)
    assert done.returncode == 1
    assert f"audit.jsonl:{line}: the line was changed" in done.stderr


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "audit.key"
    key.write_text("0123456789abcdef0123456789abcdef")
    key.chmod(0o644)
    done = subprocess.run(
        [*LATEEN, "control", "-f", str(tmp_path), "--audit", str(tmp_path / "audit"),
         "--audit-key", str(key), "--state", str(tmp_path / "state")],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "can be read by others; chmod 600 it" in done.stderr


def test_two_control_planes_do_not_write_one_trail(tmp_path: Path) -> None:
    with control(tmp_path) as process:
        done = subprocess.run(
            [*LATEEN, "control", "-f", str(tmp_path / "mesh"), "--state", str(process.state),
             "--xds-address", "", "--admin-address", "", "--secure-xds-address", "127.0.0.1:0"],
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "another process writes the audit trail" in done.stderr
