"""One document over HTTP or HTTPS, at a bounded cost and from a checked address.

    name -> addresses -> those that may be reached -> connection to that very address -> answer

The name is resolved once and the connection goes to the address that was checked, so that a name
which points elsewhere a moment later gains nothing. Redirects are refused: they would lead past the
check. TLS is verified against the name. Time, head and body are limited in total.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from urllib.parse import SplitResult, urlsplit

import h11

from lateen.jwks.errors import KeyFetchError
from lateen.jwks.reach import Reach

log = logging.getLogger(__name__)

LARGEST_BODY = 512 * 1024  # bytes; large providers publish a few kilobytes
LARGEST_HEAD = 32 * 1024
CHUNK = 16 * 1024
PORTS = {"http": 80, "https": 443}
PLAIN = ("", "identity")
REDIRECTS = range(300, 400)
OK = 200


# Threads of their own: names that are slow to resolve must not hold up other work of the process.
RESOLVERS = ThreadPoolExecutor(8, thread_name_prefix="jwks-resolver")
Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver; raises OSError."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(RESOLVERS, ask)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Fetch:
    """How to fetch; `tls` verifies servers."""

    reach: Reach
    tls: ssl.SSLContext
    resolve: Resolve = resolve

    async def __call__(self, url: str, *, timeout_seconds: float) -> bytes:
        """Raises KeyFetchError, fit to be shown to who wrote the URL."""
        parts = _checked(url)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._fetched(parts)
        except TimeoutError as late:
            raise KeyFetchError(f"no whole answer within {timeout_seconds:g} s") from late
        except ssl.SSLCertVerificationError as wrong:
            raise KeyFetchError(
                f"the server's certificate is not good: {wrong.verify_message}"
            ) from wrong
        except (OSError, EOFError, h11.ProtocolError) as trouble:
            raise KeyFetchError(_reason(trouble)) from trouble

    async def _fetched(self, parts: SplitResult) -> bytes:
        host = parts.hostname or ""
        port = parts.port or PORTS[parts.scheme]
        reader, writer = await self._connected(host, port, is_tls=parts.scheme == "https")
        try:
            connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
            writer.write(_request(connection, parts))
            await writer.drain()
            return await _body(connection, reader)
        finally:
            writer.close()

    async def _connected(
        self, host: str, port: int, *, is_tls: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """To the first address that takes the connection; raises the last one's trouble."""
        trouble: OSError | None = None
        for address in await self._addresses(host, port):
            try:
                return await asyncio.open_connection(
                    address,
                    port,
                    ssl=self.tls if is_tls else None,
                    server_hostname=host if is_tls else None,
                )
            except ssl.SSLError:
                raise
            except OSError as failed:
                trouble = failed
        raise trouble or KeyFetchError(f"{host} has no address")

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = await self.resolve(host, port)
        except (OSError, UnicodeError) as unknown:
            raise KeyFetchError(f"the name {host} cannot be resolved") from unknown
        reasons = {address: self.reach.refusal(host, address) for address in addresses}
        allowed = [address for address in addresses if not reasons[address]]
        if not allowed and addresses:
            first = addresses[0]
            raise KeyFetchError(f"{host} leads to {first}, which {reasons[first]}")
        return allowed


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise KeyFetchError("this is not a URL") from wrong
    if parts.scheme not in PORTS:
        raise KeyFetchError("only http and https URLs are fetched")
    if not parts.hostname or port == 0:
        raise KeyFetchError("the URL has no host or no port")
    if parts.username is not None or parts.password is not None:
        raise KeyFetchError("a URL with a user is not fetched")
    if not url.isascii() or any(character <= " " for character in url):
        raise KeyFetchError("the URL has spaces, control or other than ASCII characters")
    return parts


def _request(connection: h11.Connection, parts: SplitResult) -> bytes:
    headers = [
        ("host", parts.netloc),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        ("user-agent", "lateen"),
        ("connection", "close"),
    ]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = connection.send(h11.Request(method="GET", target=target, headers=headers))
    return (head or b"") + (connection.send(h11.EndOfMessage()) or b"")


async def _body(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Response):
            _check_head(event)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY:
                raise KeyFetchError(f"the answer is larger than {LARGEST_BODY // 1024} KiB")
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body)
        elif isinstance(event, h11.ConnectionClosed):
            raise EOFError("the connection was closed before an answer came")


def _check_head(answer: h11.Response) -> None:
    if answer.status_code in REDIRECTS:
        raise KeyFetchError(
            f"the answer is a redirect ({answer.status_code}), which is not followed; "
            "write the URI that it leads to"
        )
    if answer.status_code != OK:
        raise KeyFetchError(f"the answer has status {answer.status_code}")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in answer.headers}
    if headers.get("content-encoding", "").lower() not in PLAIN:
        raise KeyFetchError("the answer is compressed, though that was not asked for")


def _reason(trouble: Exception) -> str:
    if isinstance(trouble, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(trouble, ssl.SSLError):
        return f"TLS failed: {trouble.reason or trouble}"
    if isinstance(trouble, h11.ProtocolError):
        return f"the answer is cut off or not HTTP ({trouble})"
    return str(trouble) or type(trouble).__name__
