"""Small HTTP: what both ends do with whole, odd and hostile messages."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from lateen.agent import address, http1
from lateen.agent.address import Address
from lateen.agent.errors import AgentError
from lateen.agent.http1 import Request, Response

HERE = Address("127.0.0.1", 0)


async def told(request: Request) -> Response:
    text = f"{request.method} {request.path} {request.query} {request.body.decode()}"
    return Response(200, text.encode())


def with_server(test: Callable[[Address], Awaitable[None]]) -> None:
    async def scenario() -> None:
        server, where = await http1.serve(told, HERE)
        async with server:
            await test(where)

    asyncio.run(scenario())


def raw(message: bytes) -> bytes:
    """What the server answers to these bytes, until it closes."""
    found = b""

    async def exchange(where: Address) -> None:
        nonlocal found
        reader, writer = await address.connect(where)
        writer.write(message)
        writer.write_eof()
        found = await reader.read()
        writer.close()

    with_server(exchange)
    return found


def answering(message: bytes, **options: object) -> Response:
    """What the client makes of a server that answers with these bytes."""

    async def scenario() -> Response:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(message)
            writer.close()

        server, where = await address.serve(connected, HERE)
        async with server:
            return await http1.fetch(where, "/", timeout=2, **options)  # type: ignore[arg-type]

    return asyncio.run(scenario())


def test_a_request_arrives_and_its_answer_comes_back() -> None:
    async def test(where: Address) -> None:
        response = await http1.fetch(where, "/a?b=c", timeout=2, method="POST")
        assert (response.status, response.body) == (200, b"POST /a b=c ")

    with_server(test)


def test_two_requests_share_a_connection() -> None:
    answers = raw(b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi")
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.endswith(b"POST /b  hi")


@pytest.mark.parametrize(
    "message",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_bad_request_is_told_so_and_ends_the_connection(message: bytes) -> None:
    assert raw(message).startswith(b"HTTP/1.1 400 Bad Request")


@pytest.mark.parametrize(
    "message", [b"GET / HTTP/1.1\r\nx: " + b"a" * 40000 + b"\r\n\r\n", b"\x16"]
)
def test_bytes_beyond_reason_do_not_hurt_the_server(message: bytes) -> None:
    async def test(where: Address) -> None:
        _, writer = await address.connect(where)
        writer.write(message)
        writer.close()
        assert (await http1.fetch(where, "/", timeout=2)).status == 200

    with_server(test)


def test_an_answer_in_chunks_is_joined() -> None:
    response = answering(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"
    )
    assert response.body == b"abc"


def test_an_answer_without_length_ends_with_the_connection() -> None:
    assert answering(b"HTTP/1.1 200 OK\r\n\r\nabc").body == b"abc"


def test_a_long_answer_is_cut() -> None:
    assert answering(b"HTTP/1.1 200 OK\r\n\r\nabcdef", largest=3).body == b"abc"


@pytest.mark.parametrize(
    "message", [b"", b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na"]
)
def test_half_an_answer_is_an_error(message: bytes) -> None:
    with pytest.raises(AgentError):
        answering(message)


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(AgentError, match=r"127\.0\.0\.1:1"):
        asyncio.run(http1.fetch(Address("127.0.0.1", 1), "/", timeout=2))
