"""A GET over a unix socket: how the commands ask a proxy's admin interface."""

import http.client
from pathlib import Path

from lateen.base import unix_sockets
from lateen.local.errors import LocalError

TIMEOUT_SECONDS = 10.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = unix_sockets.connected(self._path, self.timeout)


def get(path: Path, target: str) -> str:
    """The body of a 200; anything else is a LocalError."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as trouble:
        raise LocalError(f"{path}: {trouble}") from trouble
    finally:
        connection.close()
    if answer.status != 200:
        raise LocalError(f"{path}{target}: HTTP status {answer.status}")
    return body
