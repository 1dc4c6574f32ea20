"""The echo application as a client: one request, one answer, a connection of its own.

    http://  HTTP/1.1        h2c://   HTTP/2 with prior knowledge
    grpc://  one unary call  tcp://   sends the body as a line, answers with the line that returns

`HTTP_PROXY` and `NO_PROXY` are honoured for http:// as everywhere.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import h11

from lateen.base.errors import LateenError
from lateen.echo import framing
from lateen.echo.http2_client import exchange
from lateen.echo.message import Answer, Headers

TIMEOUT_SECONDS = 60
PORTS = {"http": 80, "h2c": 80, "grpc": 80, "tcp": 0}


class CallError(LateenError):
    """The call found no answer at all; its text says why."""


@dataclass(frozen=True, slots=True)
class Call:
    url: str
    method: str = "GET"
    headers: Headers = ()
    body: bytes = b""


async def call(onwards: Call, environment: Mapping[str, str]) -> Answer:
    url = urlsplit(onwards.url)
    if url.scheme not in PORTS or not url.hostname or not (url.port or PORTS[url.scheme]):
        raise CallError(f"{onwards.url!r}: use http://, h2c://, grpc:// or tcp:// with a host")
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await _exchange(onwards, url, environment)
    except ConnectionRefusedError as trouble:
        raise CallError("connection refused") from trouble
    except (OSError, EOFError) as trouble:
        raise CallError(str(trouble) or type(trouble).__name__) from trouble
    except h11.ProtocolError as trouble:
        raise CallError(f"not an HTTP/1.1 answer: {trouble}") from trouble


async def _exchange(onwards: Call, url: SplitResult, environment: Mapping[str, str]) -> Answer:
    host, port = url.hostname or "", url.port or PORTS[url.scheme]
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    proxy = _proxy(host, environment) if url.scheme == "http" else None
    if proxy is not None:
        host, port, target = proxy[0], proxy[1], onwards.url
    reader, writer = await asyncio.open_connection(host, port)
    try:
        if url.scheme == "http":
            return await _http1(reader, writer, onwards, target, authority=url.netloc)
        if url.scheme == "tcp":
            return await _tcp(reader, writer, onwards.body)
        if url.scheme == "grpc":
            return await _grpc(reader, writer, onwards, target, authority=url.netloc)
        head = _pseudo(onwards.method, target, url.netloc)
        return await exchange(reader, writer, (*head, *onwards.headers), onwards.body)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _http1(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    onwards: Call,
    target: str,
    *,
    authority: str,
) -> Answer:
    connection = h11.Connection(h11.CLIENT)
    headers = [("connection", "close"), *onwards.headers]
    if not any(name == "host" for name, _ in onwards.headers):
        headers.insert(0, ("host", authority))
    if onwards.body:
        headers.append(("content-length", str(len(onwards.body))))
    head = h11.Request(method=onwards.method, target=target, headers=headers)
    writer.write(connection.send(head) or b"")
    if onwards.body:
        writer.write(connection.send(h11.Data(data=onwards.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    status, body = 0, bytearray()
    received: Headers = ()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status = event.status_code
            received = tuple((name.decode(), value.decode()) for name, value in event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(body), received)
        elif isinstance(event, h11.ConnectionClosed):
            raise EOFError("the connection was closed before an answer came")


async def _tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> Answer:
    writer.write((body or b"hello").rstrip(b"\n") + b"\n")
    await writer.drain()
    line = await reader.readline()
    if not line:
        raise EOFError("the connection was closed before an answer came")
    return Answer(200, line)


async def _grpc(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    onwards: Call,
    target: str,
    *,
    authority: str,
) -> Answer:
    """The gRPC status becomes the HTTP status: 0 is 200, all others 502."""
    path = target if target != "/" else framing.DESCRIBE
    head = (
        *_pseudo("POST", path, authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    reply = await exchange(reader, writer, (*head, *onwards.headers), framing.pack(onwards.body))
    failed = dict(reply.headers).get("grpc-status", "") != "0"
    return Answer(502 if failed else reply.status, reply.body[framing.PREFIX :], reply.headers)


def _pseudo(method: str, target: str, authority: str) -> Headers:
    return (
        (":method", method),
        (":scheme", "http"),
        (":authority", authority),
        (":path", target),
    )


def _proxy(host: str, environment: Mapping[str, str]) -> tuple[str, int] | None:
    address = environment.get("http_proxy") or environment.get("HTTP_PROXY") or ""
    excluded = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    for name in filter(None, (part.strip().lstrip(".") for part in excluded.split(","))):
        if name == "*" or host == name or host.endswith(f".{name}"):
            return None
    proxy = urlsplit(address)
    return (proxy.hostname, proxy.port or 80) if proxy.hostname else None
