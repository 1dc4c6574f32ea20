"""The Gateway that these tests ask, and a server that remembers what it was asked."""

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.mesh.running import CLIENT, Answer, RunningMesh

EDGE = "edge-istio.app"


@dataclass
class Recorder:
    """A server on this machine that keeps what it was asked."""

    address: tuple[str, int] = ("", 0)
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def recording(address: str, context: ssl.SSLContext | None) -> Iterator[Recorder]:
    found = Recorder()

    class Keep(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.headers["host"], self.path))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer((address, 0), Keep)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found.address = (address, server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def edge_ports(mesh: RunningMesh) -> set[int]:
    """Ports of the Gateway that are offered on this machine, once every pod is ready."""
    done = mesh.lateen("status", "--name", mesh.name, "-o", "json", check=False)
    status = json.loads(done.stdout)[0]["status"]
    if done.returncode:
        return set()
    return {each["port"] for each in status["gateways"] if each["pod"] == EDGE}


def calls_from_here(url: str, **plan: Any) -> list[Answer]:
    """Requests sent by this machine, outside the mesh; see `requests_from_inside`."""
    done = subprocess.run(
        [sys.executable, str(CLIENT)],
        input=json.dumps({"url": url, **plan}), text=True, capture_output=True, check=True,
        timeout=60,
    )  # fmt: skip
    return [Answer(**json.loads(line)) for line in done.stdout.splitlines()]


def ask(mesh: RunningMesh, name: str, path: str = "/", **given: Any) -> httpx.Response:
    headers = {"host": f"{name}.example", **given.pop("headers", {})}
    method = given.pop("method", "GET")
    url = f"http://{mesh.gateway(80, EDGE)}{path}"
    return httpx.request(method, url, headers=headers, timeout=10, **given)
