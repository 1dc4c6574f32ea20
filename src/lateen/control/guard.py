"""Who may ask the admin interface, and for what.

    unix socket   its owner and root: the file's mode, and the kernel's word on who connects
    loopback      pages for machines (`/ready`, `/metrics`, `/version`): everybody on this machine
                  all others: who shows the token of the state folder, which its owner alone reads
    any other     TLS, with a certificate of the mesh whose identity the settings name

A browser on this machine is no way in: a request by another name than the interface's own (DNS
rebinding) or out of a page (`Origin`) is refused before anything else is looked at.
"""

import hmac
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lateen.base import unix_sockets
from lateen.base.private_files import create_private, private_folder
from lateen.identity.credential import from_certificate
from lateen.identity.errors import IdentityError
from lateen.xds.transport.listener import ListenError

TOKEN_FILE = "admin-token"  # below the control plane's state
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Caller:
    """`refusal` is empty when the caller may ask."""

    actor: str = ""
    proof: str = ""
    refusal: str = ""
    status: int = 401


@dataclass(frozen=True, slots=True)
class Connection:
    """What is known before the request: one of the three ways in."""

    socket: Any = None  # of a unix socket
    tls: ssl.SSLObject | None = None
    is_unix: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    token: str = field(default="", repr=False)
    user: int = 0  # who may use the unix socket besides root
    identities: tuple[str, ...] = ()  # NAMESPACE/ACCOUNT with `*`, for callers by TLS
    host: str = ""  # a further name of the interface

    def caller(
        self, connection: Connection, headers: Mapping[str, str], *, is_open: bool
    ) -> Caller:
        if "origin" in headers:
            return Caller(refusal="pages of a browser are not served", status=403)
        if connection.is_unix:
            return self._by_user(connection.socket)
        if connection.tls is not None:
            return self._by_certificate(connection.tls)
        host = _name(headers.get("host", ""))
        if not host or host not in (*LOOPBACK_NAMES, self.host):
            return Caller(refusal=f"the host {host[:100]!r} is not served", status=403)
        return self._by_token(headers.get("authorization", ""), is_open=is_open)

    def _by_user(self, socket: Any) -> Caller:
        uid, pid = unix_sockets.caller(socket)
        proof = f"unix uid={uid} pid={pid}"
        if uid in (0, self.user):
            return Caller(f"uid {uid}", proof)
        return Caller(proof=proof, refusal="the socket is for its owner", status=403)

    def _by_certificate(self, tls: ssl.SSLObject) -> Caller:
        shown = tls.getpeercert(binary_form=True)
        if not shown:
            return Caller(refusal="a client certificate of the mesh is needed")
        try:
            identity = from_certificate(shown).identity
        except IdentityError as wrong:
            return Caller(refusal=str(wrong))
        name = f"{identity.namespace}/{identity.service_account}"
        if any(fnmatchcase(name, pattern) for pattern in self.identities):
            return Caller(str(identity), "certificate")
        refusal = f"{identity} may not use the admin interface"
        return Caller(str(identity), "certificate", refusal, 403)

    def _by_token(self, authorization: str, *, is_open: bool) -> Caller:
        scheme, _, shown = authorization.partition(" ")
        is_shown = scheme.lower() == "bearer" and bool(self.token)
        if is_shown and hmac.compare_digest(shown.strip().encode(), self.token.encode()):
            return Caller("admin", "admin token")
        if is_open and not authorization:
            return Caller(proof="none: open to this machine")
        return Caller(refusal=f"the token is needed that {TOKEN_FILE} in the state folder holds")


def load_or_create_token(state: Path) -> str:
    """ListenError when the state folder cannot be written."""
    path = state / TOKEN_FILE
    try:
        private_folder(state)
        create_private(path, secrets.token_urlsafe(32).encode())
        return path.read_text().strip()
    except OSError as trouble:
        raise ListenError(f"cannot keep {path}: {trouble.strerror}") from trouble


def _name(host: str) -> str:
    """Without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
