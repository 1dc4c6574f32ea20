"""Just enough HTTP/1.1 for an agent: small requests in, small requests out, all within limits."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from lateen.agent import address
from lateen.agent.address import Address
from lateen.agent.errors import AgentError

log = logging.getLogger(__name__)

LARGEST_HEAD = 32 * 1024
LARGEST_BODY = 64 * 1024  # of a request that we are sent
IDLE_SECONDS = 120.0
REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    peer: str = ""  # the caller's IP; empty over a unix socket


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Awaitable[Response]]


async def serve(answer: Answer, where: Address) -> tuple[asyncio.Server, Address]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer_all(answer, reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the caller went away or was too slow
        finally:
            writer.close()

    return await address.serve(connected, where)


async def fetch(
    where: Address,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    timeout: float,
    source: str = "",
    tls: ssl.SSLContext | None = None,
    largest: int = 64 * 1024 * 1024,
) -> Response:
    """One request on a connection of its own. AgentError if there is no whole answer in time."""
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await address.connect(where, source=source, tls=tls)
            try:
                sent = {"host": _host(where), "connection": "close", **(headers or {})}
                head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
                writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
                await writer.drain()
                return await _response(reader, largest)
            finally:
                writer.close()
    except TimeoutError as late:
        raise AgentError(f"{where} did not answer {path} within {timeout} s") from late
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as broken:
        raise AgentError(f"{where} did not answer {path}: {broken or 'closed'}") from broken


def _host(where: Address) -> str:
    return "localhost" if where.path else str(where)


async def _answer_all(
    answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    peer = writer.get_extra_info("peername")
    is_kept = True
    while is_kept:
        async with asyncio.timeout(IDLE_SECONDS):
            first = await reader.readline()
        if not first:
            return
        async with asyncio.timeout(REQUEST_SECONDS):
            request = await _request(first, reader, peer[0] if isinstance(peer, tuple) else "")
        response = (
            Response(400, b"bad request\n") if request is None else await _answered(answer, request)
        )
        is_kept = request is not None and request.headers.get("connection", "").lower() != "close"
        _write(
            writer, response, is_kept=is_kept, is_head=bool(request and request.method == "HEAD")
        )
        await writer.drain()


async def _answered(answer: Answer, request: Request) -> Response:
    try:
        return await answer(request)
    except AgentError as trouble:
        return Response(503, f"{trouble}\n".encode())


async def _request(first: bytes, reader: asyncio.StreamReader, peer: str) -> Request | None:
    words = first.decode("latin-1").split()
    headers = await _headers(reader)
    length = headers.get("content-length", "0")
    if len(words) != 3 or not length.isdecimal() or int(length) > LARGEST_BODY:
        return None
    if "transfer-encoding" in headers:
        return None  # no caller of an agent has a body of unknown length
    body = await reader.readexactly(int(length))
    target = urlsplit(words[1])
    return Request(words[0], target.path, target.query, headers, body, peer)


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    found: dict[str, str] = {}
    size = 0
    while line := (await reader.readline()).strip():
        size += len(line)
        if size > LARGEST_HEAD:
            raise asyncio.LimitOverrunError("headers too large", size)
        name, _, value = line.decode("latin-1").partition(":")
        found[name.strip().lower()] = value.strip()
    return found


def _write(
    writer: asyncio.StreamWriter, response: Response, *, is_kept: bool, is_head: bool
) -> None:
    try:
        reason = HTTPStatus(response.status).phrase
    except ValueError:
        reason = "Unknown"
    headers = {
        "content-type": response.content_type,
        "content-length": str(len(response.body)),
        "connection": "keep-alive" if is_kept else "close",
        **response.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {response.status} {reason}\r\n{head}\r\n".encode("latin-1"))
    if not is_head:
        writer.write(response.body)


async def _response(reader: asyncio.StreamReader, largest: int) -> Response:
    status = (await reader.readline()).split(None, 2)
    if len(status) < 2 or not status[0].startswith(b"HTTP/1."):
        raise ValueError("the answer is not HTTP")
    headers = await _headers(reader)
    if "chunked" in headers.get("transfer-encoding", ""):
        body = await _chunks(reader, largest)
    elif "content-length" in headers:
        body = await reader.readexactly(min(int(headers["content-length"]), largest))
    else:
        body = await _until_closed(reader, largest)
    return Response(int(status[1]), body, headers.get("content-type", ""), headers)


async def _chunks(reader: asyncio.StreamReader, largest: int) -> bytes:
    parts: list[bytes] = []
    left = largest
    while size := int((await reader.readline()).split(b";")[0], 16):
        chunk = await reader.readexactly(size)
        parts.append(chunk[:left])
        left -= len(parts[-1])
        await reader.readexactly(2)
    return b"".join(parts)


async def _until_closed(reader: asyncio.StreamReader, largest: int) -> bytes:
    parts: list[bytes] = []
    left = largest
    while left and (part := await reader.read(min(left, 65536))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
