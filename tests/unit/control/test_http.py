"""The small HTTP server of the admin interface."""

import asyncio

from lateen.control.http import Answer, HttpServer, Query, as_json, text
from lateen.xds.transport.listener import Address

SECONDS = 5


def failing(query: Query) -> Answer:
    raise ValueError("a mistake in a page")


PAGES = {
    "/hello": lambda query: text(f"hello {query.parameters.get('name', '')}"),
    "/data": lambda query: as_json({"é": 1}),
    "/fail": failing,
}


def ask(request: bytes) -> str:
    """The whole answer to one request."""
    answer = ""

    async def main() -> None:
        nonlocal answer
        server = HttpServer(Address("127.0.0.1", 0), PAGES)
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
        async with asyncio.timeout(SECONDS):
            writer.write(request)
            answer = (await reader.read()).decode()
        writer.close()
        await server.stop()

    asyncio.run(main())
    return answer


def get(path: str) -> str:
    return ask(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())


def test_page_is_served_with_its_parameters() -> None:
    head, _, body = get("/hello?name=a%20b&x=").partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK")
    assert body == "hello a b"


def test_json_is_readable() -> None:
    answer = get("/data")
    assert "content-type: application/json" in answer
    assert answer.endswith('{\n  "é": 1\n}\n')


def test_unknown_page_is_404() -> None:
    assert get("/nowhere").startswith("HTTP/1.1 404")


def test_page_that_fails_is_500_and_does_not_show_why() -> None:
    answer = get("/fail")
    assert answer.startswith("HTTP/1.1 500")
    assert "mistake" not in answer


def test_other_methods_are_refused() -> None:
    assert ask(b"POST /hello HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 405")


def test_what_is_not_http_is_refused() -> None:
    assert ask(b"what\r\n\r\n").startswith("HTTP/1.1 400")


def test_endless_head_is_refused() -> None:
    assert ask(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000).startswith("HTTP/1.1 400")
