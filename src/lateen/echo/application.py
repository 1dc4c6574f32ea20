"""What the echo application answers, by path.

    /call?url=U&method=M&header=K:V&body=B   calls onwards, answers with both ends' view
    /delay?ms=N                              answers after N milliseconds
    /fail?rate=R&code=C                      answers C (503) in a share R (1.0) of the requests
    /status/C                                answers C
    /healthz, /readyz                        200 while alive; 503 once it was told to stop
    anything else                            200 and what was seen

An upstream (`--upstream PREFIX=URL`) turns all paths under a prefix into a call onwards, the rest
of the path and the query appended: the echo application as the API gateway of an example.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit

from lateen.echo.client import Call, CallError, call
from lateen.echo.identity import Identity, caller
from lateen.echo.message import Answer, Headers, Request, json_answer

# What an application has to hand on so that traces join up (Istio's list and W3C's).
TRACE_HEADERS = frozenset(
    (
        *("x-request-id", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled"),
        *("x-b3-flags", "b3", "traceparent", "tracestate", "baggage", "x-ot-span-context"),
        *("grpc-trace-bin", "x-cloud-trace-context", "sw8", "x-datadog-trace-id"),
        *("x-datadog-parent-id", "x-datadog-sampling-priority"),
    )
)
BODY_SHOWN = 64 * 1024  # bytes of a request's body that are repeated in the answer
DELAY_LIMIT_SECONDS = 600


@dataclass(slots=True)
class Application:
    """`stopping` is set by the server when it was told to stop: it then answers "not ready"."""

    identity: Identity
    environment: Mapping[str, str]
    random: Random
    forwarded: frozenset[str] = TRACE_HEADERS
    upstreams: tuple[tuple[str, str], ...] = ()  # path prefix, URL; longest first
    fail_rate: float = 0.0  # share of all requests but probes that is answered 503
    stopping: bool = False

    async def answer(self, request: Request) -> Answer:
        path = request.path
        if path in ("/healthz", "/readyz"):
            return Answer(503, b"stopping\n") if self.stopping else Answer(200, b"ok\n")
        if self.fail_rate and self.random.random() < self.fail_rate:
            return self._status(request, "503")
        for prefix, url in self.upstreams:
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                return await self._hand_on(request, prefix, url)
        if path == "/call":
            return await self._call(request)
        if path == "/delay":
            return await self._delay(request)
        if path == "/fail":
            return self._fail(request)
        if path.startswith("/status/"):
            return self._status(request, path.removeprefix("/status/"))
        return json_answer(200, self.seen(request))

    def seen(self, request: Request) -> dict[str, Any]:
        """What the answer says of the request and of this application."""
        who = self.identity
        headers: dict[str, str] = {}
        for name, value in request.headers:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        seen: dict[str, Any] = {
            "workload": who.workload,
            "version": who.version,
            "namespace": who.namespace,
            "pod": who.pod,
            "service_account": who.service_account,
            "protocol": request.protocol,
            "method": request.method,
            "path": request.target,
            "authority": request.authority,
            "port": request.port,
            "source": request.source,
            "caller": caller(request.header("x-forwarded-client-cert")),
            "headers": headers,
        }
        if request.hello is not None:
            seen["tls"] = {"sni": request.hello.name, "alpn": request.hello.protocol}
        if request.body:
            seen["body"] = request.body[:BODY_SHOWN].decode(errors="replace")
        return seen

    async def _delay(self, request: Request) -> Answer:
        milliseconds = _number(request.parameter("ms", "0"))
        if milliseconds is None or not 0 <= milliseconds <= DELAY_LIMIT_SECONDS * 1000:
            return Answer(400, f"ms must be 0 to {DELAY_LIMIT_SECONDS * 1000}\n".encode())
        await asyncio.sleep(milliseconds / 1000)
        return json_answer(200, self.seen(request))

    def _fail(self, request: Request) -> Answer:
        rate, code = _number(request.parameter("rate", "1")), request.parameter("code", "503")
        if rate is None or not 0 <= rate <= 1:
            return Answer(400, b"rate must be 0 to 1\n")
        if self.random.random() >= rate:
            return json_answer(200, self.seen(request))
        return self._status(request, code)

    def _status(self, request: Request, code: str) -> Answer:
        if not code.isdecimal() or not 200 <= int(code) <= 599:
            return Answer(400, b"the status must be 200 to 599\n")
        return json_answer(int(code), self.seen(request))

    async def _call(self, request: Request) -> Answer:
        url = request.parameter("url")
        if not url:
            return Answer(400, b"/call needs ?url=\n")
        extra = []
        for text in request.query.get("header", []):
            name, _, value = text.partition(":")
            extra.append((name.strip().lower(), value.strip()))
        body = request.parameter("body").encode() or request.body
        return await self._onwards(
            request,
            Call(
                url=url,
                method=request.parameter("method", "POST" if body else "GET"),
                headers=self._handed_on(request, extra),
                body=body,
            ),
        )

    async def _hand_on(self, request: Request, prefix: str, url: str) -> Answer:
        rest = request.target[len(prefix.rstrip("/")) :]
        return await self._onwards(
            request,
            Call(
                url=url.rstrip("/") + ("" if rest.startswith(("/", "?")) else "/") + rest,
                method=request.method,
                headers=self._handed_on(request, []),
                body=request.body,
            ),
        )

    async def _onwards(self, request: Request, onwards: Call) -> Answer:
        seen = self.seen(request)
        try:
            reply = await call(onwards, self.environment)
        except CallError as trouble:
            seen["upstream"] = {"url": onwards.url, "error": str(trouble)}
            return json_answer(502, seen)
        seen["upstream"] = {
            "url": onwards.url,
            "status": reply.status,
            "headers": dict(reply.headers),
            "answer": _decoded(reply.body),
        }
        return json_answer(reply.status, seen)

    def _handed_on(self, request: Request, extra: list[tuple[str, str]]) -> Headers:
        own = {name for name, _ in extra}
        return (
            *((k, v) for k, v in request.headers if k in self.forwarded and k not in own),
            *extra,
        )


def upstream(text: str) -> tuple[str, str]:
    """`/prefix=http://host/path`; raises ValueError saying what is expected."""
    prefix, _, url = text.partition("=")
    if not prefix.startswith("/") or not urlsplit(url).hostname:
        raise ValueError(f"{text!r} is not PREFIX=URL, such as /threats=http://threat-engine/")
    return prefix, url


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _decoded(body: bytes) -> Any:
    text = body[:BODY_SHOWN].decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
