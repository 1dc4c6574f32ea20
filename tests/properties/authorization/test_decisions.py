"""What the real Envoy decides with our filters is what the policies mean, on random ones of both.

For HTTP the requests, identities and tokens are real; for TCP what only HTTP has must not matter.
"""

import socket
import ssl
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from random import Random

import pytest

from tests.properties.authorization import generate
from tests.properties.authorization.enforcing import (
    enforcing,
    free_port,
    http_listener,
    tcp_listener,
)
from tests.properties.authorization.identities import Identities
from tests.properties.authorization.reference import Policy, Request, World, is_allowed

pytestmark = pytest.mark.envoy

SEED = 2023
CASES, REQUESTS = 300, 16
STREAMS, CONNECTIONS = 100, 6
ANSWER_SECONDS = 10


def test_http_requests_are_decided_as_the_policies_mean(tmp_path: Path) -> None:
    random, identities = Random(SEED), Identities(tmp_path)
    port = free_port()
    cases = [generate.policies(random, port) for _ in range(CASES)]
    listener = http_listener(cases, identities, tmp_path)
    listener["address"]["socket_address"]["port_value"] = port
    asked = [
        (index, _with_token(generate.request(random), identities))
        for index in range(CASES)
        for _ in range(REQUESTS)
    ]
    with enforcing(listener):
        found = _decisions(asked, identities, port)

    _compare(cases, asked, found, port)


def test_tcp_connections_are_decided_as_the_policies_mean(tmp_path: Path) -> None:
    random, identities = Random(SEED), Identities(tmp_path)
    port = free_port()
    cases = [generate.policies(random, port) for _ in range(STREAMS)]
    listener = tcp_listener(cases, tmp_path)
    listener["address"]["socket_address"]["port_value"] = port
    asked = [
        (index, replace(generate.request(random, is_tcp=True), sni=f"case-{index}"))
        for index in range(STREAMS)
        for _ in range(CONNECTIONS)
    ]
    with enforcing(listener):
        found = [_gets_in(request, identities, port) for _, request in asked]

    _compare(cases, asked, found, port)


def _compare(
    cases: list[list[Policy]],
    asked: list[tuple[int, Request]],
    found: list[bool],
    port: int,
) -> None:
    world = World(generate.DOMAINS, "app", "127.0.0.1", port)
    meant = [is_allowed(cases[index], request, world) for index, request in asked]
    wrong = [
        (is_in, request, cases[index])
        for (index, request), is_in, should in zip(asked, found, meant, strict=True)
        if is_in is not should
    ]
    refused = meant.count(False)
    assert 0.2 < refused / len(meant) < 0.95, "the cases say nothing"
    assert not wrong, (
        f"{len(wrong)} of {len(meant)}, first (allowed, request, policies): {wrong[0]}"
    )


def _with_token(request: Request, identities: Identities) -> Request:
    return replace(request, token=identities.token(request.claims)) if request.claims else request


def _decisions(asked: list[tuple[int, Request]], identities: Identities, port: int) -> list[bool]:
    """Over one connection for each client."""
    found: dict[int, bool] = {}

    def client(position: int) -> tuple[str, str, str]:
        request = asked[position][1]
        return request.principal, request.peer, request.sni

    for _, positions in groupby(sorted(range(len(asked)), key=client), key=client):
        chosen = list(positions)
        with _connected(asked[chosen[0]][1], identities, port) as connection:
            for position in chosen:
                found[position] = _is_served(connection, *asked[position])
    return [found[position] for position in range(len(asked))]


def _connected(request: Request, identities: Identities, port: int) -> ssl.SSLSocket:
    plain = socket.create_connection(
        ("127.0.0.1", port), timeout=ANSWER_SECONDS, source_address=(request.peer, 0)
    )
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = identities.client(request.principal)
    return context.wrap_socket(plain, server_hostname=request.sni or None)


def _is_served(connection: ssl.SSLSocket, case: int, request: Request) -> bool:
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        f"host: {request.host}",
        f"x-case: {case}",
    ]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.forwarded:
        lines.append(f"x-forwarded-for: {request.forwarded}")
    if request.token:
        lines.append(f"authorization: Bearer {request.token}")
    connection.sendall("\r\n".join([*lines, "content-length: 0", "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(next(
        line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length")
    ))  # fmt: skip
    while len(body) < length:
        body += _received(connection)
    status = int(head.split()[1])
    assert status in (200, 403), (status, body)
    return status == 200


def _received(connection: ssl.SSLSocket) -> bytes:
    chunk = connection.recv(65536)
    assert chunk, "Envoy closed the connection"
    return chunk


def _gets_in(request: Request, identities: Identities, port: int) -> bool:
    with _connected(request, identities, port) as connection:
        try:
            connection.sendall(b"in")
            return connection.recv(16) == b"in"
        except (ConnectionError, ssl.SSLError):
            return False
