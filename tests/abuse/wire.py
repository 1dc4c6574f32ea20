"""Bytes that no client library would send, and what comes back."""

import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.abuse.forgery import Leaf

SECONDS = 10
MORE_SECONDS = 0.4  # how long a further answer may take after the first
MESH_PROTOCOLS = ("istio-http/1.1", "istio")


@dataclass(frozen=True)
class Reply:
    """Status 0: the connection was refused or closed without an answer."""

    status: int
    content: bytes = b""

    @property
    def answered(self) -> int:
        """How many requests the application answered: of a smuggled one there are two."""
        return self.content.count(b"HTTP/1.1 200")


def get(target: str, host: str = "reviews.app", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {target} HTTP/1.1\r\nhost: {host}\r\n{lines}connection: close\r\n\r\n".encode(
        "latin-1"
    )


def plain(address: str, request: bytes, *, port: int = 0) -> Reply:
    """`address` is HOST:PORT, or a host with `port` apart."""
    host, _, named = address.partition(":")
    try:
        with socket.create_connection((host, port or int(named)), timeout=SECONDS) as opened:
            return exchange(opened, request)
    except (ConnectionError, TimeoutError):
        return Reply(0)


def mutual(
    address: str,
    port: int,
    request: bytes,
    leaf: Leaf | None,
    *,
    protocols: tuple[str, ...] = MESH_PROTOCOLS,
    latest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Reply:
    """Over TLS with a certificate, or without one. Does not care whom it talks to."""
    try:
        with (
            socket.create_connection((address, port), timeout=SECONDS) as opened,
            context(leaf, protocols, latest) as made,
            made.wrap_socket(opened) as secured,
        ):
            return exchange(secured, request)
    except (ConnectionError, TimeoutError, ssl.SSLError):
        return Reply(0)


def exchange(opened: socket.socket, request: bytes) -> Reply:
    opened.sendall(request)
    content = b""
    try:
        while chunk := opened.recv(65536):
            content += chunk
            opened.settimeout(MORE_SECONDS)
    except (ConnectionError, TimeoutError, ssl.SSLError):
        pass  # what came until then is the answer
    line = content.split(b"\r\n", 1)[0].split()
    return Reply(int(line[1]) if len(line) > 1 and line[1].isdigit() else 0, content)


@contextmanager
def context(
    leaf: Leaf | None, protocols: tuple[str, ...], latest: ssl.TLSVersion
) -> Iterator[ssl.SSLContext]:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = latest
    if latest < ssl.TLSVersion.TLSv1_2:
        made.minimum_version = latest
        made.set_ciphers("ALL:@SECLEVEL=0")
    made.set_alpn_protocols(list(protocols))
    with tempfile.TemporaryDirectory() as folder:
        if leaf is not None:
            chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_bytes(leaf.chain)
            key.write_bytes(leaf.key)
            made.load_cert_chain(chain, key)
        yield made
