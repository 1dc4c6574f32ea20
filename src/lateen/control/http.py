"""A small HTTP/1.1 server for the admin interface: one request a connection, without bodies.

GET is for looking; POST, on paths of their own, for doing. Who may is `guard`'s to say.
"""

import asyncio
import contextlib
import json
import logging
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lateen.audit.event import NO_RECORDER, Action, Decision, Event, Recorder
from lateen.base import unix_sockets
from lateen.control.guard import Caller, Connection, Guard
from lateen.xds.transport.listener import Address, ListenError, parse_address

log = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
HEAD_BYTES = 16 * 1024
MOST_CONNECTIONS = 64  # at once; more are closed unheard
UNIX = "unix:"
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error",
           503: "Service Unavailable"}  # fmt: skip


NOBODY = Caller()


@dataclass(frozen=True, slots=True)
class Query:
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    caller: Caller = NOBODY


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def text(content: str, status: int = 200) -> Answer:
    return Answer(status, content.encode())


def as_json(content: Any) -> Answer:
    body = json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
    return Answer(200, body, "application/json")


Page = Callable[[Query], Answer]


@dataclass(frozen=True, slots=True)
class PageTable:
    """`open_pages` are for machines that look often: they need no proof on loopback, and only
    their refusals are recorded."""

    shown: Mapping[str, Page]  # by GET
    actions: Mapping[str, Page] = field(default_factory=dict)  # by POST
    open_pages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnixAddress:
    path: Path

    def __str__(self) -> str:
        return f"{UNIX}{self.path}"


def parse_admin_address(written: str) -> Address | UnixAddress:
    """`unix:/run/lateen/admin.sock`, or an address as for discovery."""
    if written.startswith(UNIX):
        return UnixAddress(Path(written.removeprefix(UNIX)))
    return parse_address(written)


class HttpServer:
    """Serves pages by path to those whom the guard lets in."""

    def __init__(
        self,
        address: Address | UnixAddress,
        pages: PageTable,
        *,
        guard: Guard,
        audit: Recorder = NO_RECORDER,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = address
        self._pages = pages
        self._guard = guard
        self._audit = audit
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections = 0

    async def start(self) -> None:
        """ListenError for an address that is taken, or is not loopback and has no TLS."""
        address = self.address
        try:
            if isinstance(address, UnixAddress):
                self._server = await asyncio.start_unix_server(
                    self._connected, sock=unix_sockets.listening(address.path), limit=HEAD_BYTES
                )
                return
            if self._tls is None and not address.is_loopback:
                raise ListenError(f"{address} is not loopback; there the admin interface has TLS")
            self._server = await asyncio.start_server(
                self._connected, address.host or None, address.port, limit=HEAD_BYTES, ssl=self._tls
            )
        except OSError as trouble:
            raise ListenError.of(address, trouble) from trouble
        self.address = Address(address.host, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            if isinstance(self.address, UnixAddress):
                with contextlib.suppress(OSError):
                    os.unlink(self.address.path)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= MOST_CONNECTIONS:
                async with asyncio.timeout(REQUEST_SECONDS):
                    answer = await self._answer(reader, writer)
                    writer.write(_head(answer) + answer.body)
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the caller is gone, or never asked
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return text("the request is too large\n", 400)
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split()
        if len(words) != 3:
            return text("this is not HTTP\n", 400)
        connection = Connection(
            writer.get_extra_info("socket"),
            writer.get_extra_info("ssl_object"),
            isinstance(self.address, UnixAddress),
        )
        return self._judged(words[0], words[1], _headers(lines[1:]), connection)

    def _judged(
        self, method: str, target: str, headers: Mapping[str, str], connection: Connection
    ) -> Answer:
        split = urlsplit(target)
        is_open = split.path in self._pages.open_pages
        caller = self._guard.caller(connection, headers, is_open=is_open)
        if caller.refusal:
            self._record(connection, caller, f"{method} {split.path}", caller.refusal)
            return text(f"{caller.refusal}\n", caller.status)
        query = Query(split.path, dict(parse_qsl(split.query, keep_blank_values=True)), caller)
        answer = self._page(method, query)
        if not is_open:
            wrong = answer.body.decode(errors="replace").strip() if answer.status >= 400 else ""
            self._record(connection, caller, f"{method} {split.path}", wrong)
        return answer

    def _page(self, method: str, query: Query) -> Answer:
        pages = self._pages
        table = pages.actions if method == "POST" else pages.shown
        page = table.get(query.path)
        if page is None:
            if query.path in pages.shown or query.path in pages.actions:
                return text(f"{method} is not served here\n", 405)
            return text(f"no page {query.path}; /debug/list lists them\n", 404)
        if method not in ("GET", "HEAD", "POST"):
            return text(f"{method} is not served here\n", 405)
        try:
            return page(query)
        except Exception:  # supervisor of the pages: one that fails must not stop the others
            log.exception("admin page failed", extra={"path": query.path})
            return text("internal error; see the log\n", 500)

    def _record(self, connection: Connection, caller: Caller, what: str, reason: str) -> None:
        peer = "" if connection.is_unix else _peer(connection.socket)
        self._audit.record(
            Event(
                Action.ADMIN,
                Decision.REFUSED if reason else Decision.ACCEPTED,
                object=what,
                actor=caller.actor,
                proof=caller.proof,
                peer=peer,
                reason=reason,
            )
        )


def _headers(lines: list[str]) -> dict[str, str]:
    """By lower-case name. A repeated one counts by its first, which nothing here trusts twice."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _peer(socket: Any) -> str:
    try:
        host, port = socket.getpeername()[:2]
    except OSError:
        return ""
    return f"{host}:{port}"


def _head(answer: Answer) -> bytes:
    return (
        f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, '')}\r\n"
        f"content-type: {answer.content_type}\r\n"
        f"content-length: {len(answer.body)}\r\n"
        "x-content-type-options: nosniff\r\n"
        "connection: close\r\n\r\n"
    ).encode()
