"""Sockets in the host's own network, for a runner that may be inside another one.

DirectHost   the runner is in the host's network
HostHelper   a small process stays there and hands its sockets over
"""

import array
import contextlib
import os
import socket
from typing import Protocol

from lateen.local.errors import LocalError

BACKLOG = 128
MESSAGE_BYTES = 256


class Host(Protocol):
    def listen(self, address: str, port: int) -> socket.socket:
        """A listening TCP socket; raises OSError."""

    def datagram(self) -> socket.socket:
        """An unbound UDP socket."""

    def stream(self) -> socket.socket:
        """An unconnected TCP socket."""

    def close(self) -> None: ...


class DirectHost:
    def listen(self, address: str, port: int) -> socket.socket:
        made = socket.socket()
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            made.listen(BACKLOG)
        except OSError:
            made.close()
            raise
        made.setblocking(False)
        return made

    def datagram(self) -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def stream(self) -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def close(self) -> None:
        """Nothing is kept."""


class HostHelper:
    """Owns the helper process, which ends with this object or with the runner."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            with contextlib.suppress(OSError):
                _serve(theirs)
            os._exit(0)
        theirs.close()
        self._line = ours

    def listen(self, address: str, port: int) -> socket.socket:
        return self._ask(f"listen {address} {port}")

    def datagram(self) -> socket.socket:
        return self._ask("datagram")

    def stream(self) -> socket.socket:
        return self._ask("stream")

    def close(self) -> None:
        self._line.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _ask(self, request: str) -> socket.socket:
        self._line.send(request.encode())
        answer, ancillary, _, _ = self._line.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(4))
        number = int(answer or b"-1")
        if number < 0:
            raise LocalError("the helper in the host's network has ended")
        if number:
            raise OSError(number, os.strerror(number))
        handles = array.array("i")
        handles.frombytes(ancillary[0][2][:4])
        made = socket.socket(fileno=handles[0])
        made.setblocking(False)
        return made


def _serve(line: socket.socket) -> None:
    """The helper's life: one request, one socket or errno, until the other end closes."""
    host = DirectHost()
    while request := line.recv(MESSAGE_BYTES).decode().split():
        try:
            if request[0] == "listen":
                made = host.listen(request[1], int(request[2]))
            else:
                made = host.stream() if request[0] == "stream" else host.datagram()
        except OSError as trouble:
            line.send(str(trouble.errno or 1).encode())
            continue
        with made:
            handles = array.array("i", [made.fileno()])
            line.sendmsg([b"0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)])
