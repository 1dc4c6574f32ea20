"""A client that stays in a workload's place: a line of JSON in is calls, a line out their answers.

    lateen exec a -- python client.py

In is a list of calls, which are made at the same time: {"scheme": http|https|grpc|tcp|ws|dns,
"host", "port", "path", "grpc_method", "method", "headers": [[K, V]], "http2", "sni", "alpn",
"count", "timeout", "message", "follow", "server_first"}. Out is a list for each call, an entry for
each request: {"status", "headers", "body", "error", "asked"}, the latter the authority asked for.
"""

import asyncio
import json
import os
import ssl
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dnslib
import h11

from lateen.echo import framing
from lateen.echo.http2_client import exchange

AT_ONCE = 8  # requests under way
TROUBLES = (OSError, EOFError, TimeoutError, h11.ProtocolError, ssl.SSLError, ValueError)


async def answers(calls: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    free = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(answers_of(call, free) for call in calls))


async def answers_of(call: dict[str, Any], free: asyncio.Semaphore) -> list[dict[str, Any]]:
    async with free:
        found = [await answer(call) for _ in range(call.get("count", 1))]
    return [each | {"asked": authority(call)} for each in found]


async def answer(call: dict[str, Any]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(call.get("timeout", 5)):
            if call["scheme"] == "dns":
                return await asyncio.to_thread(names, call)
            found = await request(call)
            if call.get("follow") and found["status"] in (301, 302, 307, 308):
                url = urlsplit(found["headers"]["location"])
                path = url.path + (f"?{url.query}" if url.query else "")
                return await request(call | {"path": path})
            return found
    except TROUBLES as trouble:
        return {"error": f"{type(trouble).__name__}: {trouble}"}


async def request(call: dict[str, Any]) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection(
        call["host"],
        call["port"],
        ssl=tls(call) if call["scheme"] == "https" else None,
        server_hostname=(call.get("sni") or call["host"]) if call["scheme"] == "https" else None,
    )
    try:
        if call["scheme"] == "tcp":
            return await line(reader, writer, call)
        agreed = writer.get_extra_info("ssl_object")
        http2 = call.get("http2") or (agreed and agreed.selected_alpn_protocol() == "h2")
        if call["scheme"] == "grpc":
            return await grpc(reader, writer, call)
        if http2:
            found = await exchange(reader, writer, head(call), b"")
            return shown(found.status, found.headers, found.body)
        return await http1(reader, writer, call)
    finally:
        writer.close()


def tls(call: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    default = ["h2"] if call.get("http2") else ["http/1.1"]
    context.set_alpn_protocols(call.get("alpn") or default)
    return context


def head(call: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    others = [(k.lower(), v) for k, v in call["headers"] if k.lower() != "host"]
    return (
        (":method", call["method"]),
        (":scheme", "https" if call["scheme"] == "https" else "http"),
        (":authority", authority(call)),
        (":path", call["path"]),
        *others,
    )


def authority(call: dict[str, Any]) -> str:
    own = next((v for k, v in call["headers"] if k.lower() == "host"), "")
    return own or str(call["authority"])


async def grpc(reader: Any, writer: Any, call: dict[str, Any]) -> dict[str, Any]:
    call = call | {"method": "POST", "path": call["grpc_method"]}
    extra = (("content-type", "application/grpc"), ("te", "trailers"), ("echo-describe", "yes"))
    found = await exchange(reader, writer, (*head(call), *extra), framing.pack(b""))
    status = dict(found.headers).get("grpc-status", "")
    body = found.body[framing.PREFIX :]
    return shown(200 if status == "0" else 502, found.headers, body)


async def http1(reader: Any, writer: Any, call: dict[str, Any]) -> dict[str, Any]:
    connection = h11.Connection(h11.CLIENT)
    others = [(k, v) for k, v in call["headers"] if k.lower() != "host"]
    fields = [("host", authority(call)), *others]
    if call["scheme"] == "ws":
        fields += [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
    target = call["path"]
    writer.write(connection.send(h11.Request(method=call["method"], target=target, headers=fields)))
    writer.write(connection.send(h11.EndOfMessage()))
    body, status, headers = bytearray(), 0, []
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response | h11.InformationalResponse):
            status = event.status_code
            headers = [(k.decode(), v.decode()) for k, v in event.headers]
            if status == 101:
                return shown(200, headers, b"{}")
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return shown(status, headers, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise EOFError("closed before an answer came")


async def line(reader: Any, writer: Any, call: dict[str, Any]) -> dict[str, Any]:
    if not call.get("server_first"):
        writer.write((call.get("message") or "hello").encode() + b"\n")
        await writer.drain()
    found = await reader.readline()
    if not found:
        raise EOFError("closed before an answer came")
    return shown(200, (), found)


def shown(status: int, headers: Any, body: bytes) -> dict[str, Any]:
    return {"status": status, "headers": dict(headers), "body": body.decode(errors="replace")}


def names(call: dict[str, Any]) -> dict[str, Any]:
    name, _, options = call["host"].partition("?")
    chosen = {key: value[0] for key, value in parse_qs(options).items()}
    server = chosen.get("server") or nameserver()
    over_tcp = chosen.get("protocol") == "tcp"
    found: list[str] = []
    for kind in ("A", "AAAA"):
        question = dnslib.DNSRecord.question(name, kind)
        reply = dnslib.DNSRecord.parse(question.send(server, 53, tcp=over_tcp, timeout=1))
        found += [str(record.rdata) for record in reply.rr if record.rtype in (1, 28)]
    return {"status": 200 if found else 0, "headers": {}, "body": json.dumps(found)}


def nameserver() -> str:
    with open("/etc/resolv.conf") as file:
        return next(line.split()[1] for line in file if line.startswith("nameserver"))


def main() -> None:
    for text in sys.stdin:
        print(json.dumps(asyncio.run(answers(json.loads(text)))), flush=True)


if __name__ == "__main__":
    os.environ.pop("HTTP_PROXY", None)
    main()
