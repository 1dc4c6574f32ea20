"""A small HTTP/1.1 server for the admin interface: GET only, one request a connection."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lateen.xds.transport.listener import Address, ListenError

log = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
HEAD_BYTES = 16 * 1024
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
           500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)


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


class HttpServer:
    """Serves pages by path. Meant for loopback; it knows no authentication."""

    def __init__(self, address: Address, pages: Mapping[str, Page]) -> None:
        self.address = address
        self._pages = pages
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        try:
            self._server = await asyncio.start_server(
                self._connected, self.address.host or None, self.address.port, limit=HEAD_BYTES
            )
        except OSError as trouble:
            raise ListenError(f"cannot listen on {self.address}: {trouble.strerror}") from trouble
        port = self._server.sockets[0].getsockname()[1]
        self.address = Address(self.address.host, port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_SECONDS):
                answer = await self._answer(reader)
                writer.write(_head(answer) + answer.body)
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return text("the request is too large\n", 400)
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
        if len(words) != 3:
            return text("this is not HTTP\n", 400)
        if words[0] not in ("GET", "HEAD"):
            return text("only GET is served\n", 405)
        target = urlsplit(words[1])
        page = self._pages.get(target.path)
        if page is None:
            return text(f"no page {target.path}; /debug/list lists them\n", 404)
        try:
            return page(Query(target.path, dict(parse_qsl(target.query, keep_blank_values=True))))
        except Exception:  # supervisor of the pages: one that fails must not stop the others
            log.exception("admin page failed", extra={"path": target.path})
            return text("internal error; see the log\n", 500)


def _head(answer: Answer) -> bytes:
    return (
        f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, '')}\r\n"
        f"content-type: {answer.content_type}\r\n"
        f"content-length: {len(answer.body)}\r\n"
        "connection: close\r\n\r\n"
    ).encode()
