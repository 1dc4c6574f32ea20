import asyncio
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lateen.jwks.errors import KeyFetchError
from lateen.jwks.fetch import LARGEST_BODY, Fetch
from lateen.jwks.reach import Reach
from tests.mesh.certificates import self_signed
from tests.unit.jwks.server import RSA_KEY, KeyServer, answer, key_server, keys

LOOPBACK = Reach.parse(allow=["127.0.0.1"])
SECONDS = 5.0
Trial = Callable[[KeyServer], Awaitable[None]]


def fetching(reach: Reach = LOOPBACK) -> Fetch:
    return Fetch(reach, ssl.create_default_context())


def with_server(trial: Trial, tls: ssl.SSLContext | None = None) -> None:
    async def main() -> None:
        async with key_server(tls) as server:
            await trial(server)

    asyncio.run(main())


async def refused(fetch: Fetch, url: str, why: str, seconds: float = SECONDS) -> None:
    with pytest.raises(KeyFetchError, match=why):
        await fetch(url, timeout_seconds=seconds)


def test_a_document_is_fetched() -> None:
    async def trial(server: KeyServer) -> None:
        server.answers["/keys?v=1"] = answer(keys(RSA_KEY))
        found = await fetching()(server.url("/keys?v=1"), timeout_seconds=SECONDS)
        assert found == keys(RSA_KEY)

    with_server(trial)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(b"", "302 Found", "location: http://127.0.0.1:1/"), "redirect"),
        (answer(b"", "500 Internal Server Error"), "status 500"),
        (answer(b"x" * (LARGEST_BODY + 1)), "larger than"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000, "too long"),
        (answer(b"{}", "200 OK", "content-encoding: gzip"), "compressed"),
        (b"not HTTP at all\r\n\r\n", "not HTTP"),
        (b"", "cut off"),
    ],
)
def test_an_answer_that_is_no_document_is_refused(reply: bytes, why: str) -> None:
    async def trial(server: KeyServer) -> None:
        server.answers["/keys"] = reply
        await refused(fetching(), server.url(), why)

    with_server(trial)


def test_a_slow_server_is_given_up() -> None:
    async def trial(server: KeyServer) -> None:
        server.answers["/keys"] = None
        await refused(fetching(), server.url(), "within 0.1 s", seconds=0.1)

    with_server(trial)


def test_a_redirect_leads_nowhere() -> None:
    async def trial(server: KeyServer) -> None:
        server.answers["/keys"] = answer(b"", "301 Moved", f"location: {server.url('/inside')}")
        server.answers["/inside"] = answer(keys(RSA_KEY))
        await refused(fetching(), server.url(), "redirect")
        assert server.asked == ["/keys"]

    with_server(trial)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_loopback_is_not_connected_to(host: str) -> None:
    async def trial(server: KeyServer) -> None:
        await refused(fetching(Reach()), server.url(host=host), "loopback|cannot be resolved")
        assert server.asked == []

    with_server(trial)


def test_a_name_is_resolved_once_and_the_checked_address_is_used() -> None:
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async def trial(server: KeyServer) -> None:
        server.answers["/keys"] = answer(keys(RSA_KEY))
        fetch = Fetch(LOOPBACK, ssl.create_default_context(), rebinding)
        await fetch(server.url(host="keys.example.com"), timeout_seconds=SECONDS)
        assert asked == ["keys.example.com"]
        await refused(fetch, server.url(host="keys.example.com"), "127.0.0.2.*loopback")

    with_server(trial)


def test_of_several_addresses_only_allowed_ones_are_tried() -> None:
    async def several(host: str, port: int) -> list[str]:
        return ["169.254.169.254", "127.0.0.1"]

    async def trial(server: KeyServer) -> None:
        server.answers["/keys"] = answer(keys(RSA_KEY))
        fetch = Fetch(LOOPBACK, ssl.create_default_context(), several)
        assert await fetch(server.url(host="keys.example.com"), timeout_seconds=SECONDS)

    with_server(trial)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://keys.example.com/",
        "http://",
        "http://user:word@keys.example.com/",
        "http://keys.example.com:0/",
        "http://keys.example.com:99999/",
        "http://keys.example.com/a\r\nx: y",
        "keys",
    ],
)
def test_what_is_no_plain_url_is_not_fetched(url: str) -> None:
    asyncio.run(refused(fetching(), url, "URL"))


def test_a_server_that_is_not_there_is_said_so() -> None:
    asyncio.run(refused(fetching(), "http://127.0.0.1:1/keys", "refused"))


def test_tls_servers_are_verified() -> None:
    certificate, key = self_signed("localhost")
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(certificate + key)
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(file.name)
        trusting = ssl.create_default_context(cafile=file.name)
    reach = Reach.parse(allow=["localhost", "127.0.0.1"])

    async def trial(server: KeyServer) -> None:
        server.answers["/keys"] = answer(keys(RSA_KEY))
        known = Fetch(reach, trusting)
        assert await known(server.url(host="localhost"), timeout_seconds=SECONDS)
        await refused(known, server.url(host="127.0.0.1"), "certificate is not good")
        await refused(fetching(reach), server.url(host="localhost"), "certificate is not good")

    with_server(trial, served)
