"""The echo application's ports, by every protocol that it speaks."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import grpc
import httpx
import pytest
import websockets

from lateen.echo import framing
from lateen.echo.application import Application
from lateen.echo.identity import Identity
from lateen.echo.server import EchoServer, Ports
from tests.mesh.certificates import self_signed

T = TypeVar("T")
XFCC = (
    "By=spiffe://cluster.local/ns/d/sa/x;URI=spiffe://cluster.local/ns/d/sa/far,"
    'By=spiffe://cluster.local/ns/d/sa/x;Subject="CN=a,b;c";URI=spiffe://cluster.local/ns/d/sa/near'
)


def served(
    talk: Callable[[EchoServer], Awaitable[T]],
    upstreams: Callable[[int], tuple[tuple[str, str], ...]] = lambda _: (),
) -> T:
    async def scenario() -> T:
        identity = Identity(workload="reviews", version="v2", namespace="shop")
        application = Application(identity, {}, Random(7))
        server = EchoServer(application, Ports("127.0.0.1", http=(0,), tcp=(0,)))
        await server.start()
        application.upstreams = upstreams(server.addresses[0][1])
        try:
            async with asyncio.timeout(20):
                return await talk(server)
        finally:
            await server.stop()

    return asyncio.run(scenario())


def asked(path: str, **options: Any) -> httpx.Response:
    async def talk(server: EchoServer) -> httpx.Response:
        port = server.addresses[0][1]
        async with httpx.AsyncClient(trust_env=False) as client:
            method = options.pop("method", "GET")
            url = f"http://127.0.0.1:{port}{path.replace('PORT', str(port))}"
            return await client.request(method, url, **options)

    return served(talk)


def test_answer_names_the_workload_and_what_it_saw() -> None:
    seen = asked("/a/b?c=d", headers={"X-One": "1", "x-forwarded-client-cert": XFCC}).json()

    assert (seen["workload"], seen["version"], seen["namespace"]) == ("reviews", "v2", "shop")
    assert (seen["method"], seen["path"], seen["protocol"]) == ("GET", "/a/b?c=d", "HTTP/1.1")
    assert seen["headers"]["x-one"] == "1"
    assert seen["source"].startswith("127.0.0.1:")


def test_caller_is_the_nearest_client_of_the_forwarded_certificates() -> None:
    seen = asked("/", headers={"x-forwarded-client-cert": XFCC}).json()

    assert seen["caller"] == "spiffe://cluster.local/ns/d/sa/near"


def test_body_comes_back() -> None:
    assert asked("/", method="POST", content=b"hello").json()["body"] == "hello"


def test_status_path_answers_that_status() -> None:
    assert asked("/status/418").status_code == 418


def test_fail_path_fails_at_about_the_rate_asked_for() -> None:
    async def talk(server: EchoServer) -> list[int]:
        url = f"http://127.0.0.1:{server.addresses[0][1]}/fail?rate=0.5&code=500"
        async with httpx.AsyncClient(trust_env=False) as client:
            return [(await client.get(url)).status_code for _ in range(100)]

    codes = served(talk)
    assert set(codes) == {200, 500}
    assert 30 < codes.count(500) < 70


def test_call_reaches_onwards_with_the_trace_headers() -> None:
    url = "/call?url=http://127.0.0.1:PORT/inner&header=version:v2"
    seen = asked(url, headers={"x-request-id": "r-1", "x-private": "p"}).json()

    inner = seen["upstream"]["answer"]
    assert inner["path"] == "/inner"
    assert inner["headers"]["x-request-id"] == "r-1"
    assert inner["headers"]["version"] == "v2"
    assert "x-private" not in inner["headers"]


@pytest.mark.parametrize("scheme", ["h2c", "grpc"])
def test_call_speaks_http2(scheme: str) -> None:
    seen = asked(f"/call?url={scheme}://127.0.0.1:PORT/&body=x").json()

    assert seen["upstream"]["answer"]["protocol"] == {"h2c": "HTTP/2", "grpc": "gRPC"}[scheme]


def test_call_without_an_answer_is_502_and_says_why() -> None:
    answer = asked("/call?url=http://127.0.0.1:1/")

    assert answer.status_code == 502
    assert answer.json()["upstream"]["error"] == "connection refused"


def test_upstream_takes_all_paths_under_its_prefix() -> None:
    async def talk(server: EchoServer) -> Any:
        url = f"http://127.0.0.1:{server.addresses[0][1]}/threats/7?q=1"
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(url)).json()

    seen = served(talk, lambda port: (("/threats", f"http://127.0.0.1:{port}/api/"),))
    assert seen["upstream"]["answer"]["path"] == "/api/7?q=1"


def test_large_http2_answer_passes_the_flow_control_window() -> None:
    async def talk(server: EchoServer) -> bytes:
        address = f"127.0.0.1:{server.addresses[0][1]}"
        options = [("grpc.max_receive_message_length", -1)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            call = channel.unary_unary("/any.Service/Method")
            return bytes(await call(b"x" * 500_000))

    assert served(talk) == b"x" * 500_000


def test_grpc_stream_comes_back_message_by_message() -> None:
    async def talk(server: EchoServer) -> list[bytes]:
        address = f"127.0.0.1:{server.addresses[0][1]}"
        async with grpc.aio.insecure_channel(address) as channel:
            call = channel.stream_stream("/any.Service/Method")()
            replies = []
            for message in (b"one", b"two"):
                await call.write(message)
                replies.append(bytes(await call.read()))
            await call.done_writing()
            assert await call.code() == grpc.StatusCode.OK
            return replies

    assert served(talk) == [b"one", b"two"]


def test_grpc_describe_tells_what_was_seen() -> None:
    async def talk(server: EchoServer) -> Any:
        address = f"127.0.0.1:{server.addresses[0][1]}"
        async with grpc.aio.insecure_channel(address) as channel:
            reply = await channel.unary_unary(framing.DESCRIBE)(b"", metadata=[("a", "b")])
            return json.loads(reply)

    seen = served(talk)
    assert seen["protocol"] == "gRPC"
    assert seen["headers"]["a"] == "b"


def test_grpc_status_can_be_asked_for() -> None:
    async def talk(server: EchoServer) -> grpc.StatusCode:
        address = f"127.0.0.1:{server.addresses[0][1]}"
        async with grpc.aio.insecure_channel(address) as channel:
            call = channel.unary_unary("/any.Service/Method")(b"", metadata=[("echo-status", "14")])
            return await call.code()

    assert served(talk) == grpc.StatusCode.UNAVAILABLE


def test_grpc_health_check_is_serving() -> None:
    async def talk(server: EchoServer) -> bytes:
        address = f"127.0.0.1:{server.addresses[0][1]}"
        async with grpc.aio.insecure_channel(address) as channel:
            return bytes(await channel.unary_unary(framing.HEALTH)(b""))

    assert served(talk) == framing.SERVING


def test_websocket_echoes_and_describes() -> None:
    async def talk(server: EchoServer) -> tuple[str | bytes, Any]:
        address = f"ws://127.0.0.1:{server.addresses[0][1]}/chat"
        async with websockets.connect(address, proxy=None) as socket:
            await socket.send("hello")
            echoed = await socket.recv()
            await socket.send("describe")
            return echoed, json.loads(await socket.recv())

    echoed, seen = served(talk)
    assert echoed == "hello"
    assert (seen["protocol"], seen["path"]) == ("WebSocket", "/chat")


def test_tcp_port_sends_lines_back_with_its_name() -> None:
    async def talk(server: EchoServer) -> bytes:
        reader, writer = await asyncio.open_connection(*server.addresses[1])
        writer.write(b"ping\n")
        line = await reader.readline()
        writer.close()
        return line

    assert served(talk) == b"reviews v2: ping\n"


def test_stopping_server_is_not_ready_but_answers_what_is_open() -> None:
    async def talk(server: EchoServer) -> tuple[int, int]:
        url = f"http://127.0.0.1:{server.addresses[0][1]}"
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(url)
            slow = asyncio.ensure_future(client.get(f"{url}/delay?ms=300"))
            while not server.open_requests:
                await asyncio.sleep(0)
            await server.stop()
            return (await slow).status_code, server.open_requests

    assert served(talk) == (200, 0)


def test_https_port_tells_the_name_and_protocol_of_the_hello(tmp_path: Path) -> None:
    certificate = tmp_path / "echo.pem"
    certificate.write_bytes(b"".join(self_signed("echo.test")))

    async def scenario() -> Any:
        ports = Ports("127.0.0.1", https=(0,), certificate=certificate)
        server = EchoServer(Application(Identity(), {}, Random(7)), ports)
        await server.start()
        port = server.addresses[0][1]
        try:
            async with httpx.AsyncClient(trust_env=False, verify=False, http2=True) as client:
                url = f"https://127.0.0.1:{port}/"
                answer = await client.get(url, extensions={"sni_hostname": "echo.test"})
                return answer.json()
        finally:
            await server.stop()

    seen = asyncio.run(scenario())

    assert (seen["protocol"], seen["tls"]) == ("HTTP/2", {"sni": "echo.test", "alpn": "h2"})
