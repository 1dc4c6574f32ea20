"""The transport against a client that speaks HTTP/2 frame by frame, well and badly."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable

import hyperframe.frame as h2
import pytest

from lateen.base.tasks import Tasks
from lateen.xds.transport import frames
from lateen.xds.transport.call import Call
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.listener import Listener, ListenError, parse_address
from lateen.xds.transport.message import Message
from lateen.xds.transport.service import Deferred, Methods, Streaming, Unary
from lateen.xds.transport.status import CallRefused, Status
from tests.unit.xds.raw_client import ECHO, RawClient, connected


class Echo:
    """Answers every message with itself; keeps what happened."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.happened: list[str] = []

    def on_message(self, message: bytes) -> None:
        if message == b"refuse":
            raise CallRefused(Status.NOT_FOUND, "no such thing: ✗")
        if message == b"fail":
            raise ValueError("a mistake in the service")
        self.call.send(Message(message))

    def on_writable(self) -> None:
        self.happened.append("writable")

    def on_half_close(self) -> None:
        self.call.finish(Status.OK)

    def on_close(self) -> None:
        self.happened.append("closed")


def scenario(
    steps: Callable[[RawClient, list[Echo]], Awaitable[None]], limits: Limits | None = None
) -> None:
    opened: list[Echo] = []

    def open_echo(call: Call) -> Echo:
        opened.append(Echo(call))
        return opened[-1]

    methods: Methods = {
        ECHO: Streaming(open_echo),
        "/test/Double": Unary(lambda call, message: message * 2),
    }

    async def main() -> None:
        async with Tasks() as tasks:
            slow = {
                "/test/Slow": Deferred(slow_double, tasks),
                "/test/Never": Deferred(never, tasks, seconds=0.05),
            }
            async with connected({**methods, **slow}, limits) as client:
                await steps(client, opened)

    asyncio.run(main())


async def slow_double(call: Call, message: bytes) -> bytes:
    await asyncio.sleep(0)
    if message == b"refuse":
        raise CallRefused(Status.NOT_FOUND, "no such thing")
    return message * 2


async def never(call: Call, message: bytes) -> bytes:
    await asyncio.Event().wait()
    return b""


def test_message_comes_back_in_data_frames_of_at_most_16_kib() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello(window=1 << 20)
        client.open()
        body = bytes(range(256)) * 100
        content = b"\0" + len(body).to_bytes(4, "big") + body
        client.frame(h2.DataFrame(1, content[:10000]))
        client.frame(h2.DataFrame(1, content[10000:10003]))
        client.frame(h2.DataFrame(1, content[10003:]))
        first, second = await client.next(h2.DataFrame), await client.next(h2.DataFrame)
        assert len(first.data) == 16384
        assert first.data + second.data == content

    scenario(steps)


def test_bytes_that_trickle_in_one_by_one_are_understood() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        whole = frames.PREFACE + h2.SettingsFrame(0).serialize()
        whole += h2.HeadersFrame(1, client.headers(), flags=["END_HEADERS"]).serialize()
        whole += h2.DataFrame(1, b"\0\0\0\0\2hi").serialize()
        for byte in whole:
            client.raw(bytes((byte,)))
            await client.writer.drain()
        assert (await client.next(h2.DataFrame)).data == b"\0\0\0\0\2hi"

    scenario(steps)


def test_padding_priority_and_continuation_are_understood() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        block = client.headers()
        head = h2.HeadersFrame(1, block[:5], flags=["PADDED", "PRIORITY"])
        head.pad_length = 7
        client.frame(head)
        client.frame(h2.ContinuationFrame(1, block[5:9]))
        client.frame(h2.ContinuationFrame(1, block[9:], flags=["END_HEADERS"]))
        padded = h2.DataFrame(1, b"\0\0\0\0\2hi", flags=["PADDED"])
        padded.pad_length = 30
        client.frame(padded)
        assert (await client.next(h2.DataFrame)).data == b"\0\0\0\0\2hi"

    scenario(steps)


def test_a_small_window_is_kept_to_and_the_rest_follows_its_updates() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello(window=10)
        client.open()
        client.message(b"x" * 20)
        client.message(b"later")
        assert len((await client.next(h2.DataFrame)).data) == 10
        assert not opened[0].call.writable
        client.frame(h2.WindowUpdateFrame(1, window_increment=15))
        assert len((await client.next(h2.DataFrame)).data) == 15
        client.frame(h2.WindowUpdateFrame(1, window_increment=1000))
        assert (await client.next(h2.DataFrame)).data == b"\0\0\0\0\5later"
        assert opened[0].call.writable
        assert opened[0].happened == ["writable"]

    scenario(steps)


def test_the_connection_window_holds_for_all_streams_together() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello(window=1 << 20)
        client.open(1)
        client.open(3)
        client.message(b"x" * 60000, 1)
        client.message(b"y" * 60000, 3)
        received = 0
        while received < frames.DEFAULT_WINDOW:
            received += len((await client.next(h2.DataFrame)).data)
        assert received == frames.DEFAULT_WINDOW
        assert opened[0].call.writable
        assert not opened[1].call.writable
        client.frame(h2.WindowUpdateFrame(0, window_increment=1 << 20))
        while received < 120010:
            received += len((await client.next(h2.DataFrame)).data)
        assert opened[1].call.writable

    scenario(steps)


def test_a_smaller_initial_window_counts_for_open_streams_too() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello(window=100)
        client.open()
        client.message(b"x" * 45)
        await client.next(h2.DataFrame)
        client.frame(h2.SettingsFrame(0, settings={frames.INITIAL_WINDOW_SIZE: 20}))
        client.message(b"y" * 5)
        client.frame(h2.PingFrame(0, b"12345678"))
        assert (await client.next(h2.PingFrame)).opaque_data == b"12345678"
        client.frame(h2.WindowUpdateFrame(1, window_increment=40))
        assert (await client.next(h2.DataFrame)).data == b"\0\0\0\0\5yyyyy"

    scenario(steps)


def test_receive_windows_are_opened_again() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello(window=1 << 24)
        client.frame(h2.WindowUpdateFrame(0, window_increment=1 << 24))
        client.open()
        for _ in range(5):
            client.message(b"x" * 10000)
        updates = {(await client.next(h2.WindowUpdateFrame)).stream_id for _ in range(3)}
        assert updates == {0, 1}

    scenario(steps, Limits(stream_window=20000, connection_window=80000))


def test_unary_call_is_answered_and_ends() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open(path="/test/Double")
        client.message(b"ab", 1, "END_STREAM")
        assert (await client.next(h2.DataFrame)).data == b"\0\0\0\0\4abab"
        assert await client.status() == {"grpc-status": "0"}

    scenario(steps)


@pytest.mark.parametrize(
    ("path", "message", "status"),
    [("/test/Slow", b"ab", "0"), ("/test/Slow", b"refuse", "5"), ("/test/Never", b"", "4")],
)
def test_deferred_answers_end_their_calls(path: str, message: bytes, status: str) -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open(path=path)
        client.message(message, 1, "END_STREAM")
        if status == "0":
            assert (await client.next(h2.DataFrame)).data == b"\0\0\0\0\4abab"
        assert (await client.status())["grpc-status"] == status

    scenario(steps)


@pytest.mark.parametrize(
    ("message", "status", "text"),
    [(b"refuse", "5", "no such thing: %E2%9C%97"), (b"fail", "13", "internal error")],
)
def test_trouble_of_a_service_ends_its_call_alone(message: bytes, status: str, text: str) -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open(1)
        client.open(3)
        client.message(message, 1)
        assert await client.status() == {"grpc-status": status, "grpc-message": text}
        client.message(b"alive", 3)
        assert (await client.next(h2.DataFrame)).stream_id == 3
        assert opened[0].happened == ["closed"]

    scenario(steps)


def test_unknown_method_is_unimplemented() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open(path="/no/Such")
        assert (await client.status())["grpc-status"] == "12"

    scenario(steps)


def test_what_is_not_grpc_gets_an_http_status() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open(**{"content-type": "text/plain"})
        assert await client.status() == {":status": "415"}

    scenario(steps)


def test_message_over_the_limit_ends_the_call() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open()
        client.message(b"x" * 101)
        assert (await client.status())["grpc-status"] == "8"

    scenario(steps, Limits(message_bytes=100))


def test_more_streams_than_allowed_are_refused() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        for stream in (1, 3, 5):
            client.open(stream)
        refused = await client.next(h2.RstStreamFrame)
        assert (refused.stream_id, refused.error_code) == (5, frames.REFUSED_STREAM)

    scenario(steps, Limits(streams=2))


def test_a_client_that_opens_and_resets_without_end_is_sent_away() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        for stream in range(1, 60, 2):
            client.open(stream)
            client.frame(h2.RstStreamFrame(stream, error_code=frames.CANCEL))
        assert (await client.reason())[0] == frames.ENHANCE_YOUR_CALM
        assert all(echo.happened == ["closed"] for echo in opened)

    scenario(steps, Limits(resets=20))


def test_headers_without_end_are_not_collected() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.frame(h2.HeadersFrame(1, b"\x00"))
        for _ in range(5):
            client.frame(h2.ContinuationFrame(1, b"a" * 1000))
        assert (await client.reason())[0] == frames.ENHANCE_YOUR_CALM

    scenario(steps, Limits(header_bytes=2000))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (h2.DataFrame(1, b"x").serialize(), frames.PROTOCOL_ERROR),  # never opened
        (h2.WindowUpdateFrame(0, window_increment=2**31 - 1).serialize(),
         frames.FLOW_CONTROL_ERROR),
        (h2.RstStreamFrame(9).serialize(), frames.PROTOCOL_ERROR),
        (h2.HeadersFrame(2, b"\x83", flags=["END_HEADERS"]).serialize(), frames.PROTOCOL_ERROR),
        (h2.HeadersFrame(1, b"\xff\xff\xff", flags=["END_HEADERS"]).serialize(),
         frames.COMPRESSION_ERROR),
        (h2.ContinuationFrame(1, b"", flags=["END_HEADERS"]).serialize(), frames.PROTOCOL_ERROR),
        (h2.PushPromiseFrame(1, promised_stream_id=2).serialize(), frames.PROTOCOL_ERROR),
        (b"\x00\x00\x05\x04\x00\x00\x00\x00\x00hello", frames.FRAME_SIZE_ERROR),
        (b"\xff\x00\x00\x00\x00\x00\x00\x00\x01", frames.FRAME_SIZE_ERROR),
    ],
)  # fmt: skip
def test_broken_protocol_is_answered_with_its_code(content: bytes, code: int) -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.raw(content)
        assert (await client.reason())[0] == code

    scenario(steps)


def test_another_protocol_is_told_what_this_port_speaks() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.raw(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        code, text = await client.reason()
        assert (code, text) == (frames.PROTOCOL_ERROR, "this port speaks HTTP/2 (gRPC) only")

    scenario(steps)


def test_a_client_over_its_receive_window_is_sent_away() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open()
        client.message(b"x" * 3000)
        assert (await client.reason())[0] == frames.FLOW_CONTROL_ERROR

    scenario(steps, Limits(stream_window=2000))


def test_plaintext_on_another_address_than_loopback_is_refused() -> None:
    with pytest.raises(ListenError, match="loopback only"):
        Listener(parse_address("0.0.0.0:15010"), {}, tls=None, limits=Limits())


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:15010", "127.0.0.1", 15010), ("[::1]:80", "::1", 80), (":15012", "", 15012)],
)
def test_address_is_read(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert (address.host, address.port) == (host, port)


@pytest.mark.parametrize("text", ["15010", "host:", "a:b", "x:70000"])
def test_address_that_makes_no_sense_is_named(text: str) -> None:
    with pytest.raises(ListenError, match="write HOST:PORT"):
        parse_address(text)


def test_a_closed_connection_leaves_nothing_for_the_cycle_collector() -> None:
    async def steps(client: RawClient, opened: list[Echo]) -> None:
        client.hello()
        client.open()
        client.message(b"hi")
        await client.next(h2.DataFrame)
        gc.disable()
        kept = weakref.ref(opened.pop().call._connection)
        client.writer.close()
        try:
            async with asyncio.timeout(10):
                while kept() is not None:
                    await asyncio.sleep(0.01)
        finally:
            gc.enable()

    scenario(steps)
