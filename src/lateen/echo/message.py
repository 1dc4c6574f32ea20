"""A request and an answer of the echo application, whatever protocol carried them."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """Of the TLS connection that carried a request: the name asked for, the protocol agreed on."""

    name: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is the path with its query; header names are lower case."""

    method: str
    target: str
    protocol: str  # HTTP/1.1, HTTP/2, gRPC
    authority: str = ""
    headers: Headers = ()
    body: bytes = b""
    source: str = ""  # ip:port of the peer of the connection
    port: int = 0  # on which it arrived
    hello: Hello | None = None  # None: plain text

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def header(self, name: str) -> str:
        return ",".join(value for key, value in self.headers if key == name)

    def parameter(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Headers = field(default=(("content-type", "text/plain"),))


def json_answer(status: int, content: Any) -> Answer:
    body = json.dumps(content, indent=1).encode() + b"\n"
    return Answer(status, body, (("content-type", "application/json"),))
