"""Much traffic from one, which must not take the proxy from the others."""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.abuse import wire
from tests.abuse.conftest import Target

pytestmark = [pytest.mark.envoy, pytest.mark.root]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
GROWTH_BYTES = 100 * 1024 * 1024
PATIENCE_SECONDS = 3.0


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


def header(name: bytes, value: bytes) -> bytes:
    """HPACK, a literal that is not kept, without compression."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


REQUEST = b"".join(
    header(*pair)
    for pair in (
        (b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/a"),
        (b":authority", b"reviews.app"),
    )
)  # fmt: skip


def resets() -> Iterator[bytes]:
    """Each request is taken back at once: the work is done, no limit of streams is reached."""
    for number in range(1, 40_000, 2):
        yield frame(HEADERS, END_HEADERS | END_STREAM, number, REQUEST)
        yield frame(RESET, 0, number, struct.pack(">I", 8))


def continuations() -> Iterator[bytes]:
    yield frame(HEADERS, 0, 1, REQUEST)
    for _ in range(20_000):
        yield frame(CONTINUATION, 0, 1, header(b"x", b"y" * 100) * 100)


def settings() -> Iterator[bytes]:
    for _ in range(200_000):
        yield frame(SETTINGS, 0, 0)


def pings() -> Iterator[bytes]:
    for _ in range(200_000):
        yield frame(PING, 0, 0, bytes(8))


def empty_data() -> Iterator[bytes]:
    yield frame(HEADERS, END_HEADERS, 1, REQUEST.replace(b"\x03GET", b"\x04POST"))
    for _ in range(200_000):
        yield frame(DATA, 0, 1)


def windows() -> Iterator[bytes]:
    for _ in range(100_000):
        yield frame(WINDOW, 0, 0, struct.pack(">I", 0x7FFFFFFF))


def streams() -> Iterator[bytes]:
    """Requests that are never finished."""
    for number in range(1, 40_000, 2):
        yield frame(HEADERS, END_HEADERS, number, REQUEST)


FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    flood.__name__: flood
    for flood in (resets, continuations, settings, pings, empty_data, windows, streams)
}


LET_PASS = ("empty_data",)  # within the limits of one stream, and cheap


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_frames_is_cut_off_and_others_are_served(target: Target, name: str) -> None:
    with unharmed(target):
        is_cut_off = pour(target, FLOODS[name]())
        served_meanwhile(target)
        assert is_cut_off or name in LET_PASS


def pour(target: Target, frames: Iterator[bytes]) -> bool:
    """Sends all; whether the other side closed the connection over it."""
    host, _, port = target.gateway.partition(":")
    batch = bytearray(PREFACE + frame(SETTINGS, 0, 0))
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as opened:
        try:
            for each in frames:
                batch += each
                if len(batch) > 60_000:
                    opened.sendall(batch)
                    batch.clear()
            opened.sendall(batch)
            while opened.recv(65536):
                pass  # what it says before it closes
        except TimeoutError:
            return False
        except OSError:
            pass  # closed while we were sending
    return True


def test_a_header_of_a_megabyte_is_refused(target: Target) -> None:
    with unharmed(target):
        for request in (wire.get("/a", x="y" * 1_000_000), wire.get("/" + "a" * 1_000_000)):
            assert wire.plain(target.gateway, request).status in (0, 400, 414, 431)


def test_a_thousand_headers_are_refused(target: Target) -> None:
    many = "".join(f"x-{number}: y\r\n" for number in range(1000)).encode()
    request = wire.get("/a").replace(b"connection:", many + b"connection:")
    assert wire.plain(target.gateway, request).status in (0, 400, 431)


def test_callers_that_never_finish_keep_nobody_waiting(target: Target) -> None:
    host, _, port = target.gateway.partition(":")
    with unharmed(target), ExitStack() as open_connections:
        for _ in range(300):
            opened = socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)
            open_connections.enter_context(opened)
            opened.sendall(b"GET /a HTTP/1.1\r\nhost: reviews.app\r\nx-slow: ")
        served_meanwhile(target)


# -- what must hold ----------------------------------------------------------------------------


def served_meanwhile(target: Target) -> None:
    began = time.monotonic()
    assert wire.plain(target.gateway, wire.get("/a")).status == 200
    assert time.monotonic() - began < PATIENCE_SECONDS


@contextmanager
def unharmed(target: Target) -> Iterator[None]:
    """The gateway's Envoy is the same process afterwards, and has not grown much."""
    (pod,) = target.mesh.pods("ingressgateway")
    (envoy,) = [pid for pid in children(pod["agent_pid"]) if "envoy" in name_of(pid)]
    before = memory(envoy)
    yield
    assert Path(f"/proc/{envoy}").exists()
    assert memory(envoy) - before < GROWTH_BYTES
    served_meanwhile(target)


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def name_of(pid: int) -> str:
    return os.path.basename(os.readlink(f"/proc/{pid}/exe"))


def memory(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
