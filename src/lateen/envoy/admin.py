"""Client of an Envoy's admin interface, over TCP or a unix socket.

    admin.connect("127.0.0.1:15000").config_dump()
    admin.connect("/run/lateen/pod/admin.sock").clusters()

Answers are bounded, since a dump of a large proxy has tens of megabytes and a wrong address may
answer without end. Calls block; from a loop use `asyncio.to_thread`.
"""

import http.client
import json
import re
import socket
from typing import Any
from urllib.parse import quote

from lateen.base.errors import LateenError

TIMEOUT_SECONDS = 10.0
MAX_BYTES = 512 * 1024 * 1024
CHUNK = 1 << 20
HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:]+)\]|(?P<host>[^:/\[\]]*)):(?P<port>[0-9]+)")


class AdminError(LateenError):
    """Envoy did not answer, or said no."""


class Admin:
    """One admin interface. Opens a connection for each call."""

    def __init__(self, address: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.address = address
        self._timeout = timeout_seconds

    def config_dump(self, *, with_endpoints: bool = True) -> dict[str, Any]:
        query = "?include_eds" if with_endpoints else ""
        return self._object("GET", f"/config_dump{query}")

    def clusters(self) -> dict[str, Any]:
        """Endpoints with their health and statistics: `cluster_statuses`."""
        return self._object("GET", "/clusters?format=json")

    def listeners(self) -> dict[str, Any]:
        return self._object("GET", "/listeners?format=json")

    def certificates(self) -> dict[str, Any]:
        return self._object("GET", "/certs")

    def server_info(self) -> dict[str, Any]:
        return self._object("GET", "/server_info")

    def statistics(self, *, pattern: str = "", used_only: bool = True) -> str:
        """Text, one `name: value` a line; `pattern` is a regular expression."""
        query = [f"filter={quote(pattern)}"] if pattern else []
        if used_only:
            query.append("usedonly")
        return self.text("GET", "/stats?" + "&".join(query))

    def ready(self) -> bool:
        try:
            return self.text("GET", "/ready").strip() == "LIVE"
        except AdminError:
            return False

    def log_levels(self) -> dict[str, str]:
        return _levels(self.text("POST", "/logging"))

    def set_log_level(self, level: str, logger: str = "") -> dict[str, str]:
        """Of one logger, or of all; returns the levels now in force."""
        return _levels(self.text("POST", f"/logging?{logger or 'level'}={level}"))

    def text(self, method: str, path: str) -> str:
        return self.call(method, path).decode(errors="replace")

    def call(self, method: str, path: str) -> bytes:
        connection = _connection(self.address, self._timeout)
        try:
            connection.request(method, path, headers={"Connection": "close"})
            answer = connection.getresponse()
            body = _bounded(answer)
        except (OSError, http.client.HTTPException) as trouble:
            raise AdminError(f"Envoy's admin at {self.address} does not answer: {trouble}") from (
                trouble
            )
        finally:
            connection.close()
        if answer.status >= 300:
            said = body[:200].decode(errors="replace").strip()
            raise AdminError(f"Envoy's admin at {self.address}: {answer.status} {path}: {said}")
        return body

    def _object(self, method: str, path: str) -> dict[str, Any]:
        try:
            found = json.loads(self.call(method, path))
        except ValueError as trouble:
            raise AdminError(f"{self.address}{path} is not JSON: {trouble}") from trouble
        return found if isinstance(found, dict) else {}


def connect(address: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Admin:
    """`host:port`, `[::1]:port` or the path of a unix socket."""
    if "/" not in address and not HOST_AND_PORT.fullmatch(address):
        raise AdminError(f'"{address}" is not HOST:PORT and not the path of a socket')
    return Admin(address, timeout_seconds=timeout_seconds)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(address: str, timeout: float) -> http.client.HTTPConnection:
    found = HOST_AND_PORT.fullmatch(address)
    if found is None:
        return _UnixConnection(address, timeout)
    host = found["v6"] or found["host"] or "127.0.0.1"
    return http.client.HTTPConnection(host, int(found["port"]), timeout=timeout)


def _bounded(answer: http.client.HTTPResponse) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := answer.read(CHUNK):
        size += len(piece)
        if size > MAX_BYTES:
            raise AdminError(f"the answer has more than {MAX_BYTES} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _levels(text: str) -> dict[str, str]:
    """`  name: level` lines after a heading."""
    pairs = (line.strip().partition(": ") for line in text.splitlines())
    return {name: level for name, separator, level in pairs if separator}
