"""Asks a control plane's admin interface: that of a mesh on this machine, or one that is named.

On a unix socket the user is the proof. Over loopback it is the token of the state folder; see
`--admin-token`.
"""

import argparse
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 10.0
UNIX = "unix:"
TOKEN_FILE = "admin-token"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", "--mesh", default="", help="of the mesh (default: the only one)")
    parser.add_argument(
        "--admin-address", default="", metavar="HOST:PORT|unix:PATH",
        help="admin interface of the control plane (default: that of the running mesh)",
    )  # fmt: skip
    parser.add_argument(
        "--admin-token", default="", metavar="FILE",
        help=f"the token for HOST:PORT (default: {TOKEN_FILE} of the user's state folder)",
    )  # fmt: skip


class ControlAdmin:
    """Opens a connection for each call; LateenError for any answer but 200."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self._token = token

    def json(self, path: str, method: str = "GET") -> Any:
        import http.client
        import json

        from lateen.base.errors import LateenError

        connection = self._connection()
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise LateenError(
                    f"the control plane's admin interface at {self.address} answers "
                    f"{answer.status}: {body.decode(errors='replace').strip()[:500]}"
                )
            return json.loads(body)
        except (OSError, ValueError, http.client.HTTPException) as trouble:
            raise LateenError(
                f"the control plane's admin interface at {self.address} does not answer: "
                f"{trouble}; name another with --admin-address"
            ) from trouble
        finally:
            connection.close()

    def _connection(self) -> Any:
        import http.client

        from lateen.base import unix_sockets

        if not self.address.startswith(UNIX):
            return http.client.HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)
        connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT_SECONDS)
        path = Path(self.address.removeprefix(UNIX))
        connection.sock = unix_sockets.connected(path, TIMEOUT_SECONDS)
        return connection


def of(arguments: argparse.Namespace) -> ControlAdmin:
    """The one that the arguments name, else that of the running mesh."""
    if arguments.admin_address:
        return ControlAdmin(arguments.admin_address, _token(arguments))
    return ControlAdmin(_address_of_mesh(arguments.name), "")


def _address_of_mesh(name: str) -> str:
    from lateen.local import state
    from lateen.local.errors import LocalError

    mesh = state.chosen_mesh(name)
    record = mesh.record()
    if record is None or not record.admin:
        raise LocalError(f"the control plane of the mesh {mesh.name} is not running yet")
    return record.admin


def _token(arguments: argparse.Namespace) -> str:
    """Empty when none is named and the default is not there: pages may be open, or the answer
    says what is missing."""
    from lateen.base.errors import LateenError

    if arguments.admin_address.startswith(UNIX):
        return ""
    path = Path(arguments.admin_token) if arguments.admin_token else _default_token()
    try:
        return path.read_text().strip()
    except OSError as trouble:
        if arguments.admin_token:
            raise LateenError(f"cannot read {path}: {trouble.strerror}") from trouble
        return ""


def _default_token() -> Path:
    import os

    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "lateen" / "control" / TOKEN_FILE
