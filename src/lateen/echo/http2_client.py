"""One request and its answer over HTTP/2 with prior knowledge."""

import asyncio

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

from lateen.echo.message import Answer, Headers


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Headers, body: bytes
) -> Answer:
    """Trailers are appended to the answer's headers. Raises EOFError without an answer."""
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    connection.send_headers(stream, headers, end_stream=not body)
    status, received, content, rest = 0, [], bytearray(), body
    while True:
        rest = _send(connection, stream, rest)
        writer.write(connection.data_to_send())
        await writer.drain()
        data = await reader.read(65536)
        if not data:
            raise EOFError("the connection was closed before an answer came")
        for event in connection.receive_data(data):
            if isinstance(event, ResponseReceived | TrailersReceived):
                fields = [(str(name), str(value)) for name, value in event.headers or ()]
                status = next((int(v) for n, v in fields if n == ":status"), status)
                received += [(name, value) for name, value in fields if name != ":status"]
            elif isinstance(event, DataReceived):
                content += event.data or b""
                connection.acknowledge_received_data(event.flow_controlled_length or 0, stream)
            elif isinstance(event, StreamEnded):
                return Answer(status, bytes(content), tuple(received))
            elif isinstance(event, StreamReset | ConnectionTerminated):
                raise EOFError(f"the stream was reset (error code {event.error_code})")


def _send(connection: H2Connection, stream: int, body: bytes) -> bytes:
    """Sends what the peer's window has room for; returns the rest."""
    while body:
        room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
        if room <= 0:
            return body
        chunk, body = body[:room], body[room:]
        connection.send_data(stream, chunk, end_stream=not body)
    return b""
