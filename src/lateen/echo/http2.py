"""HTTP/2 connections of the echo application, in plain text with prior knowledge; gRPC on them.

A gRPC request is answered message by message, each sent back as it came, whether one or a stream;
`/lateen.echo.Echo/Describe` answers with what was seen, and so does any method with the metadata
`echo-describe`; the health service answers SERVING. A request with the metadata `echo-status: N` is
answered with that gRPC status.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError, StreamClosedError

from lateen.echo import framing
from lateen.echo.http1 import BODY_LIMIT, READ_BYTES, Respond
from lateen.echo.message import Answer, Headers, Request

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
UNIMPLEMENTED, INVALID = "12", "3"

Seen = Callable[[Request], dict[str, Any]]


@dataclass(slots=True)
class Stream:
    number: int
    headers: Headers
    body: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)  # ends with b""


class Http2Connection:
    """Owns one connection: reads frames, and answers each stream in a task of its own."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        port: int,
        respond: Respond,
        seen: Seen,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._port, self._respond, self._seen = port, respond, seen
        self._state = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._streams: dict[int, Stream] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._window = asyncio.Event()

    async def serve(self, first: bytes) -> None:
        self._state.initiate_connection()
        async with asyncio.TaskGroup() as group:
            received = first
            while received and await self._receive(received, group):
                received = await self._reader.read(READ_BYTES)
            for task in self._tasks.values():
                task.cancel()

    async def _receive(self, received: bytes, group: asyncio.TaskGroup) -> bool:
        try:
            events = self._state.receive_data(received)
        except ProtocolError:
            await self._flush()  # h2 has written the reason as GOAWAY
            return False
        for event in events:
            if isinstance(event, ConnectionTerminated):
                return False
            self._take(event, group)
        await self._flush()
        return True

    def _take(self, event: Any, group: asyncio.TaskGroup) -> None:
        number = getattr(event, "stream_id", 0) or 0
        if isinstance(event, RequestReceived):
            headers = tuple((str(name), str(value)) for name, value in event.headers or ())
            stream = self._streams[number] = Stream(number, headers)
            self._tasks[number] = group.create_task(self._answer(stream))
        elif isinstance(event, DataReceived) and number in self._streams:
            if event.data:
                self._streams[number].body.put_nowait(event.data)
            self._state.acknowledge_received_data(event.flow_controlled_length or 0, number)
        elif isinstance(event, StreamEnded) and number in self._streams:
            self._streams[number].body.put_nowait(b"")
        elif isinstance(event, WindowUpdated):
            self._window.set()
        elif isinstance(event, StreamReset) and number in self._tasks:
            self._tasks[number].cancel()

    async def _answer(self, stream: Stream) -> None:
        try:
            request = self._request(stream, b"")
            if request.header("content-type").startswith("application/grpc"):
                await self._grpc(stream, request)
            else:
                body = await self._whole_body(stream)
                await self._send(stream, await self._respond(self._request(stream, body)))
        except (StreamClosedError, ProtocolError, OSError):
            return  # the peer has gone; there is nobody to tell
        finally:
            self._streams.pop(stream.number, None)
            self._tasks.pop(stream.number, None)

    async def _whole_body(self, stream: Stream) -> bytes:
        body = bytearray()
        while chunk := await stream.body.get():
            body += chunk[: BODY_LIMIT - len(body)]
        return bytes(body)

    def _request(self, stream: Stream, body: bytes) -> Request:
        pseudo = dict(stream.headers)
        peer = self._writer.get_extra_info("peername") or ("", 0)
        grpc = pseudo.get("content-type", "").startswith("application/grpc")
        return Request(
            method=pseudo.get(":method", ""),
            target=pseudo.get(":path", "/"),
            protocol="gRPC" if grpc else "HTTP/2",
            authority=pseudo.get(":authority", ""),
            headers=tuple(pair for pair in stream.headers if not pair[0].startswith(":")),
            body=body,
            source=f"{peer[0]}:{peer[1]}",
            port=self._port,
        )

    async def _send(self, stream: Stream, answer: Answer) -> None:
        head = ((":status", str(answer.status)), *answer.headers)
        length = ("content-length", str(len(answer.body)))
        self._state.send_headers(stream.number, (*head, length), end_stream=not answer.body)
        await self._flush()
        if answer.body:
            await self._send_body(stream, answer.body)
            self._state.end_stream(stream.number)
            await self._flush()

    async def _send_body(self, stream: Stream, body: bytes) -> None:
        while body:
            window = self._state.local_flow_control_window(stream.number)
            room = min(window, self._state.max_outbound_frame_size)
            if room <= 0:
                self._window.clear()
                await self._window.wait()  # ends with the connection's task group at the latest
                continue
            self._state.send_data(stream.number, body[:room])
            body = body[room:]
            await self._flush()

    async def _grpc(self, stream: Stream, request: Request) -> None:
        identity = self._seen(request)
        head = [(":status", "200"), ("content-type", "application/grpc")]
        head += [(key, identity[key]) for key in ("workload", "version", "pod") if identity[key]]
        self._state.send_headers(stream.number, head)
        await self._flush()
        status = request.header("echo-status") or "0"
        if status == "0":
            status = await self._grpc_messages(stream, request)
        self._state.send_headers(stream.number, [("grpc-status", status)], end_stream=True)
        await self._flush()

    async def _grpc_messages(self, stream: Stream, request: Request) -> str:
        """Answers each message; returns the gRPC status to end with."""
        unpacker = framing.Unpacker()
        while chunk := await stream.body.get():
            try:
                for message in unpacker.feed(chunk):
                    reply = await self._grpc_reply(request, message)
                    await self._send_body(stream, framing.pack(reply))
            except ValueError:
                return UNIMPLEMENTED
        return "0"

    async def _grpc_reply(self, request: Request, message: bytes) -> bytes:
        if request.path == framing.HEALTH:
            probe = Request(method="GET", target="/healthz", protocol="gRPC")
            ready = (await self._respond(probe)).status == 200
            return framing.SERVING if ready else framing.NOT_SERVING
        if request.path == framing.DESCRIBE or request.header("echo-describe"):
            seen = self._seen(request)
            return json.dumps({**seen, "body": message.decode(errors="replace")}).encode()
        return message

    async def _flush(self) -> None:
        if pending := self._state.data_to_send():
            self._writer.write(pending)
            await self._writer.drain()
