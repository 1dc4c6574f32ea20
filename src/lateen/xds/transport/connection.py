"""One HTTP/2 connection of a gRPC server.

    bytes in -> frames -> Call.receive -> Receiver.on_message
    Call.send -> windows -> write -> socket

All of it runs on the event loop and nothing waits. Whatever the peer can make this end remember is
bounded by `Limits`; a peer that breaks the protocol gets GOAWAY with the reason.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import hpack

from lateen.xds.transport import frames
from lateen.xds.transport.call import RESPONSE_HEADERS, Call
from lateen.xds.transport.frames import ProtocolViolation
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.service import Methods, Streaming, UnaryReceiver
from lateen.xds.transport.status import CallRefused, Status

if TYPE_CHECKING:
    from lateen.xds.transport.listener import Listener

log = logging.getLogger(__name__)

END_OF_HEADERS = frames.END_HEADERS | frames.END_STREAM


class Connection(asyncio.Protocol):
    """Owned by its Listener; made for each accepted socket."""

    def __init__(self, listener: "Listener", methods: Methods, limits: Limits) -> None:
        self.limits = limits
        self.calls: dict[int, Call] = {}
        self.blocked: dict[int, Call] = {}  # calls with something queued
        self.peer_initial_window = frames.DEFAULT_WINDOW
        self.send_window = frames.DEFAULT_WINDOW
        self.paused = False
        self.piece_bytes = frames.LARGEST_WINDOW  # of a message that is written at once
        self.peer = ""
        self.secure = False
        self.certificate: bytes | None = None
        self.heard = 0.0  # loop time of the last byte
        self.asked = 0.0  # loop time of our unanswered PING
        self._listener = listener
        self._methods = methods
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._preface = False
        self._receive_window = limits.connection_window
        self._last_stream = 0
        self._block = bytearray()  # of HEADERS that CONTINUATION frames complete
        self._block_stream = 0
        self._block_flags = 0
        self._decoder = hpack.Decoder(max_header_list_size=limits.header_bytes)
        self._resets = 0
        self._pings = 0
        self._counted_since = 0.0
        self._leaving = False
        self._address = ""
        self._is_admitted = False

    @property
    def at_once(self) -> int:
        """How much of a message may be written now."""
        return min(self.send_window, self.piece_bytes)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.write: Callable[[bytes], None] = self._transport.write
        address = transport.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
        self._address = address[0] if isinstance(address, tuple) else ""
        self._is_admitted = self._listener.admits(self._address, self._loop.time())
        if not self._is_admitted:
            self._leaving = True
            self._transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.secure = True
            self.certificate = tls.getpeercert(True)
            self.piece_bytes = self.limits.secure_piece_bytes
        high = self.limits.secure_write_bytes if self.secure else self.limits.write_bytes
        self._transport.set_write_buffer_limits(high=high)
        self.heard = self._counted_since = self._loop.time()
        self._listener.joined(self)
        self.write(
            frames.settings(
                {
                    frames.MAX_CONCURRENT_STREAMS: self.limits.streams,
                    frames.INITIAL_WINDOW_SIZE: self.limits.stream_window,
                    frames.MAX_HEADER_LIST_SIZE: self.limits.header_bytes,
                }
            )
            + frames.window_update(0, self.limits.connection_window - frames.DEFAULT_WINDOW)
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._leaving = True
        for call in list(self.calls.values()):
            call.closed_by_peer()
        if self._is_admitted:
            self._listener.gone(self._address)
        self._listener.left(self)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._unblock()
        for call in list(self.calls.values()):
            if call.writable and call.receiver is not None:
                call.receiver.on_writable()

    def data_received(self, data: bytes) -> None:
        if not self._is_admitted:
            return
        self.heard = self._loop.time()
        if self._rest:
            data = self._rest + data
        try:
            self._rest = self._read(data)
        except ProtocolViolation as wrong:
            self._fail(wrong.code, wrong.reason)
        except hpack.HPACKError:
            self._fail(frames.COMPRESSION_ERROR, "headers that cannot be decoded")

    # reading

    def _read(self, data: bytes) -> bytes:
        """Handles every whole frame; returns what is left."""
        at, end = 0, len(data)
        if not self._preface:
            if end < len(frames.PREFACE):
                return self._part_of_preface(data)
            at = len(self._part_of_preface(data[: len(frames.PREFACE)]))
            self._preface = True
        while end - at >= frames.HEAD_BYTES:
            high, low, kind, flags, stream = frames.unpack_head(data, at)
            size = high << 8 | low
            if size > frames.FRAME_BYTES:
                raise ProtocolViolation(frames.FRAME_SIZE_ERROR, f"a frame of {size} bytes")
            stop = at + frames.HEAD_BYTES + size
            if stop > end:
                break
            self._frame(kind, flags, stream & frames.LARGEST_WINDOW, data[at + 9 : stop])
            if self._leaving and self._transport.is_closing():
                return b""
            at = stop
        return data[at:] if at < end else b""

    def _part_of_preface(self, data: bytes) -> bytes:
        if not frames.PREFACE.startswith(data):
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "this port speaks HTTP/2 (gRPC) only")
        return data

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._block_stream and (kind != frames.CONTINUATION or stream != self._block_stream):
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "headers were not continued")
        if kind == frames.DATA:
            self._data(flags, stream, payload)
            return
        handle = _BY_KIND.get(kind)
        if handle is not None:  # frames of unknown kinds are to be ignored
            handle(self, flags, stream, payload)

    def _data(self, flags: int, stream: int, payload: bytes) -> None:
        size = len(payload)
        self._receive_window -= size
        if self._receive_window < 0:
            raise ProtocolViolation(frames.FLOW_CONTROL_ERROR, "the connection's window is full")
        if self._receive_window < self.limits.connection_window // 2:
            self.write(
                frames.window_update(0, self.limits.connection_window - self._receive_window)
            )
            self._receive_window = self.limits.connection_window
        call = self.calls.get(stream)
        if call is None:
            self._unknown_stream(stream)
            return
        if call.half_closed:
            raise ProtocolViolation(frames.STREAM_CLOSED, "DATA after END_STREAM")
        self._grant(call, size)
        if flags & frames.PADDED:
            payload = frames.without_padding(payload, flags)
        self._deliver(call, payload, bool(flags & frames.END_STREAM))

    def _grant(self, call: Call, size: int) -> None:
        call.receive_window -= size
        if call.receive_window < 0:
            raise ProtocolViolation(frames.FLOW_CONTROL_ERROR, "the stream's window is full")
        if call.receive_window < self.limits.stream_window // 2:
            self.write(
                frames.window_update(call.id, self.limits.stream_window - call.receive_window)
            )
            call.receive_window = self.limits.stream_window

    def _deliver(self, call: Call, content: bytes, last: bool) -> None:
        """Gives content to the call; a refusal or an error of the service ends only this call."""
        try:
            if content:
                call.receive(content)
            if last and not call.closed:
                call.half_closed = True
                if call.receiver is not None:
                    call.receiver.on_half_close()
        except CallRefused as refusal:
            call.finish(refusal.status, refusal.text)
        except Exception:  # supervisor of the services: one call's trouble is not the others'
            log.exception("call failed", extra={"path": call.path, "peer": self.peer})
            call.finish(Status.INTERNAL, "internal error")

    def _unknown_stream(self, stream: int) -> None:
        """DATA for a stream that has ended is fine; for one that never began it is not."""
        if stream == 0 or stream > self._last_stream:
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "DATA for a stream that is not open")

    def _headers(self, flags: int, stream: int, payload: bytes) -> None:
        block = frames.without_priority(frames.without_padding(payload, flags), flags)
        if not flags & frames.END_HEADERS:
            self._block_stream, self._block_flags, self._block = stream, flags, bytearray(block)
            return
        self._request(stream, flags, block)

    def _continuation(self, flags: int, stream: int, payload: bytes) -> None:
        if not self._block_stream:
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "CONTINUATION of nothing")
        self._block += payload
        if len(self._block) > self.limits.header_bytes:
            raise ProtocolViolation(frames.ENHANCE_YOUR_CALM, "headers are too large")
        if flags & frames.END_HEADERS:
            self._block_stream = 0
            self._request(stream, self._block_flags, bytes(self._block))

    def _request(self, stream: int, flags: int, block: bytes) -> None:
        headers = {
            _text(name): _text(value) for name, value in self._decoder.decode(block, raw=True)
        }
        open_call = self.calls.get(stream)
        if open_call is not None:  # trailers of the request
            self._trailers(open_call, flags)
            return
        if not stream & 1 or stream <= self._last_stream:
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "a stream id that cannot be opened")
        self._last_stream = stream
        self._check_unread()
        if self._leaving or len(self.calls) >= self.limits.streams:
            self.write(frames.reset(stream, frames.REFUSED_STREAM))
            return
        self._open(stream, headers, ended=bool(flags & frames.END_STREAM))

    def _trailers(self, call: Call, flags: int) -> None:
        if not flags & frames.END_STREAM or call.half_closed:
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "headers in the middle of a stream")
        self._deliver(call, b"", last=True)

    def _open(self, stream: int, headers: Mapping[str, str], *, ended: bool) -> None:
        wrong = _http_refusal(headers)
        if wrong:
            self.write(frames.frame(frames.HEADERS, END_OF_HEADERS, stream, wrong))
            return
        path = headers[":path"]
        call = Call(self, stream, path, headers)
        self.calls[stream] = call
        self.write(frames.frame(frames.HEADERS, frames.END_HEADERS, stream, RESPONSE_HEADERS))
        method = self._methods.get(path)
        if method is None:
            call.half_closed = ended
            call.finish(Status.UNIMPLEMENTED, f"unknown method {path[:200]}")
            return
        try:
            if isinstance(method, Streaming):
                call.receiver = method.opened(call)
            else:
                call.receiver = UnaryReceiver(call, method)
        except CallRefused as refusal:
            call.half_closed = ended
            call.finish(refusal.status, refusal.text)
            return
        if ended:
            self._deliver(call, b"", last=True)

    def _reset(self, flags: int, stream: int, payload: bytes) -> None:
        frames.word(payload)
        if stream == 0 or stream > self._last_stream:
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "RST_STREAM of a stream never opened")
        self._resets += 1
        self._check_rates()
        call = self.calls.get(stream)
        if call is not None:
            call.closed_by_peer()

    def _settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream:
            raise ProtocolViolation(frames.PROTOCOL_ERROR, "SETTINGS on a stream")
        if flags & frames.ACK:
            return
        self._pings += 1
        self._check_rates()
        for identifier, value in frames.read_settings(payload):
            if identifier == frames.INITIAL_WINDOW_SIZE:
                self._change_initial_window(value)
            elif identifier == frames.MAX_FRAME_SIZE and value < frames.FRAME_BYTES:
                raise ProtocolViolation(frames.PROTOCOL_ERROR, "MAX_FRAME_SIZE under 16384")
        self.write(frames.frame(frames.SETTINGS, frames.ACK, 0))
        self._unblock()

    def _change_initial_window(self, value: int) -> None:
        if value > frames.LARGEST_WINDOW:
            raise ProtocolViolation(frames.FLOW_CONTROL_ERROR, "a window over 2^31-1")
        difference = value - self.peer_initial_window
        self.peer_initial_window = value
        for call in self.calls.values():
            call.send_window += difference

    def _ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream or len(payload) != 8:
            raise ProtocolViolation(frames.FRAME_SIZE_ERROR, "a PING that is none")
        if flags & frames.ACK:
            self.asked = 0.0
            return
        self._pings += 1
        self._check_rates()
        self.write(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _goaway(self, flags: int, stream: int, payload: bytes) -> None:
        self._leaving = True
        self._close_if_done()

    def _window_update(self, flags: int, stream: int, payload: bytes) -> None:
        increment = frames.word(payload)
        if stream == 0:
            self.send_window += increment
            if not increment or self.send_window > frames.LARGEST_WINDOW:
                raise ProtocolViolation(frames.FLOW_CONTROL_ERROR, "a broken window update")
            self._unblock()
            return
        call = self.calls.get(stream)
        if call is None:
            return
        call.send_window += increment
        if not increment or call.send_window > frames.LARGEST_WINDOW:
            self.write(frames.reset(stream, frames.FLOW_CONTROL_ERROR))
            call.closed_by_peer()
        elif stream in self.blocked:
            self._flush(call)

    def _refused_frame(self, flags: int, stream: int, payload: bytes) -> None:
        raise ProtocolViolation(frames.PROTOCOL_ERROR, "a client must not push")

    def _check_rates(self) -> None:
        """Bounds what costs the server more than the client: resets, pings, settings."""
        now = self._loop.time()
        if now - self._counted_since > self.limits.reset_seconds:
            self._counted_since, self._resets, self._pings = now, 0, 0
        if self._resets > self.limits.resets or self._pings > self.limits.pings:
            raise ProtocolViolation(frames.ENHANCE_YOUR_CALM, "too many resets or pings")
        self._check_unread()

    def _check_unread(self) -> None:
        """A peer that asks and never reads must not make this end keep all the answers."""
        if self._transport.get_write_buffer_size() > self.limits.control_bytes:
            raise ProtocolViolation(frames.ENHANCE_YOUR_CALM, "too many answers are unread")

    # writing and ending

    def _unblock(self) -> None:
        for call in list(self.blocked.values()):
            if self.paused or self.send_window <= 0:
                return
            self._flush(call)

    def _flush(self, call: Call) -> None:
        call.flush()
        if call.writable and call.receiver is not None:
            call.receiver.on_writable()

    def forget(self, call: Call) -> None:
        """The call is over, on whichever side; tells its receiver."""
        if call.closed:
            return
        call.closed = True
        self.calls.pop(call.id, None)
        self.blocked.pop(call.id, None)
        receiver, call.receiver = call.receiver, None  # they refer to each other
        if receiver is not None:
            receiver.on_close()
        self._close_if_done()

    def ask(self, now: float) -> None:
        """Asks a quiet peer whether it is still there."""
        self.asked = now
        self.write(frames.frame(frames.PING, 0, 0, b"lateen!?"))

    @property
    def greeted(self) -> bool:
        """Whether the peer has shown that it speaks HTTP/2."""
        return self._preface

    def leave(self, reason: str = "") -> None:
        """Graceful: no new calls; the connection closes when the present ones are over."""
        if not self._leaving:
            self._leaving = True
            self.write(frames.goaway(self._last_stream, frames.NO_ERROR, reason))
        self._close_if_done()

    def close(self) -> None:
        self._leaving = True
        if self._transport is not None:
            self._transport.abort()

    def _close_if_done(self) -> None:
        if self._leaving and not self.calls and not self._transport.is_closing():
            self._transport.close()

    def _fail(self, code: int, reason: str) -> None:
        log.info("connection refused", extra={"peer": self.peer, "reason": reason})
        self._rest = b""
        self._leaving = True
        self.write(frames.goaway(self._last_stream, code, reason))
        self._transport.close()
        for call in list(self.calls.values()):
            call.closed_by_peer()


_BY_KIND: dict[int, Callable[[Connection, int, int, bytes], None]] = {
    frames.HEADERS: Connection._headers,
    frames.CONTINUATION: Connection._continuation,
    frames.RST_STREAM: Connection._reset,
    frames.SETTINGS: Connection._settings,
    frames.PING: Connection._ping,
    frames.GOAWAY: Connection._goaway,
    frames.WINDOW_UPDATE: Connection._window_update,
    frames.PUSH_PROMISE: Connection._refused_frame,
}


def _text(raw: Any) -> str:
    return bytes(raw).decode("latin-1")


def _http_refusal(headers: Mapping[str, str]) -> bytes:
    """The answer to a request that is not gRPC, as an HPACK block; empty when it is."""
    if headers.get(":method") != "POST" or ":path" not in headers:
        return b"\x08\x03405"
    if not headers.get("content-type", "").startswith("application/grpc"):
        return b"\x08\x03415"
    return b""
