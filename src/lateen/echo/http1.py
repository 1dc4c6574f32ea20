"""HTTP/1.1 connections of the echo application, request after request; WebSockets by upgrade."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11

from lateen.echo.message import Answer, Headers, Request

BODY_LIMIT = 16 * 1024 * 1024
READ_BYTES = 65536

Respond = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A request that asks for a WebSocket, with the bytes of it to hand to the WebSocket side."""

    request: Request
    handshake: bytes


async def serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    first: bytes,
    port: int,
    respond: Respond,
) -> Upgrade | None:
    """Until the peer or either side's `connection: close` ends it, or a WebSocket is asked for."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(first)
    source = _source(writer)
    while True:
        try:
            request = await _request(connection, reader, source=source, port=port)
        except h11.RemoteProtocolError as trouble:
            await _refuse(connection, writer, trouble)
            return None
        if request is None:
            return None
        if request.header("upgrade").lower() == "websocket":
            rest, _ = connection.trailing_data
            return Upgrade(request, _handshake(request) + rest)
        await _send(connection, writer, await respond(request), head=request.method == "HEAD")
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return None
        connection.start_next_cycle()


async def _request(
    connection: h11.Connection, reader: asyncio.StreamReader, *, source: str, port: int
) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(READ_BYTES))
        elif event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            return None
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_LIMIT:
                raise h11.RemoteProtocolError("the body is too long", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _plain(head, bytes(body), source=source, port=port)


def _plain(head: h11.Request, body: bytes, *, source: str, port: int) -> Request:
    headers: Headers = tuple(
        (name.decode().lower(), value.decode("latin-1")) for name, value in head.headers
    )
    target = head.target.decode("latin-1")
    if target.startswith(("http://", "https://")):  # absolute form, as a client sends to its proxy
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return Request(
        method=head.method.decode(),
        target=target,
        protocol=f"HTTP/{head.http_version.decode()}",
        authority=next((value for name, value in headers if name == "host"), ""),
        headers=headers,
        body=body,
        source=source,
        port=port,
    )


async def _send(
    connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, *, head: bool
) -> None:
    bodiless = answer.status in (204, 304)
    headers = [*answer.headers]
    if not bodiless:
        headers.append(("content-length", str(len(answer.body))))
    response = h11.Response(status_code=answer.status, headers=headers)
    writer.write(connection.send(response) or b"")
    if answer.body and not head and not bodiless:
        writer.write(connection.send(h11.Data(data=answer.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()


async def _refuse(
    connection: h11.Connection, writer: asyncio.StreamWriter, trouble: h11.RemoteProtocolError
) -> None:
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    text = f"{trouble}\n".encode()
    headers = [("content-length", str(len(text))), ("connection", "close")]
    status = trouble.error_status_hint
    writer.write(connection.send(h11.Response(status_code=status, headers=headers)) or b"")
    writer.write(connection.send(h11.Data(data=text)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()


def _handshake(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _source(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
