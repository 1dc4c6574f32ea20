"""A WebSocket that sends back what it receives.

The text message `describe` is answered with what the application saw of the opening request.
"""

import asyncio
import json
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    TextMessage,
)
from wsproto.events import Request as Opening
from wsproto.utilities import RemoteProtocolError

READ_BYTES = 65536


async def serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    handshake: bytes,
    seen: dict[str, Any],
) -> None:
    connection = WSConnection(ConnectionType.SERVER)
    received: bytes | None = handshake
    while True:
        try:
            connection.receive_data(received)
            open_ = _echo(connection, writer, seen)
        except RemoteProtocolError as trouble:
            if trouble.event_hint is not None:
                writer.write(connection.send(trouble.event_hint))
            return
        await writer.drain()
        if not open_:
            return
        received = await reader.read(READ_BYTES) or None


def _echo(connection: WSConnection, writer: asyncio.StreamWriter, seen: dict[str, Any]) -> bool:
    """Answers all events that have arrived; says whether the WebSocket is still open."""
    for event in connection.events():
        if isinstance(event, Opening):
            chosen = event.subprotocols[0] if event.subprotocols else None
            writer.write(connection.send(AcceptConnection(subprotocol=chosen)))
        elif isinstance(event, TextMessage) and event.data == "describe":
            writer.write(connection.send(TextMessage(data=json.dumps(seen))))
        elif isinstance(event, Message):
            writer.write(connection.send(_same(event)))
        elif isinstance(event, Ping):
            writer.write(connection.send(event.response()))
        elif isinstance(event, CloseConnection):
            if connection.state.name != "CLOSED":
                writer.write(connection.send(event.response()))
            return False
    return True


def _same(event: Message[Any]) -> Message[Any]:
    kind = BytesMessage if isinstance(event, BytesMessage) else TextMessage
    return kind(
        data=event.data,
        frame_finished=event.frame_finished,
        message_finished=event.message_finished,
    )
