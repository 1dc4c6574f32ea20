"""Calls of a server that signs elsewhere: HTTPS, JSON both ways, bounded in time, size and number.

Redirects are not followed: credentials go to the address that was configured and nowhere else.
"""

import asyncio
import http.client
import ipaddress
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lateen.ca.errors import AuthorityError

TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 1024 * 1024
MOST_AT_ONCE = 16
MOST_WAITING = 1000
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any  # JSON; None when the body is empty

    @property
    def is_fine(self) -> bool:
        return 200 <= self.status < 300


class RemoteServer:
    """One server. `ca_file`: whom to believe that it is the server; empty: the system's roots."""

    def __init__(
        self, address: str, *, ca_file: str = "", timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise AuthorityError(f"{address!r} is not an https:// address")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise AuthorityError(f"{address!r}: plain http is for loopback only; use https://")
        self.address = address
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/")
        self._ca_file = ca_file
        self._timeout_seconds = timeout_seconds
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)
        self._waiting = 0

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Whatever the server answers; AuthorityError if it does not, or says no JSON."""
        if self._waiting >= MOST_WAITING:
            raise AuthorityError(f"too many calls of {self.address} are waiting")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._call, method, path, body, dict(headers or {}))
        except (OSError, ValueError, http.client.HTTPException) as trouble:
            raise AuthorityError(f"{self.address} does not answer: {trouble}") from trouble
        finally:
            self._waiting -= 1

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Reply:
        """In a thread: blocks up to the time limit."""
        connection = self._connection()
        content = None if body is None else json.dumps(body)
        headers.setdefault("content-type", "application/json")
        try:
            connection.request(method, self._base + path, content, headers)
            answer = connection.getresponse()
            text = answer.read(LARGEST_ANSWER + 1)
        finally:
            connection.close()
        if len(text) > LARGEST_ANSWER:
            raise ValueError(f"its answer is larger than {LARGEST_ANSWER} bytes")
        return Reply(answer.status, json.loads(text) if text.strip() else None)

    def _connection(self) -> http.client.HTTPConnection:
        if not self._is_secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_seconds)
        context = ssl.create_default_context(cafile=self._ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout_seconds, context=context
        )


def said(reply: Reply) -> str:
    """The server's own words, for a message."""
    body = reply.body if isinstance(reply.body, dict) else {}
    errors = body.get("errors") or body.get("message") or ""
    text = "; ".join(map(str, errors)) if isinstance(errors, list) else str(errors)
    return f"{reply.status} {text.strip()}"[:LONGEST_REASON].strip()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
