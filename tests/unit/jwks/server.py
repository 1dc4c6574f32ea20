"""A key server on loopback that answers as the test says, and remembers what it was asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

RSA_KEY = {"kty": "RSA", "kid": "1", "e": "AQAB", "n": "0" * 342}
OTHER_KEY = RSA_KEY | {"kid": "2"}


def keys(*given: dict[str, Any]) -> bytes:
    return json.dumps({"keys": given}).encode()


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"content-length: {len(body)}", *headers))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@dataclass
class KeyServer:
    """`answers` by path; one that is None is never given."""

    answers: dict[str, bytes | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"

    def url(self, path: str = "/keys", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].decode()
            self.asked.append(path)
            reply = self.answers.get(path, answer(b"", "404 Not Found"))
            if reply is None:
                await reader.read()  # until the client has had enough
                return
            writer.write(reply)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()


@asynccontextmanager
async def key_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[KeyServer]:
    made = KeyServer(scheme="https" if tls else "http")
    server = await asyncio.start_server(made.connected, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
