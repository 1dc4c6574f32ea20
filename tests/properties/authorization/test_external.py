"""What the real Envoy asks an external authorizer by our filters, and what the answer does."""

import http.client
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.properties.authorization.enforcing import (
    asking_listener,
    cluster,
    enforcing,
    free_port,
    port_of,
)

pytestmark = pytest.mark.envoy

HOST = "authorizer.example.com"
SEEN = ("x-user", "x-added", "x-kept")
SLOW_SECONDS = 0.5


@dataclass
class Authorizer:
    """Answers as the header `x-answer` says; remembers the last question."""

    port: int
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture(scope="module")
def authorizer() -> Iterator[Authorizer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            made.asked.append((self.path, headers, body))
            wish = headers.get("x-answer", "200")
            if wish == "slow":
                time.sleep(SLOW_SECONDS)
            self.send_response(int(wish) if wish.isdecimal() else 200)
            for name in ("x-user", "x-secret", "x-told"):
                self.send_header(name, f"{name} of the authorizer")
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST = answer

        def log_message(self, *_: Any) -> None:
            """Not on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Authorizer(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def provider(port: int, **fields: Any) -> dict[str, Any]:
    settings = {"service": HOST, "port": port, "includeRequestHeadersInCheck": ["x-answer"]}
    return {"name": "ours", "envoyExtAuthzHttp": settings | fields}


def ask(
    made: dict[str, Any], port: int, *, path: str = "/checked/a", method: str = "GET",
    body: bytes = b"", **headers: str,
) -> tuple[int, dict[str, str]]:  # fmt: skip
    listener = asking_listener(made, HOST, port, SEEN)
    with enforcing(listener, clusters=[cluster(HOST, port)]):
        connection = http.client.HTTPConnection("127.0.0.1", port_of(listener), timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body or None, headers=sent)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def test_only_what_the_policy_covers_is_asked(authorizer: Authorizer) -> None:
    authorizer.asked.clear()
    made = provider(authorizer.port)

    assert ask(made, authorizer.port, path="/free", x_answer="403")[0] == 200
    assert authorizer.asked == []
    assert ask(made, authorizer.port, x_answer="403")[0] == 403


def test_the_question_has_the_headers_that_are_wanted(authorizer: Authorizer) -> None:
    made = provider(
        authorizer.port,
        pathPrefix="/check",
        includeAdditionalHeadersInCheck={"x-mesh": "ours"},
        includeRequestHeadersInCheck=["x-answer", "x-team-*"],
    )
    ask(made, authorizer.port, x_team_a="1", x_private="2", cookie="c")
    path, headers, _ = authorizer.asked[-1]

    assert path == "/check/checked/a"
    assert (headers["x-mesh"], headers["x-team-a"]) == ("ours", "1")
    assert not {"x-private", "cookie"} & headers.keys()


def test_the_question_has_the_body_up_to_the_limit(authorizer: Authorizer) -> None:
    limits = {"maxRequestBytes": 4, "allowPartialMessage": True}
    made = provider(authorizer.port, includeRequestBodyInCheck=limits)

    assert ask(made, authorizer.port, method="POST", body=b"0123456789")[0] == 200
    assert authorizer.asked[-1][2] == b"0123"
    strict = provider(authorizer.port, includeRequestBodyInCheck={"maxRequestBytes": 4})
    assert ask(strict, authorizer.port, method="POST", body=b"0123456789")[0] == 413


def test_headers_go_on_and_back_as_the_provider_says(authorizer: Authorizer) -> None:
    made = provider(
        authorizer.port,
        headersToUpstreamOnAllow=["x-user"],
        headersToDownstreamOnDeny=["x-told"],
        headersToDownstreamOnAllow=["x-secret"],
    )
    _, allowed = ask(made, authorizer.port, x_user="forged")
    status, denied = ask(made, authorizer.port, x_answer="401")

    assert allowed["x-seen-x-user"] == "x-user of the authorizer"
    assert allowed["x-secret"] == "x-secret of the authorizer"
    assert status == 401
    assert denied["x-told"] == "x-told of the authorizer"
    assert "x-secret" not in denied


def test_an_authorizer_that_is_away_closes_the_door_unless_told_otherwise() -> None:
    away = free_port()

    assert ask(provider(away), away)[0] == 403
    assert ask(provider(away, statusOnError="503"), away)[0] == 503
    assert ask(provider(away, failOpen=True), away)[0] == 200


def test_an_authorizer_that_is_slow_is_given_up(authorizer: Authorizer) -> None:
    made = provider(authorizer.port, timeout="0.05s", statusOnError="504")

    assert ask(made, authorizer.port, x_answer="slow")[0] == 504
    assert ask(provider(authorizer.port, timeout="5s"), authorizer.port, x_answer="slow")[0] == 200


def test_a_policy_whose_provider_is_unknown_denies_what_it_covers(authorizer: Authorizer) -> None:
    made = provider(authorizer.port) | {"name": "theirs"}

    assert ask(made, authorizer.port)[0] == 403
    assert ask(made, authorizer.port, path="/free")[0] == 200
