"""What a gRPC service offers to the transport: methods by path.

METHODS = {
    "/package.Service/Stream": Streaming(open_stream),   # Call -> Receiver
    "/package.Service/Unary": Unary(answer),             # (Call, bytes) -> bytes
    "/package.Service/Slow": Deferred(answer, tasks),    # (Call, bytes) -> awaitable bytes
}
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lateen.base.tasks import Tasks
from lateen.xds.transport.message import Message
from lateen.xds.transport.status import CallRefused, Status

if TYPE_CHECKING:
    from lateen.xds.transport.call import Call

log = logging.getLogger(__name__)

DEFERRED_SECONDS = 30.0  # for an answer that others are asked for first


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


@dataclass(frozen=True, slots=True)
class Deferred:
    """As `Unary`, where the answer takes time: others are asked first. Ends with its call."""

    answer: "Callable[[Call, bytes], Coroutine[Any, Any, bytes]]"
    tasks: Tasks
    seconds: float = DEFERRED_SECONDS


Methods = Mapping[str, Streaming | Unary | Deferred]


class UnaryReceiver:
    """Waits for the one message of a unary call, then answers."""

    def __init__(self, call: "Call", method: Unary | Deferred) -> None:
        self._call = call
        self._method = method
        self._message: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    def on_message(self, message: bytes) -> None:
        if self._message is not None:
            raise CallRefused(Status.INVALID_ARGUMENT, "more than one message in a unary call")
        self._message = message

    def on_half_close(self) -> None:
        if self._message is None:
            raise CallRefused(Status.INVALID_ARGUMENT, "the request is missing")
        method = self._method
        if isinstance(method, Deferred):
            work = self._deferred(method, self._message)
            self._task = method.tasks.start(work, name=self._call.path)
            return
        self._finish(method.answer(self._call, self._message))

    def on_writable(self) -> None:
        return

    def on_close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _deferred(self, method: Deferred, message: bytes) -> None:
        call = self._call
        try:
            async with asyncio.timeout(method.seconds):
                answer = await method.answer(call, message)
        except CallRefused as refusal:
            call.finish(refusal.status, refusal.text)
        except TimeoutError:
            call.finish(Status.DEADLINE_EXCEEDED, f"no answer within {method.seconds:g} s")
        except Exception:  # supervisor of the services: one call's trouble is not the others'
            log.exception("call failed", extra={"path": call.path, "peer": call.peer})
            call.finish(Status.INTERNAL, "internal error")
        else:
            self._finish(answer)

    def _finish(self, answer: bytes) -> None:
        self._call.send(Message(answer))
        self._call.finish(Status.OK)
