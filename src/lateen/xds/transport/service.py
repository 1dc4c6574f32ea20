"""What a gRPC service offers to the transport: methods by path.

METHODS = {
    "/package.Service/Stream": Streaming(open_stream),   # Call -> Receiver
    "/package.Service/Unary": Unary(answer),             # (Call, bytes) -> bytes
}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lateen.xds.transport.call import Call


class Receiver(Protocol):
    """The service's half of a streaming call. None of its methods may block or wait."""

    def on_message(self, message: bytes) -> None: ...

    def on_writable(self) -> None:
        """What could not be sent at once has left; `Call.writable` is true again."""

    def on_half_close(self) -> None:
        """The client sends nothing more."""

    def on_close(self) -> None:
        """The call is over, however that came; called exactly once."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """`opened` may raise CallRefused; so may `on_message`, which ends the call."""

    opened: "Callable[[Call], Receiver]"


@dataclass(frozen=True, slots=True)
class Unary:
    """One message in, one out; CallRefused for another status."""

    answer: "Callable[[Call, bytes], bytes]"


Methods = Mapping[str, Streaming | Unary]


class UnaryReceiver:
    """Waits for the one message of a unary call, then answers."""

    def __init__(self, call: "Call", method: Unary) -> None:
        self._call = call
        self._method = method
        self._message: bytes | None = None

    def on_message(self, message: bytes) -> None:
        self._message = message

    def on_half_close(self) -> None:
        from lateen.xds.transport.message import Message
        from lateen.xds.transport.status import CallRefused, Status

        if self._message is None:
            raise CallRefused(Status.INVALID_ARGUMENT, "the request is missing")
        self._call.send(Message(self._method.answer(self._call, self._message)))
        self._call.finish(Status.OK)

    def on_writable(self) -> None:
        return

    def on_close(self) -> None:
        return
