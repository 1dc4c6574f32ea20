"""The small HTTP server of the admin interface: pages, and who may see them."""

import asyncio
import stat
from pathlib import Path

import pytest

from lateen.audit.event import Event
from lateen.base import unix_sockets
from lateen.control.guard import Guard, load_or_create_token
from lateen.control.http import (
    Answer,
    HttpServer,
    PageTable,
    Query,
    UnixAddress,
    as_json,
    parse_admin_address,
    text,
)
from lateen.xds.transport.listener import Address, ListenError

SECONDS = 5
TOKEN = "a-token-of-the-state-folder"
HEADERS = f"host: localhost\r\nauthorization: Bearer {TOKEN}\r\n"


def failing(query: Query) -> Answer:
    raise ValueError("a mistake in a page")


PAGES = PageTable(
    {
        "/hello": lambda query: text(f"hello {query.parameters.get('name', '')}"),
        "/data": lambda query: as_json({"é": 1}),
        "/fail": failing,
        "/ready": lambda query: text("ready"),
    },
    {"/act": lambda query: text(f"done for {query.caller.actor}")},
    frozenset(("/ready",)),
)


class Kept:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)


def ask(request: bytes, recorder: Kept | None = None) -> str:
    """The whole answer to one request over loopback."""
    answer = ""

    async def main() -> None:
        nonlocal answer
        server = HttpServer(
            Address("127.0.0.1", 0), PAGES, guard=Guard(TOKEN), audit=recorder or Kept()
        )
        await server.start()
        assert isinstance(server.address, Address)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
        async with asyncio.timeout(SECONDS):
            writer.write(request)
            answer = (await reader.read()).decode()
        writer.close()
        await server.stop()

    asyncio.run(main())
    return answer


def get(path: str, headers: str = HEADERS, method: str = "GET") -> str:
    return ask(f"{method} {path} HTTP/1.1\r\n{headers}\r\n".encode())


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


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/hello"), ("PUT", "/hello"), ("GET", "/act")]
)
def test_other_methods_are_refused(method: str, path: str) -> None:
    assert get(path, method=method).startswith("HTTP/1.1 405")


def test_an_action_is_done_by_post() -> None:
    assert get("/act", method="POST").endswith("done for admin")


def test_what_is_not_http_is_refused() -> None:
    assert ask(b"what\r\n\r\n").startswith("HTTP/1.1 400")


def test_endless_head_is_refused() -> None:
    assert ask(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000).startswith("HTTP/1.1 400")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("host: localhost\r\n", 401),
        ("host: localhost\r\nauthorization: Bearer wrong\r\n", 401),
        ("host: localhost\r\nauthorization: Bearer \r\n", 401),
        (f"host: localhost\r\nauthorization: Basic {TOKEN}\r\n", 401),
        (f"host: attacker.example\r\nauthorization: Bearer {TOKEN}\r\n", 403),
        (f"host: 127.0.0.1.attacker.example:15014\r\nauthorization: Bearer {TOKEN}\r\n", 403),
        (f"authorization: Bearer {TOKEN}\r\n", 403),
        (f"{HEADERS}origin: http://localhost:15014\r\n", 403),
        (f"host: 127.0.0.1:15014\r\nauthorization: bearer {TOKEN}\r\n", 200),
        (f"host: [::1]:15014\r\nauthorization: Bearer {TOKEN}\r\n", 200),
    ],
)
def test_pages_need_the_token_and_the_right_host(headers: str, status: int) -> None:
    assert get("/hello", headers).startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("host: localhost\r\n", 200),
        ("host: attacker.example\r\n", 403),
        ("host: localhost\r\norigin: http://attacker.example\r\n", 403),
        ("host: localhost\r\nauthorization: Bearer wrong\r\n", 401),
    ],
)
def test_open_pages_are_for_programs_of_this_machine(headers: str, status: int) -> None:
    assert get("/ready", headers).startswith(f"HTTP/1.1 {status} ")


def test_requests_are_recorded_and_readiness_is_not() -> None:
    kept = Kept()
    for path, headers in (
        ("/hello?name=x", HEADERS),
        ("/hello", "host: localhost\r\n"),
        ("/ready", "host: localhost\r\n"),
        ("/ready", "host: elsewhere\r\n"),
    ):
        ask(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode(), kept)
    found = [(event.object, str(event.decision), event.actor) for event in kept.events]
    assert found == [
        ("GET /hello", "accepted", "admin"),
        ("GET /hello", "refused", ""),
        ("GET /ready", "refused", ""),
    ]
    assert all(TOKEN not in str(event) for event in kept.events)


def test_a_unix_socket_is_for_its_owner(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)  # longer than a socket's address
    deep.mkdir()
    address = UnixAddress(deep / "admin.sock")

    async def main(user: int) -> str:
        server = HttpServer(address, PAGES, guard=Guard(user=user))
        await server.start()
        assert stat.S_IMODE(address.path.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_connection(
            sock=unix_sockets.connected(address.path, None)
        )
        writer.write(b"GET /hello HTTP/1.1\r\n\r\n")
        answer = (await reader.read()).decode()
        writer.close()
        await server.stop()
        assert not address.path.exists()
        return answer

    assert asyncio.run(main(0)).startswith("HTTP/1.1 200")


def test_addresses_are_sockets_or_hosts_and_ports() -> None:
    assert parse_admin_address("unix:/run/x") == UnixAddress(Path("/run/x"))
    assert parse_admin_address("127.0.0.1:1") == Address("127.0.0.1", 1)


def test_beyond_loopback_nothing_is_served_without_tls() -> None:
    server = HttpServer(Address("0.0.0.0", 0), PAGES, guard=Guard(TOKEN))
    with pytest.raises(ListenError, match="not loopback"):
        asyncio.run(server.start())


def test_the_token_is_made_once_and_private(tmp_path: Path) -> None:
    made = load_or_create_token(tmp_path)
    assert load_or_create_token(tmp_path) == made
    assert len(made) > 30
    assert stat.S_IMODE((tmp_path / "admin-token").stat().st_mode) == 0o600
