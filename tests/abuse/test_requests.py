"""Requests written so that the proxy and the application might read them differently."""

import pytest

from tests.abuse import wire
from tests.abuse.conftest import Target

pytestmark = [pytest.mark.envoy, pytest.mark.root]

FORGED = "By=spiffe://cluster.local/ns/app/sa/x;URI=spiffe://cluster.local/ns/app/sa/boss"


def test_the_honest_request_is_answered(target: Target) -> None:
    assert wire.plain(target.gateway, wire.get("/a")).status == 200
    assert wire.plain(target.gateway, wire.get("/admin")).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/admin/", "/admin/x", "//admin", "///admin//x", "/./admin", "/x/../admin", "/%61dmin",
        "/%2e/admin", "/x/%2e%2e/admin", "/x/..%2fadmin", "/%2fadmin", "/admin%2fx", "/admin%2Fx",
        "/admin;v=1", "/admin?x=/../y", "/admin#x", "\\admin", "/x\\..\\admin", "/admin%5cx",
        "http://reviews.app/admin", "/%2561dmin/../admin",
    ],
)  # fmt: skip
def test_another_spelling_of_a_forbidden_path_is_refused(target: Target, path: str) -> None:
    assert wire.plain(target.gateway, wire.get(path)).status in (400, 403, 404)


@pytest.mark.parametrize(
    "host",
    ["secret.example.com", "SECRET.example.COM", "secret.example.com:80", "secret.example.com:1",
     "secret.example.com."],
)  # fmt: skip
def test_another_spelling_of_a_forbidden_host_is_refused(target: Target, host: str) -> None:
    assert wire.plain(target.gateway, wire.get("/a", host)).status in (400, 403, 404)


def test_the_host_of_an_absolute_target_counts(target: Target) -> None:
    request = wire.get("http://secret.example.com/a", "reviews.app")
    assert wire.plain(target.gateway, request).status in (400, 403, 404)


def test_two_hosts_are_one_that_nobody_has(target: Target) -> None:
    """They are joined before anything is decided, so that no application can pick one."""
    request = b"GET /a HTTP/1.1\r\nhost: reviews.app\r\nhost: secret.example.com\r\n\r\n"
    reply = wire.plain(target.gateway, request)
    assert reply.status in (0, 400, 404) or b"reviews.app,secret.example.com" in reply.content


@pytest.mark.parametrize(
    "lines",
    [
        "x-role: guest",
        "X-ROLE: guest",
        "x-role: admin\r\nx-role: guest",
        "x-role: guest\r\nx-role: admin",
        "x-role:guest",
        "x-role: \tguest \t",
    ],
)
def test_a_header_is_recognized_in_any_place_and_spelling(target: Target, lines: str) -> None:
    request = wire.get("/header").replace(b"connection:", f"{lines}\r\nconnection:".encode())
    assert wire.plain(target.gateway, wire.get("/header", x_role="admin")).status == 200
    assert wire.plain(target.gateway, request).status == 403


def test_a_hop_cannot_be_told_to_drop_what_was_checked(target: Target) -> None:
    """`connection: x-forwarded-client-cert` would take the caller's identity away."""
    request = wire.get("/a").replace(
        b"connection: close", b"connection: close, x-forwarded-client-cert, x-forwarded-proto"
    )
    reply = wire.plain(target.gateway, request)
    assert reply.status in (0, 400) or b"sa/ingressgateway" in reply.content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-client-cert", FORGED),
        ("X-Forwarded-Client-Cert", FORGED),
        ("x-envoy-external-address", "6.6.6.6"),
        ("x-envoy-internal", "true"),
        ("x-envoy-peer-metadata", "forged"),
        ("x-envoy-peer-metadata-id", "sidecar~6.6.6.6~boss.app~forged"),
        ("x-envoy-original-path", "/forged"),
        ("x-envoy-decorator-operation", "forged"),
        ("x-envoy-upstream-alt-stat-name", "forged"),
        ("x-subject", "forged"),
    ],
)
def test_what_strangers_say_of_themselves_is_not_passed_on(
    target: Target, name: str, value: str
) -> None:
    request = wire.get("/a").replace(b"connection:", f"{name}: {value}\r\nconnection:".encode())
    reply = wire.plain(target.gateway, request)
    assert reply.status == 200
    for word in (b"boss", b"6.6.6.6", b"forged"):
        assert word not in reply.content


def test_a_made_up_address_does_not_count_as_remote(target: Target) -> None:
    """No proxy in front is trusted, so x-forwarded-for is whatever the caller likes."""
    for value in ("6.6.6.6", "6.6.6.6, 10.0.0.1", "10.0.0.1, 6.6.6.6"):
        reply = wire.plain(target.gateway, wire.get("/inside", x_forwarded_for=value))
        assert reply.status == 403, value


SMUGGLED = b"GET /admin HTTP/1.1\r\nhost: reviews.app\r\n\r\n"
HEAD = b"POST /a HTTP/1.1\r\nhost: reviews.app\r\n"
CHUNKED = b"0\r\n\r\n" + SMUGGLED


def length(body: bytes) -> bytes:
    return b"content-length: %d\r\n" % len(body)


REFUSED = {
    "length and chunks": HEAD + length(CHUNKED) + b"transfer-encoding: chunked\r\n\r\n" + CHUNKED,
    "two lengths": HEAD + b"content-length: 3\r\n" + length(CHUNKED) + b"\r\n" + CHUNKED,
    "list of lengths": HEAD + b"content-length: 3, 3\r\n\r\nabc" + SMUGGLED,
    "signed length": HEAD + b"content-length: +3\r\n\r\nabc" + SMUGGLED,
    "hexadecimal length": HEAD + b"content-length: 0x3\r\n\r\nabc" + SMUGGLED,
    "unknown coding": HEAD + b"transfer-encoding: xchunked\r\n\r\n" + CHUNKED,
    "two codings": HEAD
    + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n"
    + CHUNKED,
    "space in name": HEAD + b"transfer-encoding : chunked\r\n\r\n" + CHUNKED,
    "vertical tab": HEAD + b"transfer-encoding:\x0bchunked\r\n\r\n" + CHUNKED,
    "size that is no number": HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n" + SMUGGLED,
    "negative chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\n" + SMUGGLED,
    "nul": b"GET /a HTTP/1.1\r\nhost: reviews.app\r\nx: a\0b\r\n\r\n",
    "nul in the path": b"GET /admin\0 HTTP/1.1\r\nhost: reviews.app\r\n\r\n",
    "words after": b"GET /a HTTP/1.1 x\r\nhost: reviews.app\r\n\r\n",
    "unknown version": b"GET /a HTTP/9.9\r\nhost: reviews.app\r\n\r\n",
}
MENDED = {  # read one way, and passed on in that way alone
    "folded line": b"GET /a HTTP/1.1\r\nhost: reviews.app\r\nx: y\r\n x-role: guest\r\n\r\n",
    "bare return": b"GET /a HTTP/1.1\r\nhost: reviews.app\r\nx: a\rx-role: guest\r\n\r\n",
    "two spaces": b"GET  /a HTTP/1.1\r\nhost: reviews.app\r\n\r\n",
}


@pytest.mark.parametrize("form", REFUSED)
def test_a_request_of_two_readings_is_refused(target: Target, form: str) -> None:
    reply = wire.plain(target.gateway, REFUSED[form])
    assert reply.status == 0 or reply.status >= 400, reply.content[:300]
    assert reply.answered == 0


@pytest.mark.parametrize("form", MENDED)
def test_a_sloppy_request_reaches_the_application_in_one_reading(target: Target, form: str) -> None:
    reply = wire.plain(target.gateway, MENDED[form] + SMUGGLED)
    assert reply.answered <= 1
    seen = reply.content.partition(b"\r\n\r\n")[2]
    assert b"\\r" not in seen
    assert b'"x-role"' not in seen


def test_an_upgrade_to_http2_is_not_a_tunnel(target: Target) -> None:
    """After `upgrade: h2c` nothing may go on unseen by the policies."""
    request = wire.get("/a").replace(
        b"connection: close",
        b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk",
    )
    reply = wire.plain(target.gateway, request + SMUGGLED)
    assert b"101 Switching" not in reply.content
    assert b'"path": "/admin"' not in reply.content


def test_connect_is_no_way_in(target: Target) -> None:
    request = b"CONNECT 127.0.0.1:15000 HTTP/1.1\r\nhost: 127.0.0.1:15000\r\n\r\n"
    reply = wire.plain(target.gateway, request)
    assert reply.status == 0 or reply.status >= 400
