"""Where something listens, as the settings write it: `HOST:PORT`, `[HOST]:PORT`, `unix:PATH`."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lateen.agent.errors import AgentError

LONGEST_SOCKET_PATH = 107  # bytes in sockaddr_un, less the closing zero

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Address:
    """Either a host and port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def envoy(self) -> dict[str, Any]:
        """As an `envoy.config.core.v3.Address` in JSON."""
        if self.path:
            return {"pipe": {"path": self.path}}
        return {"socket_address": {"address": self.host, "port_value": self.port}}

    def local(self) -> "Address":
        """Where a client on this host finds it: loopback for the address that means all."""
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
        return Address(loopback.get(self.host, self.host), self.port, self.path)


def parse(text: str) -> Address:
    if text.startswith("unix:"):
        return Address(path=text.removeprefix("unix:"))
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise AgentError(f"{text!r} is not HOST:PORT or unix:PATH")
    return Address(host=host.strip("[]"), port=int(port))


def socket_path(path: Path) -> str:
    """The path in a form that a unix socket can have: from the working folder if that is shorter.

    It always holds a slash, which is how Envoy tells a path from an abstract name.
    """
    found = str(path)
    if len(os.fsencode(found)) > LONGEST_SOCKET_PATH:
        found = os.path.join(".", os.path.relpath(path))
    if len(os.fsencode(found)) > LONGEST_SOCKET_PATH:
        raise AgentError(f"{path} is too long for a unix socket; choose a shorter work folder")
    return found


async def serve(connected: Connected, address: Address) -> tuple[asyncio.Server, Address]:
    """A server, and the address it really has (port 0 is any free one). Unix sockets are 0600."""
    try:
        if address.path:
            _remove_socket(address.path)
            server = await asyncio.start_unix_server(connected, address.path)
            os.chmod(address.path, 0o600)
            return server, address
        server = await asyncio.start_server(connected, address.host, address.port)
    except OSError as taken:
        raise AgentError(f"cannot listen on {address}: {taken.strerror}") from taken
    bound = server.sockets[0].getsockname()
    return server, Address(address.host, bound[1])


async def connect(
    address: Address, *, source: str = "", tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.path:
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(
        address.host, address.port, local_addr=(source, 0) if source else None, ssl=tls
    )


def _remove_socket(path: str) -> None:
    """What an agent that was killed left behind."""
    Path(path).unlink(missing_ok=True)
