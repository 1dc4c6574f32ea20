"""How much a connection, and an address, may ask for. Every buffer of the transport is bounded by
one of these."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    streams: int = 100  # open at once
    header_bytes: int = 32 * 1024  # of one request, decoded; a token is under 8 kB
    message_bytes: int = 16 * 1024 * 1024  # a subscription to 100,000 names is about 6 MB
    stream_window: int = 1024 * 1024  # receive windows: requests in flight
    connection_window: int = 4 * 1024 * 1024
    write_bytes: int = 8 * 1024 * 1024  # in the socket's buffer before the connection is paused
    secure_write_bytes: int = 512 * 1024  # the same with TLS, where each byte waits encrypted
    secure_piece_bytes: int = 128 * 1024  # of a message, encrypted at once
    control_bytes: int = 64 * 1024 * 1024  # more than that unread: a peer that only asks
    resets: int = 200  # streams a client may abandon in RESET_SECONDS (rapid reset attack)
    reset_seconds: float = 30.0
    pings: int = 1000  # PING and SETTINGS in the same time
    connections: int = 5000  # of one address at once: a machine whose proxies share an address
    connects: int = 5000  # that it may open in CONNECT_SECONDS: all of them come back together
    connect_seconds: float = 10.0
    handshakes: int = 512  # of TLS under way at once; further connections wait in the backlog
    preface_seconds: float = 10.0  # TLS handshake and the first frames
    quiet_seconds: float = 30.0  # without a byte before the server asks with a PING
    answer_seconds: float = 20.0  # for the answer
